//! A cached answer is the one that would be worked out now: after every change of random ones, of all
//! kinds, whatever the public can ask is asked twice, once as it comes and once past the cache.
//!
//! An answer whose tags don't name everything it was made from is served again after a change of what
//! they leave out, and differs here.

mod changes;
mod questions;

use std::collections::BTreeMap;
use std::time::Duration;

use alphanode::domain::permission::Role;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rstest::rstest;

use self::changes::Editing;
use self::questions::{Question, questions};
use crate::support::{Answer, Backend, TestServer};

/// Changes of a run.
const STEPS: usize = 60;

/// What the cache had to do with an answer, as its header says.
fn outcome(answer: &Answer) -> &str {
    let header = answer.headers.get("x-cache");
    let header = header.map_or("", |value| value.to_str().unwrap());
    header.split(';').next().unwrap().trim()
}

/// Asks a question as anybody does, then past the cache. Whether the first answer was kept.
async fn ask_twice(server: &TestServer, question: &Question) -> (Answer, Answer) {
    let Question {
        document,
        variables,
    } = question;
    let kept = server.ask(document, variables.clone()).await;
    let fresh = [("cache-control", "no-cache")];
    let fresh = server.ask_with(&fresh, document, variables.clone()).await;
    assert_ne!(outcome(&fresh), "HIT", "{:?}", fresh.headers);
    (kept, fresh)
}

#[rstest]
#[tokio::test]
async fn what_is_kept_is_what_would_be_answered_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(1, 2)] seed: u64,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    // Nobody listens to the database here, and nobody else writes to it.
    server.cache.trust(Duration::from_secs(3_600));
    let editor = server.sign_in_as(Role::Admin).await;
    let mut editing = Editing::new(server, editor, ChaCha8Rng::seed_from_u64(seed));
    editing.begin().await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut changed: BTreeMap<&str, usize> = BTreeMap::new();
    for step in 0..STEPS {
        let change = editing.change().await;
        *changed.entry(change.name).or_default() += usize::from(change.made);
        for question in questions(&editing.known()) {
            let (kept, fresh) = ask_twice(&editing.server, &question).await;
            *outcomes.entry(outcome(&kept).to_owned()).or_default() += 1;
            assert_eq!(
                kept.data(),
                fresh.data(),
                "after step {step}, {} {:#}: {} {:#}\n{:?}",
                change.name,
                change.input,
                question.document,
                question.variables,
                kept.headers,
            );
        }
    }
    eprintln!("{backend:?}: {outcomes:?}, {changed:?}");
    // Otherwise it has shown nothing: every change leaves most answers as they were.
    let hits = outcomes.get("HIT").copied().unwrap_or_default();
    let asked: usize = outcomes.values().sum();
    assert!(hits * 10 > asked, "{outcomes:?}");
    assert!(
        changed.values().filter(|times| **times > 0).count() > 15,
        "{changed:?}"
    );
}
