//! A process that is killed while it ships a release leaves all of it or nothing, and the next one
//! ships it once.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alphanode::domain::actor::Actor;
use alphanode::domain::patch::Patch;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{self, PreparedPost, RevisionStatus};
use alphanode::domain::release::{self, DetailsPatch};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use chrono::{TimeDelta, Utc};
use entity::user;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseConnection};

use crate::support::release::content;
use crate::support::{Backend, TestDatabase, note, number, program};

const POSTS: i64 = 100;
const KILLS: usize = 10;

const CLAIMS: &str = "SELECT lease FROM job WHERE kind = 'ship_release'";
const DONE: &str = "SELECT COUNT(*) FROM job WHERE kind = 'ship_release' AND status = 'done'";
const LIVE: &str = "SELECT COUNT(*) FROM post WHERE live_content IS NOT NULL";
const SHIPPED: &str = "SELECT COUNT(*) FROM release WHERE status = 'shipped'";

/// The program at work; dropping it is `kill -9`.
struct Serving {
    process: Child,
    _keys: tempfile::TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(database: &TestDatabase) -> Serving {
    let keys = tempfile::tempdir().unwrap();
    let started = Command::new(program())
        .env("ALPHANODE_KEYS_DIRECTORY", keys.path().join("keys"))
        .args(["serve", "--database-url", database.url()])
        .args(["--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Serving {
        process: started.unwrap(),
        _keys: keys,
    }
}

/// Waits until a statement reads something else than 0.
async fn wait_for(connection: &DatabaseConnection, sql: &str) {
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
        while number(connection, sql).await == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    patience.await.unwrap_or_else(|_| panic!("never: {sql}"));
}

/// A release of a hundred posts, scheduled so that it is due at once.
async fn schedule(database: &TestDatabase) {
    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let store = Store::new(opened, Clock::system());
    let row = user::ActiveModel {
        email: Set("ann@example.org".into()),
        email_key: Set("ann@example.org".into()),
        name: Set("Ann".into()),
        role: Set("editor".into()),
        created_at: Set(Utc::now()),
        ..Default::default()
    };
    let owner = row.insert(store.database.writer()).await.unwrap().id;
    let begin = |action| Transaction::begin(&store, Actor::CommandLine, action);

    let mut change = begin(Action::Import).await.unwrap();
    let posts = (0..POSTS).map(|number| {
        let name = format!("p{number}");
        let post = note(content(&name, &name), RevisionStatus::Drafted);
        PreparedPost::new(post).unwrap().into()
    });
    let saved = post::create(&mut change, posts.collect()).await.unwrap();
    change.commit().await.unwrap();
    let revisions: Vec<i64> = saved
        .into_iter()
        .map(|saved| saved.unwrap().revision_id)
        .collect();

    let text = |text: &str| Patch::Set(text.to_owned());
    let patch = DetailsPatch {
        name: text("Autumn"),
        owner_id: Patch::Set(owner),
        reason: text("It is time."),
        expected_result: text("Fewer questions."),
        rollback_note: text("When questions rise."),
        ..DetailsPatch::default()
    };
    let mut change = begin(Action::ShipRelease).await.unwrap();
    let id = release::create(&mut change, patch).await.unwrap();
    release::add(&mut change, id, &revisions, &[])
        .await
        .unwrap();
    let at = Utc::now() + TimeDelta::milliseconds(100);
    release::schedule(&mut change, id, at).await.unwrap();
    change.commit().await.unwrap();
    store.database.close().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_killed_ship_is_all_or_nothing_and_the_next_one_ships_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut whole = None;
    let mut kills = 0;
    while kills < KILLS {
        let Some(database) = TestDatabase::create(backend).await else {
            return;
        };
        schedule(&database).await;
        let connection = database.connect().await;
        // The first one is left alone, to learn how long it takes.
        if let Some(whole) = whole {
            kills += kill_until_shipped(&database, &connection, whole, &mut random).await;
        }
        let serving = serve(&database);
        wait_for(&connection, DONE).await;
        drop(serving);
        assert_eq!(number(&connection, LIVE).await, POSTS);
        let publications = "SELECT COUNT(*) FROM publication WHERE published_until IS NULL";
        assert_eq!(number(&connection, publications).await, POSTS);
        let all = "SELECT COUNT(*) FROM publication";
        assert_eq!(number(&connection, all).await, POSTS, "shipped once");
        let ships = "SELECT COUNT(*) FROM audit_event WHERE action = 'ship'";
        assert_eq!(number(&connection, ships).await, 1, "shipped once");
        if whole.is_none() {
            let took = "SELECT finished_at - started_at FROM job WHERE kind = 'ship_release'";
            let took = number(&connection, took).await;
            whole = Some(Duration::from_micros(took.try_into().unwrap()));
        }
        connection.close().await.unwrap();
    }
}

/// Starts the program and kills it while it ships, again and again until one was not quick enough
/// to keep it from shipping. Answers how many times that took.
async fn kill_until_shipped(
    database: &TestDatabase,
    connection: &DatabaseConnection,
    whole: Duration,
    random: &mut ChaCha8Rng,
) -> usize {
    let mut kills = 0;
    loop {
        // Only what this process claims counts, not what the one before it held.
        let claims = number(connection, CLAIMS).await;
        let serving = serve(database);
        let claimed =
            format!("SELECT COUNT(*) FROM job WHERE kind = 'ship_release' AND lease > {claims}");
        wait_for(connection, &claimed).await;
        tokio::time::sleep(whole.mul_f64(random.random_range(0.0..2.0))).await;
        drop(serving);
        kills += 1;
        let live = number(connection, LIVE).await;
        let shipped = number(connection, SHIPPED).await;
        assert!(
            (live, shipped) == (0, 0) || (live, shipped) == (POSTS, 1),
            "{live} posts live, {shipped} releases shipped"
        );
        // What takes a minute on the wall: the dead worker loses its lease.
        connection
            .execute_unprepared("UPDATE job SET leased_until = 1 WHERE status = 'running'")
            .await
            .unwrap();
        if shipped == 1 || kills == KILLS {
            return kills;
        }
    }
}
