//! Taking requests in, and writing those of a minute.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Timelike, Utc};
use entity::request_minute;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, OnConflict, Query};
use tokio_util::sync::CancellationToken;

use super::count::{Counters, Totals};
use super::{KEY, Minute};
use crate::domain::actor::Actor;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::served::Served;

/// Minutes that wait at most until the database is back; then the oldest are forgotten.
const MOST_WAITING: usize = 120;

/// Counts what a process answers. Clones count together.
#[derive(Clone)]
pub struct Traffic(Arc<Shared>);

struct Shared {
    store: Store,
    node: String,
    started_at: DateTime<Utc>,
    counters: Counters,
    /// Held while minutes are written, so that they are written one after the other.
    minutes: tokio::sync::Mutex<Minutes>,
}

/// What is not written yet, or not for the last time.
struct Minutes {
    /// The minute that goes on, and what was counted of it.
    open: Row,
    /// Those before that could not be written.
    waiting: VecDeque<Row>,
}

/// What was answered in a minute.
#[derive(Clone, Copy)]
struct Row {
    minute: Minute,
    totals: Totals,
    /// Whether it is the last that the process writes.
    stopped: bool,
}

impl Row {
    fn new(minute: Minute) -> Self {
        Self {
            minute,
            totals: Totals::default(),
            stopped: false,
        }
    }
}

impl Traffic {
    /// Counts for a process of this name.
    pub fn new(store: Store, node: String) -> Self {
        let started_at = store.clock.now();
        Self(Arc::new(Shared {
            node,
            started_at,
            counters: Counters::default(),
            minutes: tokio::sync::Mutex::new(Minutes {
                open: Row::new(Minute::of(started_at)),
                waiting: VecDeque::new(),
            }),
            store,
        }))
    }

    /// The name of the process.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// Adds a request, without asking the database or the clock. Only those that somebody waits for
    /// count: the probes of machines would make everything look quick.
    pub fn record(&self, served: &Served<'_>) {
        if served.is_awaited() {
            self.0.counters.add(served);
        }
    }

    /// Writes what was answered since the last time, as of the minute that went on then. A minute
    /// in which nothing was answered has a row as well, by which others know that the process runs.
    /// When it fails, nothing is lost.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn flush(&self) -> Result<()> {
        self.write(false).await
    }

    /// Does the same for the last time: the process has been told to stop.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn close(&self) -> Result<()> {
        self.write(true).await
    }

    /// Writes at once, and then when each minute has ended, until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut is_failing = false;
        loop {
            // Once, not every minute until the database is back.
            match self.flush().await {
                Err(error) if !is_failing => {
                    tracing::warn!(%error, "minutes wait, because they can't be written");
                    is_failing = true;
                }
                Ok(()) if is_failing => {
                    tracing::info!("minutes are written again");
                    is_failing = false;
                }
                _ => {}
            }
            let wait = tokio::time::sleep(until_next_minute(self.0.store.clock.now()));
            if stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    async fn write(&self, stopped: bool) -> Result<()> {
        let mut minutes = self.0.minutes.lock().await;
        minutes.open.totals += self.0.counters.take();
        minutes.open.stopped |= stopped;
        let mut rows: Vec<Row> = minutes.waiting.iter().copied().collect();
        rows.push(minutes.open);
        let written = self.upsert(&rows).await;
        if written.is_ok() {
            minutes.waiting.clear();
        }
        let now = Minute::of(self.0.store.clock.now());
        if now > minutes.open.minute {
            let ended = std::mem::replace(&mut minutes.open, Row::new(now));
            if written.is_err() {
                minutes.waiting.push_back(ended);
                if minutes.waiting.len() > MOST_WAITING {
                    minutes.waiting.pop_front();
                }
            }
        }
        written
    }

    /// Writes rows in one statement, each in the place of what there is of the same minute.
    async fn upsert(&self, rows: &[Row]) -> Result<()> {
        let columns = || {
            let counts = Totals::COUNTS.iter().chain(&Totals::LATENCIES);
            ["stopped"].into_iter().chain(counts.copied())
        };
        let mut insert = Query::insert();
        insert
            .into_table(request_minute::Entity)
            .columns(KEY.into_iter().chain(columns()))
            .on_conflict(
                OnConflict::columns(KEY)
                    .update_columns(columns())
                    .to_owned(),
            );
        for row in rows {
            let key: [Expr; 3] = [
                row.minute.0.into(),
                self.0.node.clone().into(),
                self.0.started_at.into(),
            ];
            let counts = row.totals.counts();
            let counts = counts.iter().chain(&row.totals.latencies);
            let counts = counts.map(|count| Expr::from(i64::try_from(*count).unwrap_or(i64::MAX)));
            let values = key.into_iter().chain([row.stopped.into()]).chain(counts);
            insert
                .values(values)
                .map_err(|error| Error::Internal(error.to_string()))?;
        }
        let transaction =
            Transaction::begin(&self.0.store, Actor::Worker, Action::Maintain).await?;
        transaction.connection().execute(&insert).await?;
        transaction.commit().await
    }
}

fn until_next_minute(now: DateTime<Utc>) -> Duration {
    let into = Duration::from_secs(now.second().into())
        + Duration::from_nanos(now.timestamp_subsec_nanos().into());
    Duration::from_secs(60).saturating_sub(into)
}
