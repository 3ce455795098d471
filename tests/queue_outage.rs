//! Workers, and the database going away under them; and being woken from elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use alphanode::domain::transaction::Store;
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::foundation::{news, tag_versions};
use alphanode::queue::{self, Handler, NewJob, Worker};
use chrono::{TimeZone, Utc};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::queue::{enqueue, jobs, named};
use crate::support::{Backend, Proxy, TestStore};
use crate::worker::{Held, PATIENCE, failing, outcomes, run};

/// A process of its own, as far as the queue can tell.
struct Process {
    store: Store,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Process {
    async fn open(url: &str) -> Self {
        let database = Database::open(&DatabaseOptions::new(url)).await.unwrap();
        Self {
            store: Store::new(database, Clock::system()),
            stop: CancellationToken::new(),
            tasks: Vec::new(),
        }
    }

    fn worker(&self, name: &str, handler: Handler) -> Worker {
        Worker::new(
            name,
            self.store.database.clone(),
            self.store.clock.clone(),
            self.store.wake.clone(),
            vec![handler],
            ChaCha8Rng::seed_from_u64(1),
        )
    }

    /// Starts a worker that looks often, and notices soon when another died.
    fn start(&mut self, name: &str, handler: Handler) {
        let mut worker = self.worker(name, handler);
        worker.lease = Duration::from_millis(1_500);
        worker.heartbeat = Duration::from_millis(100);
        worker.poll = Duration::from_millis(100);
        self.tasks.push(tokio::spawn(worker.run(self.stop.clone())));
    }

    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            timeout(PATIENCE, task).await.expect("it stops").unwrap();
        }
    }
}

/// Counts the attempts at each of some jobs that go on at the same time.
#[derive(Clone)]
struct Watched {
    running: Arc<Vec<AtomicUsize>>,
    overlap: Arc<AtomicBool>,
}

/// One attempt, until it is dropped.
struct Watching(Watched, usize);

impl Watched {
    fn new(jobs: usize) -> Self {
        Self {
            running: Arc::new((0..jobs).map(|_| AtomicUsize::new(0)).collect()),
            overlap: Arc::default(),
        }
    }

    fn begin(&self, job: usize) -> Watching {
        if self.running[job].fetch_add(1, Ordering::SeqCst) > 0 {
            self.overlap.store(true, Ordering::SeqCst);
        }
        Watching(self.clone(), job)
    }

    /// A handler whose payload is the number of the job.
    fn handler(&self, takes: Duration) -> Handler {
        let watched = self.clone();
        let mut handler = Handler::new("note", "for a test", move |job| {
            let watched = watched.clone();
            async move {
                let number: String = job.read()?;
                let _watching = watched.begin(number.parse()?);
                sleep(takes).await;
                Ok(())
            }
        });
        handler.max_attempts = 100;
        handler
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.running[self.1].fetch_sub(1, Ordering::SeqCst);
    }
}

async fn until_all_are_done(test: &TestStore) {
    let done = async {
        while jobs(test).await.iter().any(|job| job.status != "done") {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE * 2, done)
        .await
        .expect("all jobs are done");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_come_back_when_the_database_does_and_nothing_is_lost(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let proxy = Proxy::to(test.database.url()).await;
    let mut process = Process::open(proxy.url()).await;
    enqueue(&test, (0..30).map(|number| named(&number.to_string()))).await;
    let watched = Watched::new(30);
    for name in ["one", "two"] {
        process.start(name, watched.handler(Duration::from_millis(20)));
    }
    let begun = async {
        while jobs(&test).await.iter().all(|job| job.status != "done") {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, begun).await.unwrap();
    proxy.cut();
    sleep(Duration::from_secs(3)).await;
    proxy.mend();
    until_all_are_done(&test).await;
    process.end().await;
    assert!(!watched.overlap.load(Ordering::SeqCst));
}

/// The server ends all sessions, as it does when it is started again.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_runs_twice_at_once_when_the_server_starts_again(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let mut process = Process::open(test.database.url()).await;
    enqueue(&test, (0..60).map(|number| named(&number.to_string()))).await;
    let watched = Watched::new(60);
    for name in ["one", "two"] {
        process.start(name, watched.handler(Duration::from_millis(20)));
    }
    let admin = test.database.connect().await;
    for _ in 0..8 {
        admin
            .execute_unprepared(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .await
            .unwrap();
        sleep(Duration::from_millis(40)).await;
    }
    admin.close().await.unwrap();
    // Those of the test itself are gone as well.
    sleep(Duration::from_millis(1_100)).await;
    until_all_are_done(&test).await;
    process.end().await;
    assert!(!watched.overlap.load(Ordering::SeqCst));
}

/// It can't renew its lease, so it must have stopped when another takes the job over.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_cut_off_stops_before_another_begins(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let proxy = Proxy::to(test.database.url()).await;
    let (mut cut_off, mut other) = (
        Process::open(proxy.url()).await,
        Process::open(test.database.url()).await,
    );
    enqueue(&test, [named("0")]).await;
    let watched = Watched::new(1);
    cut_off.start("cut off", watched.handler(PATIENCE));
    let begun = async {
        while watched.running[0].load(Ordering::SeqCst) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, begun).await.unwrap();
    other.start("other", watched.handler(Duration::from_millis(50)));
    proxy.cut();
    until_all_are_done(&test).await;
    assert!(!watched.overlap.load(Ordering::SeqCst));
    proxy.mend();
    cut_off.end().await;
    other.end().await;
    let expected = [("cut off", "lost"), ("other", "done")];
    assert_eq!(
        outcomes(&test).await,
        expected.map(|(worker, outcome)| (worker.to_owned(), outcome.to_owned()))
    );
}

/// What a handler did is not to be done again because the database was away when it ended.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ends_while_the_database_is_away_is_finished_later(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let proxy = Proxy::to(test.database.url()).await;
    let process = Process::open(proxy.url()).await;
    enqueue(&test, [named("a")]).await;
    let (handler, held) = Held::new();
    let worker = process.worker("one", handler);
    let running = tokio::spawn(worker.run(process.stop.clone()));
    held.until_begun().await;
    proxy.cut();
    held.may_end.add_permits(1);
    sleep(Duration::from_millis(500)).await;
    assert_eq!(jobs(&test).await[0].status, "running");
    proxy.mend();
    until_all_are_done(&test).await;
    assert_eq!(outcomes(&test).await, [("one".into(), "done".into())]);
    process.stop.cancel();
    timeout(PATIENCE, running).await.unwrap().unwrap();
}

/// The server's clock counts, whatever the clock of a worker's machine says.
#[rstest]
#[tokio::test]
async fn a_worker_whose_clock_is_ahead_takes_nothing_that_is_held(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    enqueue(&test, [named("a")]).await;
    let (handler, held) = Held::new();
    let mut holder = test.worker("holder", vec![handler]);
    let holder = tokio::spawn(async move { holder.run_until_idle().await.unwrap() });
    held.until_begun().await;
    let mut ahead = Worker::new(
        "ahead",
        test.store.database.clone(),
        Clock::set_to(Utc.with_ymd_and_hms(2099, 1, 1, 0, 0, 0).unwrap()),
        test.store.wake.clone(),
        vec![failing()],
        ChaCha8Rng::seed_from_u64(1),
    );
    assert_eq!(run(&mut ahead).await, 0);
    held.may_end.add_permits(1);
    assert_eq!(timeout(PATIENCE, holder).await.unwrap().unwrap(), 1);
    assert_eq!(outcomes(&test).await, [("holder".into(), "done".into())]);
}

/// Runs jobs in a process whose worker looks once an hour, so that it must be woken.
async fn woken(process: &mut Process) -> Arc<Semaphore> {
    let ran = Arc::new(Semaphore::new(0));
    let says = ran.clone();
    let handler = Handler::new("note", "for a test", move |_| {
        says.add_permits(1);
        async { Ok(()) }
    });
    let mut worker = process.worker("woken", handler);
    worker.poll = Duration::from_secs(3_600);
    let stop = &process.stop;
    let (database, wake) = (process.store.database.clone(), process.store.wake.clone());
    process.tasks = vec![
        tokio::spawn(news::listen(
            database,
            [queue::CHANNEL, tag_versions::CHANNEL],
            move |news| queue::hear(&news, &wake),
            stop.clone(),
        )),
        tokio::spawn(worker.run(stop.clone())),
    ];
    ran
}

async fn until_ran(ran: &Semaphore) {
    let ran = timeout(PATIENCE, ran.acquire()).await;
    ran.expect("the job runs").unwrap().forget();
}

#[rstest]
#[tokio::test]
async fn a_job_of_another_process_wakes_the_workers(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let mut process = Process::open(test.database.url()).await;
    let ran = woken(&mut process).await;
    for number in 0..5 {
        enqueue(&test, [named(&number.to_string())]).await;
        until_ran(&ran).await;
    }
    process.end().await;
}

#[rstest]
#[tokio::test]
async fn workers_are_woken_again_after_their_line_was_cut(
    #[values(Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let proxy = Proxy::to(test.database.url()).await;
    let mut process = Process::open(proxy.url()).await;
    let ran = woken(&mut process).await;
    enqueue(&test, [named("before")]).await;
    until_ran(&ran).await;
    proxy.cut();
    // Nobody hears of it now.
    enqueue(&test, [named("meanwhile")]).await;
    proxy.mend();
    until_ran(&ran).await;
    enqueue(&test, [named("after")]).await;
    until_ran(&ran).await;
    process.end().await;
}

#[rstest]
#[tokio::test]
async fn a_delayed_job_begins_at_its_time_without_being_looked_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let mut process = Process::open(test.database.url()).await;
    let change = process.store.database.begin().await.unwrap();
    let later = NewJob {
        delay: Duration::from_millis(400),
        ..named("later")
    };
    queue::enqueue(&change, &process.store.clock, vec![later])
        .await
        .unwrap();
    change.commit().await.unwrap();
    let ran = woken(&mut process).await;
    until_ran(&ran).await;
    let job = &jobs(&test).await[0];
    assert!(job.started_at.unwrap() >= job.due_at);
    process.end().await;
}
