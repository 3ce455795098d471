//! What a request costs the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbErr, QueryResult, Statement};

use super::Database;
use crate::foundation::recorder::{Recorded, Recorder};

/// Counts the statements of one request and the time they took.
#[derive(Clone, Debug, Default)]
pub struct StatementCount(Arc<StatementTotals>);

#[derive(Debug, Default)]
struct StatementTotals {
    count: AtomicU32,
    microseconds: AtomicU64,
    /// There while somebody wants to see the statements.
    recorder: Option<Recorder>,
}

impl StatementCount {
    /// One that keeps the statements too.
    pub fn recording() -> Self {
        Self(Arc::new(StatementTotals {
            recorder: Some(Recorder::default()),
            ..StatementTotals::default()
        }))
    }

    /// The statements so far, where they are kept.
    pub fn recorded(&self) -> Vec<Recorded> {
        let recorder = self.0.recorder.as_ref();
        recorder.map(Recorder::recorded).unwrap_or_default()
    }

    /// Statements so far.
    pub fn count(&self) -> u32 {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Time spent waiting for them, added up.
    pub fn time(&self) -> Duration {
        Duration::from_micros(self.0.microseconds.load(Ordering::Relaxed))
    }

    /// Runs a query that reads, and counts it.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn query(
        &self,
        database: &Database,
        statement: Statement,
    ) -> Result<Vec<QueryResult>, DbErr> {
        let kept = self.0.recorder.as_ref();
        let kept = kept.map(|recorder| (recorder, statement.clone()));
        let started = Instant::now();
        let rows = database.reader().query_all_raw(statement).await;
        let time = started.elapsed();
        self.add(time);
        if let Some((recorder, statement)) = kept {
            let rows = rows.as_ref().ok().map(Vec::len);
            recorder.keep(Recorded {
                statement,
                time,
                rows,
            });
        }
        rows
    }

    fn add(&self, time: Duration) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.microseconds.fetch_add(micros, Ordering::Relaxed);
    }
}
