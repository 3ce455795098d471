//! Schedules enqueue their jobs at their times: once, whoever looks, and whatever is killed.

use std::sync::Arc;
use std::time::Duration;

use alphanode::queue::Ticker;
use alphanode::queue::schedule::{self, BuiltIn, Row};
use chrono::{DateTime, TimeDelta, Utc};
use entity::schedule::Entity;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, QuerySelect};
use serde_json::json;

use crate::queue::jobs;
use crate::support::{Backend, TestStore};

const HOURLY: BuiltIn = BuiltIn {
    name: "hourly",
    kind: "note",
    payload: r#"{"text":"tick"}"#,
    cron: "0 * * * *",
    time_zone: "UTC",
    purpose: "Notes that an hour is over.",
};

const NIGHTLY: BuiltIn = BuiltIn {
    name: "nightly",
    cron: "30 3 * * *",
    time_zone: "Europe/Berlin",
    ..HOURLY
};

fn ticker(test: &TestStore) -> Ticker {
    let store = &test.store;
    Ticker::new(
        store.database.clone(),
        store.clock.clone(),
        store.wake.clone(),
    )
}

async fn sync(test: &TestStore, built_in: &[BuiltIn]) {
    schedule::sync(&test.store.database, &test.store.clock, built_in)
        .await
        .unwrap();
}

async fn rows(test: &TestStore) -> Vec<Row> {
    let all = Entity::find().order_by_asc(entity::schedule::Column::Name);
    all.all(test.store.database.writer()).await.unwrap()
}

/// The one row, once no transaction holds it.
async fn settled_row(test: &TestStore) -> Row {
    let transaction = test.store.database.begin().await.unwrap();
    let row = Entity::find()
        .lock_exclusive()
        .one(&transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    row.unwrap()
}

async fn sql(test: &TestStore, sql: &str) {
    let writer = test.store.database.writer();
    writer.execute_unprepared(sql).await.unwrap();
}

fn at(row: &Row) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(row.next_run_at).unwrap()
}

/// On PostgreSQL the server tells the time, so what is expected depends on it: a schedule that is
/// due is one whose next run was moved into the past.
async fn make_due(test: &TestStore, ago: TimeDelta) {
    let micros = ago.num_microseconds().unwrap();
    let now = match test.store.database.dialect() {
        alphanode::foundation::database::Dialect::Sqlite => {
            test.store.clock.now().timestamp_micros().to_string()
        }
        alphanode::foundation::database::Dialect::Postgres => {
            "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)".to_owned()
        }
    };
    sql(
        test,
        &format!("UPDATE schedule SET next_run_at = {now} - {micros}"),
    )
    .await;
}

#[rstest]
#[tokio::test]
async fn a_tick_enqueues_its_job_once_however_late_it_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    sync(&test, &[HOURLY]).await;
    let ticker = ticker(&test);
    let idle = ticker.tick().await.unwrap();
    assert_eq!(idle.ran, 0);
    let until = idle.next_in.unwrap();
    assert!(until <= Duration::from_secs(3_600), "{until:?}");
    assert_eq!(jobs(&test).await, []);

    // Three days of ticks were missed.
    make_due(&test, TimeDelta::days(3)).await;
    assert_eq!(ticker.tick().await.unwrap().ran, 1);
    assert_eq!(ticker.tick().await.unwrap().ran, 0);
    let (jobs, row) = (jobs(&test).await, rows(&test).await.remove(0));
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].kind, "note");
    assert_eq!(jobs[0].payload, json!({ "text": "tick" }));
    assert_eq!(jobs[0].status, "waiting");
    assert_eq!(jobs[0].due_at, jobs[0].created_at);
    assert_eq!(row.last_job_id, Some(jobs[0].id));
    let last = row.last_run_at.unwrap();
    assert!(row.next_run_at > last && row.next_run_at - last <= 3_600_000_000);
    assert_eq!(row.next_run_at % 3_600_000_000, 0);

    // A job that waits for its first run is the one: schedules never queue up.
    make_due(&test, TimeDelta::zero()).await;
    assert_eq!(ticker.tick().await.unwrap().ran, 1);
    assert_eq!(crate::queue::jobs(&test).await.len(), 1);
    sql(
        &test,
        "UPDATE job SET status = 'done', lease = 1, finished_at = 1",
    )
    .await;
    make_due(&test, TimeDelta::zero()).await;
    assert_eq!(ticker.tick().await.unwrap().ran, 1);
    assert_eq!(crate::queue::jobs(&test).await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn the_clock_of_the_zone_decides(#[values(Backend::Sqlite)] backend: Backend) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    sync(&test, &[NIGHTLY]).await;
    // It is noon of 1 June 2026.
    let next = at(&rows(&test).await[0]);
    assert_eq!(next.to_rfc3339(), "2026-06-02T01:30:00+00:00");
    let ticker = ticker(&test);
    assert_eq!(
        ticker.tick().await.unwrap().next_in,
        Some(Duration::from_secs(13 * 3_600 + 1_800))
    );
    test.store.clock.advance(TimeDelta::minutes(13 * 60 + 29));
    assert_eq!(ticker.tick().await.unwrap().ran, 0);
    test.store.clock.advance(TimeDelta::minutes(1));
    assert_eq!(ticker.tick().await.unwrap().ran, 1);
    let next = at(&rows(&test).await[0]);
    assert_eq!(next.to_rfc3339(), "2026-06-03T01:30:00+00:00");

    // A clock that is set back repeats no tick.
    sql(
        &test,
        "UPDATE job SET status = 'done', lease = 1, finished_at = 1",
    )
    .await;
    test.store.clock.advance(TimeDelta::hours(-2));
    assert_eq!(ticker.tick().await.unwrap().ran, 0);
    test.store.clock.advance(TimeDelta::hours(3));
    assert_eq!(ticker.tick().await.unwrap().ran, 0);
    assert_eq!(jobs(&test).await.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_an_operator_chose_stays_when_the_program_changes(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    sync(&test, &[HOURLY, NIGHTLY]).await;
    let first = rows(&test).await;
    sync(&test, &[HOURLY, NIGHTLY]).await;
    assert_eq!(rows(&test).await, first);
    sql(
        &test,
        "UPDATE schedule SET cron = '15 * * * *', paused_at = 1, paused_by = 'user 1',
         next_run_at = 900000000 WHERE name = 'hourly'",
    )
    .await;

    // A later version has other times, another job and another purpose.
    let hourly = BuiltIn {
        cron: "45 * * * *",
        time_zone: "Asia/Kolkata",
        kind: "other",
        purpose: "Another.",
        ..HOURLY
    };
    let nightly = BuiltIn {
        cron: "0 5 * * *",
        ..NIGHTLY
    };
    sync(&test, &[nightly, hourly]).await;
    let [hourly, nightly] = &rows(&test).await[..] else {
        panic!("two schedules");
    };
    assert_eq!(hourly.cron, "15 * * * *", "the operator's");
    assert_eq!(hourly.built_in_cron, "45 * * * *");
    assert_eq!(hourly.time_zone, "Asia/Kolkata", "the program's");
    assert_eq!((&*hourly.kind, &*hourly.purpose), ("other", "Another."));
    assert_eq!(hourly.paused_by.as_deref(), Some("user 1"));
    assert_eq!(nightly.cron, "0 5 * * *");
    assert!(nightly.next_run_at > first[1].next_run_at);

    // What can't be read is as it is built in again; what the program does not have is removed.
    sql(
        &test,
        "UPDATE schedule SET cron = 'whenever' WHERE name = 'nightly'",
    )
    .await;
    sync(&test, &[NIGHTLY]).await;
    let left = rows(&test).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].cron, NIGHTLY.cron);
    sync(&test, &[]).await;
    assert_eq!(rows(&test).await, []);
}

/// Two nodes look at the same moment, 200 times, and more than two threads do.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_never_tick_the_same_tick_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let test = Arc::new(test);
    sync(&test, &[HOURLY]).await;
    for round in 1..=200 {
        make_due(&test, TimeDelta::zero()).await;
        let nodes = (0..2).map(|_| {
            let ticker = ticker(&test);
            tokio::spawn(async move { ticker.tick().await.unwrap().ran })
        });
        let mut ran = 0;
        for node in nodes.collect::<Vec<_>>() {
            ran += node.await.unwrap();
        }
        assert_eq!(ran, 1, "round {round}");
        // So that a second job would not collapse into the first.
        sql(
            &test,
            "UPDATE job SET status = 'done', lease = 1, finished_at = 1",
        )
        .await;
    }
    assert_eq!(jobs(&test).await.len(), 200);
}

/// A process that dies in the middle of a tick has done nothing, and another does it.
#[rstest]
#[tokio::test]
async fn a_tick_that_is_cut_off_has_not_happened(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    sync(&test, &[HOURLY]).await;
    let ticker = ticker(&test);
    for steps in 1..40 {
        make_due(&test, TimeDelta::zero()).await;
        let mut tick = Box::pin(ticker.tick());
        let mut ended = false;
        for _ in 0..steps {
            let once =
                std::future::poll_fn(|context| std::task::Poll::Ready(tick.as_mut().poll(context)));
            if once.await.is_ready() {
                ended = true;
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        drop(tick);
        // Whatever was done by then: the job and the next run go together. A commit that is on its
        // way holds the row until it has happened.
        let row = settled_row(&test).await;
        let jobs = jobs(&test).await.len();
        let moved_on = row.next_run_at > row.last_run_at.unwrap_or(i64::MAX);
        assert_eq!(moved_on, jobs == 1, "after {steps} steps");
        assert!(!ended || jobs == 1, "after {steps} steps");
        let again = ticker.tick().await.unwrap().ran;
        assert_eq!(again, usize::from(!moved_on), "after {steps} steps");
        assert_eq!(crate::queue::jobs(&test).await.len(), 1);
        sql(&test, "DELETE FROM job").await;
        sql(&test, "UPDATE schedule SET last_run_at = NULL").await;
    }
}

#[rstest]
#[tokio::test]
async fn a_paused_schedule_and_a_broken_one_are_in_nobodys_way(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let broken = BuiltIn {
        name: "broken",
        ..HOURLY
    };
    let paused = BuiltIn {
        name: "paused",
        ..HOURLY
    };
    sync(&test, &[broken, paused, HOURLY]).await;
    make_due(&test, TimeDelta::minutes(1)).await;
    sql(
        &test,
        "UPDATE schedule SET cron = 'x' WHERE name = 'broken'",
    )
    .await;
    sql(
        &test,
        "UPDATE schedule SET paused_at = 1, paused_by = 'x' WHERE name = 'paused'",
    )
    .await;
    assert_eq!(ticker(&test).tick().await.unwrap().ran, 1);
    let jobs = jobs(&test).await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].unique_key.as_deref(), Some("hourly"));
}

/// What the program comes with can be read, and happens.
#[rstest]
#[tokio::test]
async fn every_built_in_schedule_is_good(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    use alphanode::domain::schedule::BUILT_IN;
    sync(&test, BUILT_IN).await;
    let rows = rows(&test).await;
    assert_eq!(rows.len(), BUILT_IN.len(), "a name is given twice");
    let kinds: Vec<&str> = alphanode::jobs::handlers(&test.store)
        .iter()
        .map(|handler| handler.kind)
        .collect();
    for one in BUILT_IN {
        assert!(kinds.contains(&one.kind), "no handler for {}", one.kind);
        assert!(one.purpose.ends_with('.'), "{}", one.purpose);
    }
}
