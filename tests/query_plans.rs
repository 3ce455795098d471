//! Every list that `docs/queries.md` promises to be quick is a range of an index, on both
//! databases: no scan of a table, no sort of more than the page.

use std::collections::BTreeSet;

use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post;
use alphanode::foundation::plan::Wanted;
use rstest::rstest;
use sea_orm::ConnectionTrait;

use crate::support::{Backend, TestServer};

#[rstest]
#[tokio::test]
async fn a_promised_list_is_a_range_of_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    for start in (0..3_000).step_by(500) {
        let documents = alphanode::transfer::synth::documents(3, start..start + 500);
        let posts = documents
            .map(|document| crate::support::new_post(&document))
            .collect();
        server.create_posts(posts).await;
    }
    let database = &server.test.store.database;
    if backend == Backend::Postgres {
        let analyzed = database.writer().execute_unprepared("ANALYZE").await;
        analyzed.unwrap();
    }
    let reader = Reader::new(database.clone(), Perspective::Published);
    for promised in post::promised_lists(&reader).await.unwrap() {
        let plans = post::plans_of(&reader, &promised, Wanted::WhenLarge).await;
        let plans = plans.unwrap();
        assert!(plans.len() >= 2, "{}", promised.name);
        for plan in plans {
            let lines = plan.lines.join("\n");
            assert_eq!(plan.concerns, [], "{}: {lines}", promised.name);
        }
    }
}

/// The first cells of the table of promises.
fn promised_in_the_guide() -> BTreeSet<String> {
    let text = std::fs::read_to_string("../docs/queries.md").unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .next()
            .unwrap()
            .trim()
            .to_owned()
    })
    .collect()
}

#[tokio::test]
async fn the_guide_names_every_promise() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let reader = Reader::new(server.test.store.database.clone(), Perspective::Published);
    let promised = post::promised_lists(&reader).await.unwrap();
    let promised = promised.iter().map(|list| list.name.to_owned());
    assert_eq!(promised_in_the_guide(), promised.collect::<BTreeSet<_>>());
}
