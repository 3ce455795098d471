//! Posts that are due while processes are killed are published, each of them once.

use std::sync::Arc;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{self, PreparedPost, RevisionStatus, SavedPost};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use chrono::{TimeDelta, Utc};
use rstest::rstest;

use super::fleet::Fleet;
use super::{Scale, client};
use crate::support::release::content;
use crate::support::{Backend, TestDatabase, note, number};

/// Posts that nobody sees yet.
pub(super) fn drafts(count: usize) -> Vec<Arc<PreparedPost>> {
    let draft = |number| {
        let name = format!("p{number}");
        let post = note(content(&name, &name), RevisionStatus::Drafted);
        Arc::new(PreparedPost::new(post).unwrap())
    };
    (0..count).map(draft).collect()
}

/// Writes posts. Answers them, and a token that may do everything with them.
pub(super) async fn prepare(
    database: &TestDatabase,
    posts: Vec<Arc<PreparedPost>>,
) -> (Vec<SavedPost>, String) {
    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let store = Store::new(opened, Clock::system());
    let mut change = Transaction::begin(&store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let saved = post::create(&mut change, posts).await.unwrap();
    change.commit().await.unwrap();
    let token = client::token(&store).await;
    store.database.close().await.unwrap();
    (saved.into_iter().map(Result::unwrap).collect(), token)
}

/// Posts whose revisions go live one after the other, over the time of about `kills` kills.
pub(super) async fn plan(database: &TestDatabase, scale: &Scale) {
    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let store = Store::new(opened, Clock::system());
    let begin = |action| Transaction::begin(&store, Actor::CommandLine, action);
    let mut change = begin(Action::Import).await.unwrap();
    let saved = post::create(&mut change, drafts(scale.posts))
        .await
        .unwrap();
    change.commit().await.unwrap();

    let first = Utc::now() + TimeDelta::milliseconds(500);
    let between = TimeDelta::milliseconds(i64::try_from(400 * scale.kills / scale.posts).unwrap());
    let mut change = begin(Action::SchedulePost).await.unwrap();
    for (number, saved) in (0..).zip(saved) {
        let at = first + between * number;
        let post_id = saved.unwrap().post_id;
        post::schedule(&mut change, post_id, None, Some(at), None)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
    store.database.close().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn what_is_due_is_published_once_whoever_is_killed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let scale = Scale::of_this_run();
    plan(&database, &scale).await;
    let connection = database.connect().await;
    let count = async |sql: &str| number(&connection, sql).await;
    let mut fleet = Fleet::start(database.url());
    fleet
        .torment(scale.kills, 50..750, async || {
            let left =
                "SELECT COUNT(*) FROM job WHERE kind = 'scheduled_post' AND status <> 'done'";
            count(left).await == 0
        })
        .await;
    eprintln!("{backend:?}: {} kills", fleet.kills);
    drop(fleet);

    assert_each_was_published_once(&database, &scale).await;
}

/// Every post that was planned went live, once, and nothing is left over.
pub(super) async fn assert_each_was_published_once(database: &TestDatabase, scale: &Scale) {
    let connection = database.connect().await;
    let count = async |sql: &str| number(&connection, sql).await;
    let posts = i64::try_from(scale.posts).unwrap();
    let live = "SELECT COUNT(*) FROM post WHERE live_content IS NOT NULL";
    assert_eq!(count(live).await, posts);
    assert_eq!(count("SELECT COUNT(*) FROM publication").await, posts);
    let told = "SELECT COUNT(*) FROM audit_event WHERE action = 'publish'";
    assert_eq!(count(told).await, posts);
    assert_eq!(count("SELECT COUNT(*) FROM post_schedule").await, 0);
    let dead = "SELECT COUNT(*) FROM job WHERE status = 'dead'";
    assert_eq!(count(dead).await, 0);
}
