//! The queue: jobs a second against a loop in hand-written SQL, how soon a job begins, and whether a
//! queue with a long past and many jobs that wait is slower than an empty one.

mod by_hand;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::queue::{self, Handler, NewJob, Priority, Wake, Worker};
use hdrhistogram::Histogram;
use migration::{Migrator, MigratorTrait};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::start::median;
use crate::{Arguments, Result, load, say};

/// The kind of jobs that run.
const KIND: &str = "empty";

/// Other kinds that the workers have handlers for, as many as alphanode has. Few enough of the last
/// one may run that its two slots can be held.
const OTHERS: [&str; 11] = [
    "kind1", "kind2", "kind3", "kind4", "kind5", "kind6", "kind7", "kind8", "kind9", "paused",
    "limited",
];

/// Jobs of a round.
const JOBS: usize = 1_000;

/// Jobs whose beginning is waited for, one after the other.
const BEGINNINGS: usize = 300;

#[derive(Debug, Serialize)]
pub struct Queue {
    /// With so many workers.
    pub throughput: BTreeMap<u32, Throughput>,
    /// From before a job is enqueued until its handler begins, on an idle queue.
    pub begins_p50_ms: f64,
    pub begins_p99_ms: f64,
    /// One worker's jobs a second over a full queue as a part of those over an empty one, by what
    /// the queue is full of.
    pub full_to_empty: BTreeMap<&'static str, f64>,
}

/// Jobs a second, medians of all rounds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Throughput {
    pub alphanode: f64,
    pub by_hand: f64,
}

impl Throughput {
    pub fn ratio(self) -> f64 {
        self.alphanode / self.by_hand
    }
}

/// What fills a queue: rows that are over, and rows that wait.
const FULL: [(&str, &str); 4] = [
    // Less urgent than those that are claimed.
    ("due", "'empty', -1, {now} - 1000000"),
    // Urgent ones, whose time has not come.
    ("not due", "'empty', 1, {now} + 3600000000"),
    ("paused", "'paused', 1, {now} - 3600000000"),
    ("at the limit", "'limited', 1, {now} - 3600000000"),
];

pub async fn measure(database: &load::Database, arguments: &Arguments) -> Result<Queue> {
    let empty = Bench::create(database, "queue_empty").await?;
    let mut throughput = BTreeMap::new();
    for workers in [1, 8] {
        say(&format!("{workers} workers on an empty queue"));
        let (mut alphanode, mut by_hand) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds {
            by_hand.push(empty.round(workers, true).await?);
            alphanode.push(empty.round(workers, false).await?);
        }
        let figures = Throughput {
            alphanode: median(alphanode),
            by_hand: median(by_hand),
        };
        throughput.insert(workers, figures);
    }
    say("jobs that begin on an idle queue");
    let begins = empty.beginnings().await?;

    say("filling a queue");
    let full = Bench::create(database, "queue_full").await?;
    full.fill().await?;
    let mut full_to_empty = BTreeMap::new();
    for (name, waiting) in FULL {
        say(&format!("a full queue, {name}"));
        full.let_wait(waiting).await?;
        // What filling left to be written is no part of it.
        full.round(1, false).await?;
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for _ in 0..arguments.rounds {
            without.push(empty.round(1, false).await?);
            with.push(full.round(1, false).await?);
        }
        full_to_empty.insert(name, median(with) / median(without));
    }
    empty.remove().await?;
    full.remove().await?;
    let ms = |quantile| begins.value_at_quantile(quantile) as f64 / 1_000.0;
    Ok(Queue {
        throughput,
        begins_p50_ms: ms(0.5),
        begins_p99_ms: ms(0.99),
        full_to_empty,
    })
}

/// A database of its own, and the queue in it.
struct Bench {
    made: load::Database,
    database: Database,
    wake: Wake,
}

impl Bench {
    async fn create(database: &load::Database, name: &str) -> Result<Self> {
        let made = database.empty(name).await?;
        let database = Database::open(&DatabaseOptions::new(&made.url)).await?;
        Migrator::up(database.writer(), None).await?;
        Ok(Self {
            made,
            database,
            wake: Wake::default(),
        })
    }

    async fn remove(self) -> Result<()> {
        self.database.close().await?;
        self.made.remove().await
    }

    async fn enqueue(&self, count: usize) -> Result<()> {
        let job = NewJob {
            kind: KIND,
            payload: Value::Null,
            unique_key: None,
            priority: Priority::Normal,
            delay: Duration::ZERO,
        };
        let transaction = self.database.begin().await?;
        queue::enqueue(&transaction, &Clock::system(), vec![job; count]).await?;
        transaction.commit().await?;
        self.wake.workers();
        Ok(())
    }

    fn worker(&self, number: u32, handler: &Handler) -> Worker {
        let others = OTHERS.map(|kind| {
            let mut handler = Handler::new(kind, "for the bench", |_| async { Ok(()) });
            handler.max_running = (kind == "limited").then_some(2);
            handler
        });
        let mut handlers = vec![handler.clone()];
        handlers.extend(others);
        Worker::new(
            format!("{number}"),
            self.database.clone(),
            Clock::system(),
            self.wake.clone(),
            handlers,
            ChaCha8Rng::seed_from_u64(u64::from(number)),
        )
    }

    /// How many jobs a second that many workers claim, run and finish.
    async fn round(&self, workers: u32, by_hand: bool) -> Result<f64> {
        self.enqueue(JOBS).await?;
        let (ran, mut runs) = mpsc::unbounded_channel();
        let handler = Handler::new(KIND, "for the bench", move |_| {
            let told = ran.send(());
            async move { Ok(told?) }
        });
        let stop = CancellationToken::new();
        let started = Instant::now();
        let mut tasks: JoinSet<Result<()>> = JoinSet::new();
        for number in 0..workers {
            if by_hand {
                let database = self.database.clone();
                tasks.spawn(async move { by_hand::work(&database).await });
            } else {
                let worker = self.worker(number, &handler);
                let stop = stop.clone();
                tasks.spawn(async move {
                    worker.run(stop).await;
                    Ok(())
                });
            }
        }
        if !by_hand {
            for _ in 0..JOBS {
                runs.recv().await.ok_or("the workers are gone")?;
            }
            // Each finishes the job it has.
            stop.cancel();
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        Ok(JOBS as f64 / started.elapsed().as_secs_f64())
    }

    /// How long, in microseconds, it takes from asking for a job until it begins.
    async fn beginnings(&self) -> Result<Histogram<u64>> {
        let (began, mut begins) = mpsc::unbounded_channel();
        let handler = Handler::new(KIND, "for the bench", move |_| {
            let told = began.send(Instant::now());
            async move { Ok(told?) }
        });
        let stop = CancellationToken::new();
        let running = tokio::spawn(self.worker(0, &handler).run(stop.clone()));
        let mut times = Histogram::new_with_max(60_000_000, 3)?;
        for _ in 0..BEGINNINGS {
            // The worker falls asleep.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let asked = Instant::now();
            self.enqueue(1).await?;
            let began = begins.recv().await.ok_or("the worker is gone")?;
            times.saturating_record(began.duration_since(asked).as_micros() as u64);
        }
        stop.cancel();
        running.await?;
        Ok(times)
    }

    /// A million jobs that are over, and two that hold the slots of their kind.
    async fn fill(&self) -> Result<()> {
        let connection = self.database.writer();
        let sql = "
            WITH RECURSIVE number (i) AS (
                SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 1000000)
            INSERT INTO job (kind, payload, status, due_at, attempts, lease, worker, created_at,
                started_at, finished_at)
            SELECT CASE i % 3 WHEN 0 THEN 'empty' WHEN 1 THEN 'kind1' ELSE 'paused' END, 'null',
                'done', i, 1, 1, '0', i, i, i FROM number";
        connection.execute_unprepared(sql).await?;
        let later = chrono::Utc::now().timestamp_micros() + 86_400_000_000;
        let sql = format!(
            "INSERT INTO job (kind, payload, status, due_at, attempts, lease, leased_until, slot,
                created_at, started_at)
             VALUES ('limited', 'null', 'running', 1, 1, 1, {later}, 1, 1, 1),
                    ('limited', 'null', 'running', 1, 1, 1, {later}, 2, 1, 1)"
        );
        connection.execute_unprepared(&sql).await?;
        let sql = "INSERT INTO job_pause (kind, paused_at, paused_by) VALUES ('paused', 1, 'me')";
        connection.execute_unprepared(sql).await?;
        Ok(())
    }

    /// A hundred thousand jobs that wait in this way, and no others.
    async fn let_wait(&self, columns: &str) -> Result<()> {
        let connection = self.database.writer();
        connection
            .execute_unprepared("DELETE FROM job WHERE status = 'waiting'")
            .await?;
        let now = chrono::Utc::now().timestamp_micros().to_string();
        let columns = columns.replace("{now}", &now);
        let sql = format!(
            "WITH RECURSIVE number (i) AS (
                SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 100000)
             INSERT INTO job (kind, priority, due_at, payload, status, created_at)
             SELECT {columns}, 'null', 'waiting', i FROM number"
        );
        connection.execute_unprepared(&sql).await?;
        let sql = match self.made.kind {
            load::Kind::Sqlite => "PRAGMA wal_checkpoint(TRUNCATE)",
            load::Kind::Postgres => "VACUUM ANALYZE job",
        };
        connection.execute_unprepared(sql).await?;
        Ok(())
    }
}
