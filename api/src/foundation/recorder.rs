//! What a request asked of the database, statement by statement, for whoever wants to see.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sea_orm::Statement;

/// Keeps the statements of one request.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Recorded>>);

/// A statement that was run.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its text and its parameters.
    pub statement: Statement,
    /// How long it took, the wait for a connection included.
    pub time: Duration,
    /// The rows it answered; absent when it failed.
    pub rows: Option<usize>,
}

impl Recorder {
    /// Keeps one.
    pub(super) fn keep(&self, recorded: Recorded) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(recorded);
    }

    /// Those so far, in the order in which they ended.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
