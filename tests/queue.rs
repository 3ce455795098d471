//! Jobs are written with the change that wants them, once, and claimed in their order.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alphanode::domain::{actor::Actor, permission::Action, transaction::Transaction};
use alphanode::foundation::clock::Clock;
use alphanode::queue::{self, Handler, NewJob, Priority, Worker};
use chrono::{TimeDelta, TimeZone, Utc};
use entity::job;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::{Backend, TestStore};

/// A job that carries its name.
pub fn named(name: &str) -> NewJob {
    NewJob {
        kind: "note",
        payload: json!(name),
        unique_key: None,
        priority: Priority::Normal,
        delay: Duration::ZERO,
    }
}

/// The same, of which only one waits.
pub fn unique(name: &str) -> NewJob {
    NewJob {
        unique_key: Some(name.to_owned()),
        ..named(name)
    }
}

/// Enqueues jobs as a change does that wants nothing else.
pub async fn enqueue(test: &TestStore, jobs: impl IntoIterator<Item = NewJob>) {
    let mut change = Transaction::begin(&test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    for job in jobs {
        change.enqueue(job);
    }
    change.commit().await.unwrap();
}

/// All jobs, oldest first.
pub async fn jobs(test: &TestStore) -> Vec<job::Model> {
    job::Entity::find()
        .order_by_asc(job::Column::Id)
        .all(test.store.database.writer())
        .await
        .unwrap()
}

/// A handler that notes the payloads it was given.
pub fn noting() -> (Handler, Arc<Mutex<Vec<Value>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let kept = notes.clone();
    let handler = Handler::new("note", "for a test", move |job| {
        kept.lock().unwrap().push(job.payload);
        async { Ok(()) }
    });
    (handler, notes)
}

#[rstest]
#[tokio::test]
async fn a_job_is_gone_with_the_change_that_wanted_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let change = test.store.database.begin().await.unwrap();
    queue::enqueue(&change, &test.store.clock, vec![named("a"), unique("b")])
        .await
        .unwrap();
    change.rollback().await.unwrap();
    assert_eq!(jobs(&test).await, []);

    enqueue(&test, [named("a"), unique("b")]).await;
    assert_eq!(jobs(&test).await.len(), 2);
}

#[rstest]
#[tokio::test]
async fn a_key_that_waits_is_not_added_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let later = NewJob {
        delay: Duration::from_secs(60),
        ..unique("a")
    };
    enqueue(&test, [later.clone(), unique("b"), unique("b")]).await;
    let urgent = NewJob {
        priority: Priority::High,
        delay: Duration::from_secs(30),
        ..unique("a")
    };
    enqueue(&test, [urgent, later]).await;

    let waiting = jobs(&test).await;
    assert_eq!(waiting.len(), 2);
    // It runs as soon, and is as urgent, as the most impatient asked.
    let a = &waiting[0];
    assert_eq!(a.priority, 1);
    let delay = Duration::from_micros(u64::try_from(a.due_at - a.created_at).unwrap());
    // On PostgreSQL the second change came a moment after the first.
    assert!((30..50).contains(&delay.as_secs()), "{delay:?}");

    // Once it was claimed, what changes after that needs a job of its own.
    let (handler, notes) = noting();
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(worker.run_until_idle().await.unwrap(), 1);
    enqueue(&test, [unique("b")]).await;
    assert_eq!(worker.run_until_idle().await.unwrap(), 1);
    assert_eq!(*notes.lock().unwrap(), ["b", "b"]);
}

/// Otherwise the job could read the content before the change that wanted it is there.
#[rstest]
#[tokio::test]
async fn a_waiting_job_waits_for_the_change_that_wants_it_too(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [unique("a")]).await;
    let change = test.store.database.begin().await.unwrap();
    queue::enqueue(&change, &test.store.clock, vec![unique("a")])
        .await
        .unwrap();

    let (handler, _) = noting();
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(worker.run_until_idle().await.unwrap(), 0);
    change.commit().await.unwrap();
    assert_eq!(worker.run_until_idle().await.unwrap(), 1);
}

#[rstest]
#[tokio::test]
async fn the_urgent_run_first_then_the_longest_due_then_the_oldest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let with = |name, priority, seconds| NewJob {
        priority,
        delay: Duration::from_secs(seconds),
        ..named(name)
    };
    let new = [
        with("later", Priority::Normal, 20),
        with("first", Priority::Normal, 10),
        with("second", Priority::Normal, 10),
        with("idle", Priority::Low, 0),
        with("urgent", Priority::High, 30),
    ];
    enqueue(&test, new).await;
    test.store.clock.advance(TimeDelta::seconds(30));

    let (handler, notes) = noting();
    let ran = test.worker("one", vec![handler]).run_until_idle().await;
    assert_eq!(ran.unwrap(), 5);
    assert_eq!(
        *notes.lock().unwrap(),
        ["urgent", "first", "second", "later", "idle"]
    );
}

#[rstest]
#[tokio::test]
async fn a_delayed_job_waits_for_its_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let tomorrow = NewJob {
        delay: Duration::from_secs(86_400),
        ..named("tomorrow")
    };
    enqueue(&test, [tomorrow]).await;
    let (handler, _) = noting();
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(worker.run_until_idle().await.unwrap(), 0);
    test.store.clock.advance(TimeDelta::hours(23));
    assert_eq!(worker.run_until_idle().await.unwrap(), 0);
    test.store.clock.advance(TimeDelta::hours(1));
    assert_eq!(worker.run_until_idle().await.unwrap(), 1);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_the_jobs_and_run_none_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, (0..60).map(|number| named(&number.to_string()))).await;
    let (handler, notes) = noting();
    let workers = (0..4).map(|number| {
        let mut worker = test.worker(&number.to_string(), vec![handler.clone()]);
        tokio::spawn(async move { worker.run_until_idle().await.unwrap() })
    });
    let mut ran = 0;
    for worker in workers.collect::<Vec<_>>() {
        ran += worker.await.unwrap();
    }
    assert_eq!(ran, 60);
    let different: HashSet<Value> = notes.lock().unwrap().drain(..).collect();
    assert_eq!(different.len(), 60);
    assert!(jobs(&test).await.iter().all(|job| job.status == "done"));
}

#[rstest]
#[tokio::test]
async fn a_worker_leaves_kinds_it_does_not_know(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let unknown = NewJob {
        kind: "from a newer version",
        priority: Priority::High,
        ..named("a")
    };
    enqueue(&test, [unknown, named("b")]).await;
    let (handler, notes) = noting();
    let ran = test.worker("one", vec![handler]).run_until_idle().await;
    assert_eq!(ran.unwrap(), 1);
    assert_eq!(*notes.lock().unwrap(), ["b"]);
}

/// The server's clock counts, whatever the clock of a worker's machine says.
#[rstest]
#[tokio::test]
async fn a_worker_whose_clock_is_wrong_sees_what_is_due(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let later = NewJob {
        delay: Duration::from_secs(60),
        ..named("later")
    };
    enqueue(&test, [named("now"), later]).await;
    let (handler, notes) = noting();
    let mut ahead = Worker::new(
        "ahead",
        test.store.database.clone(),
        Clock::set_to(Utc.with_ymd_and_hms(2099, 1, 1, 0, 0, 0).unwrap()),
        test.store.wake.clone(),
        vec![handler],
        ChaCha8Rng::seed_from_u64(1),
    );
    assert_eq!(ahead.run_until_idle().await.unwrap(), 1);
    assert_eq!(*notes.lock().unwrap(), ["now"]);
}

#[rstest]
#[tokio::test]
async fn the_queue_tells_how_it_is_doing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let counts = || async {
        let counts = queue::counts(&test.store.database, &test.store.clock).await;
        counts.unwrap()
    };
    assert_eq!(counts().await, queue::Counts::default());

    let later = NewJob {
        delay: Duration::from_secs(3_600),
        ..named("later")
    };
    enqueue(&test, [later]).await;
    assert_eq!(counts().await.waiting, 1);
    assert_eq!(counts().await.oldest_due, None, "it is not due");

    enqueue(&test, [named("now")]).await;
    test.store.clock.advance(TimeDelta::minutes(5));
    let oldest = counts().await.oldest_due.expect("one is due");
    assert!((300..330).contains(&oldest.as_secs()), "{oldest:?}");

    let dying = Handler::new("note", "for a test", |_| async {
        Err(queue::JobError::give_up("there is no point"))
    });
    let ran = test.worker("one", vec![dying]).run_until_idle().await;
    assert_eq!(ran.unwrap(), 1);
    let after = counts().await;
    assert_eq!((after.waiting, after.running, after.dead), (1, 0, 1));
}
