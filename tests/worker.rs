//! What comes of jobs that fail, panic, hang, or lose their worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alphanode::queue::{Handler, JobError, Worker};
use chrono::TimeDelta;
use entity::job_attempt;
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::queue::{enqueue, jobs, named};
use crate::support::{Backend, TestStore};

/// For what takes a moment; nothing is measured.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// All attempts as worker and outcome, in the order of jobs and claims.
pub async fn outcomes(test: &TestStore) -> Vec<(String, String)> {
    job_attempt::Entity::find()
        .order_by_asc(job_attempt::Column::JobId)
        .order_by_asc(job_attempt::Column::Lease)
        .all(test.store.database.writer())
        .await
        .unwrap()
        .into_iter()
        .map(|attempt| (attempt.worker, attempt.outcome))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(worker, outcome)| ((*worker).to_owned(), (*outcome).to_owned()))
        .collect()
}

/// A handler that says when it has begun, and ends when it may.
pub struct Held {
    begun: Arc<Semaphore>,
    pub may_end: Arc<Semaphore>,
}

impl Held {
    pub fn new() -> (Handler, Self) {
        let held = Self {
            begun: Arc::new(Semaphore::new(0)),
            may_end: Arc::new(Semaphore::new(0)),
        };
        let (begun, may_end) = (held.begun.clone(), held.may_end.clone());
        let handler = Handler::new("note", "for a test", move |_| {
            let (begun, may_end) = (begun.clone(), may_end.clone());
            async move {
                begun.add_permits(1);
                may_end.acquire().await?.forget();
                Ok(())
            }
        });
        (handler, held)
    }

    pub async fn until_begun(&self) {
        timeout(PATIENCE, self.begun.acquire())
            .await
            .expect("the handler begins")
            .unwrap()
            .forget();
    }
}

pub fn failing() -> Handler {
    Handler::new("note", "for a test", |_| async {
        Err(JobError::new("no luck"))
    })
}

pub async fn run(worker: &mut Worker) -> usize {
    timeout(PATIENCE, worker.run_until_idle())
        .await
        .expect("the queue runs dry")
        .unwrap()
}

#[rstest]
#[tokio::test]
async fn a_job_whose_worker_is_gone_is_taken_over_and_the_old_one_finishes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let (handler, held) = Held::new();
    let mut frozen = test.worker("frozen", vec![handler]);
    let frozen = tokio::spawn(async move { frozen.run_until_idle().await.unwrap() });
    held.until_begun().await;

    let mut other = test.worker("other", vec![failing()]);
    test.store.clock.advance(TimeDelta::seconds(50));
    assert_eq!(run(&mut other).await, 0, "the lease holds");
    test.store.clock.advance(TimeDelta::seconds(10));
    assert_eq!(run(&mut other).await, 1);

    held.may_end.add_permits(1);
    timeout(PATIENCE, frozen).await.unwrap().unwrap();
    let job = &jobs(&test).await[0];
    assert_eq!(
        (job.status.as_str(), job.attempts, job.last_error.as_deref()),
        ("waiting", 2, Some("no luck")),
        "what the frozen worker says of it counts no more"
    );
    assert_eq!(
        outcomes(&test).await,
        pairs(&[("frozen", "lost"), ("other", "failed")])
    );
}

#[rstest]
#[tokio::test]
async fn a_job_that_kills_its_worker_each_time_dies(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    for _ in 0..2 {
        let (mut handler, held) = Held::new();
        handler.max_attempts = 2;
        let mut killed = test.worker("killed", vec![handler]);
        let killed = tokio::spawn(async move { killed.run_until_idle().await });
        held.until_begun().await;
        killed.abort();
        assert!(killed.await.is_err());
        test.store.clock.advance(TimeDelta::seconds(61));
    }
    let mut handler = failing();
    handler.max_attempts = 2;
    assert_eq!(run(&mut test.worker("next", vec![handler])).await, 0);
    assert_eq!(jobs(&test).await[0].status, "dead");
}

#[rstest]
#[tokio::test]
async fn a_lease_is_renewed_while_the_handler_runs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let (handler, held) = Held::new();
    let mut holder = test.worker("holder", vec![handler]);
    holder.lease = Duration::from_secs(3);
    let holder = tokio::spawn(async move { holder.run_until_idle().await.unwrap() });
    held.until_begun().await;

    for _ in 0..2 {
        let before = jobs(&test).await[0].leased_until;
        test.store.clock.advance(TimeDelta::milliseconds(1_600));
        let renewed = async {
            while jobs(&test).await[0].leased_until == before {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, renewed).await.expect("it is renewed");
    }
    assert_eq!(run(&mut test.worker("other", vec![failing()])).await, 0);
    held.may_end.add_permits(1);
    assert_eq!(timeout(PATIENCE, holder).await.unwrap().unwrap(), 1);
    assert_eq!(outcomes(&test).await, pairs(&[("holder", "done")]));
}

#[rstest]
#[tokio::test]
async fn a_failed_job_is_tried_again_later_and_later_and_then_is_dead(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let mut handler = failing();
    handler.max_attempts = 3;
    let mut worker = test.worker("one", vec![handler]);
    assert_eq!(run(&mut worker).await, 1);
    assert_eq!(jobs(&test).await[0].status, "waiting");
    // Each wait is at least half of ten seconds, then of twenty.
    assert_eq!(run(&mut worker).await, 0);
    test.store.clock.advance(TimeDelta::seconds(10));
    assert_eq!(run(&mut worker).await, 1);
    let again = &jobs(&test).await[0];
    let wait = again.due_at - again.started_at.unwrap();
    assert!((10_000_000..30_000_000).contains(&wait), "{wait}");
    test.store.clock.advance(TimeDelta::seconds(20));
    assert_eq!(run(&mut worker).await, 1);

    let dead = &jobs(&test).await[0];
    assert_eq!((dead.status.as_str(), dead.attempts), ("dead", 3));
    assert_eq!(dead.last_error.as_deref(), Some("no luck"));
    assert_eq!(outcomes(&test).await, pairs(&[("one", "failed"); 3]));
    test.store.clock.advance(TimeDelta::days(1));
    assert_eq!(run(&mut worker).await, 0);
}

#[rstest]
#[tokio::test]
async fn a_job_that_can_never_succeed_is_dead_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("not a list of numbers")]).await;
    let reading = Handler::new("note", "for a test", |job| async move {
        job.read::<Vec<i64>>()?;
        Ok(())
    });
    assert_eq!(run(&mut test.worker("one", vec![reading])).await, 1);
    let job = &jobs(&test).await[0];
    assert_eq!(job.status, "dead");
    let error = job.last_error.as_deref().unwrap();
    assert!(error.starts_with("the payload can't be read"), "{error}");
}

#[rstest]
#[tokio::test]
async fn a_panic_and_a_handler_that_hangs_are_failed_attempts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("panics"), named("hangs"), named("is fine")]).await;
    let mut handler = Handler::new("note", "for a test", |job| async move {
        match job.payload.as_str() {
            Some("panics") => panic!("out of {}", "cheese"),
            Some("hangs") => std::future::pending().await,
            _ => Ok(()),
        }
    });
    handler.time_limit = Duration::from_millis(50);
    assert_eq!(run(&mut test.worker("one", vec![handler])).await, 3);
    let jobs = jobs(&test).await;
    assert_eq!(
        jobs.iter()
            .map(|job| (job.status.as_str(), job.last_error.as_deref()))
            .collect::<Vec<_>>(),
        [
            ("waiting", Some("panicked: out of cheese")),
            ("waiting", Some("took longer than its limit of 50ms")),
            ("done", None),
        ]
    );
}

#[rstest]
#[tokio::test]
async fn a_worker_that_stops_gives_back_what_it_can_not_finish(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let (handler, held) = Held::new();
    let mut worker = test.worker("stopped", vec![handler.clone()]);
    worker.grace = Duration::ZERO;
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone()));
    held.until_begun().await;
    stop.cancel();
    timeout(PATIENCE, running).await.expect("it stops").unwrap();
    let job = &jobs(&test).await[0];
    assert_eq!((job.status.as_str(), job.attempts), ("waiting", 0));

    // With time to finish, it finishes.
    let stop = CancellationToken::new();
    let running = tokio::spawn(test.worker("patient", vec![handler]).run(stop.clone()));
    held.until_begun().await;
    stop.cancel();
    held.may_end.add_permits(1);
    timeout(PATIENCE, running).await.expect("it stops").unwrap();
    assert_eq!(
        outcomes(&test).await,
        pairs(&[("stopped", "released"), ("patient", "done")])
    );
}

/// The worker polls once an hour, so that only being woken makes it run each job.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_is_lost(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let ran = Arc::new(AtomicUsize::new(0));
    let (counted, done) = (ran.clone(), Arc::new(Semaphore::new(0)));
    let said = done.clone();
    let handler = Handler::new("note", "for a test", move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        said.add_permits(1);
        async { Ok(()) }
    });
    let mut worker = test.worker("one", vec![handler]);
    worker.poll = Duration::from_secs(3_600);
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone()));
    // The next job is enqueued while the worker is still finishing, looking or falling asleep.
    for number in 0..100 {
        enqueue(&test, [named(&number.to_string())]).await;
        timeout(PATIENCE, done.acquire())
            .await
            .expect("the worker was woken")
            .unwrap()
            .forget();
    }
    stop.cancel();
    timeout(PATIENCE, running).await.expect("it stops").unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 100);
}
