//! A job, as its handler sees it, and what the handler says while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use entity::job::Column;
use sea_orm::sea_query::Expr;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::handler::JobError;
use super::text::shorten;
use super::time;

/// A job, as its handler sees it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its key.
    pub id: i64,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// What it was given when it was enqueued.
    pub payload: Value,
    /// Set when somebody wants the job to end. A handler that looks at it can end in good order; it
    /// has the worker's grace for that, and is then stopped where it awaits.
    pub cancelled: CancellationToken,
    pub(super) notes: Notes,
}

impl Job {
    /// The payload as the type that the handler wants.
    ///
    /// # Errors
    ///
    /// When it is of another shape. That does not get better, so the job is given up.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, JobError> {
        T::deserialize(&self.payload)
            .map_err(|error| JobError::give_up(format!("the payload can't be read: {error}")))
    }

    /// Keeps a line in the history of this attempt. It is written with the next heartbeat, so that
    /// it stays even when the worker is killed. Only so many are kept: it is for people to read.
    pub fn log(&self, line: impl Into<String>) {
        self.notes.write().log(line.into());
    }

    /// Says that what the job was to do was called off: it ends as cancelled, once the handler has
    /// ended.
    pub fn call_off(&self) {
        self.cancelled.cancel();
    }

    /// Says how far the work is: `done` of `total` pieces, or of nobody knows how many. Costs
    /// nothing: the newest word is written with the next heartbeat.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.notes.write().progress = Some(Progress { done, total });
    }
}

/// How far the work of a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pieces that are done.
    pub done: u64,
    /// Pieces there are, where that is known.
    pub total: Option<u64>,
}

impl Progress {
    /// As the columns of the job.
    pub(super) fn columns(self) -> [(Column, Expr); 2] {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        [
            (Column::ProgressDone, Expr::value(number(self.done))),
            (Column::ProgressTotal, Expr::value(self.total.map(number))),
        ]
    }
}

/// What a handler has said so far, shared between it and the worker that writes it down.
#[derive(Clone, Debug)]
pub(super) struct Notes(Arc<Mutex<Said>>);

/// A line of the history of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its place in the attempt, from 0.
    pub(super) number: i32,
    /// When, by the clock of the queue.
    pub(super) at: i64,
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct Said {
    /// When the attempt began: by the clock of the queue, and by the one that only measures. The
    /// clock of the machine may be wrong.
    started: (i64, Instant),
    /// Lines that are not known to be written yet.
    lines: Vec<Line>,
    next_number: i32,
    bytes: usize,
    progress: Option<Progress>,
}

/// What the database is to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten {
    pub(super) lines: Vec<Line>,
    pub(super) progress: Option<Progress>,
}

/// Lines of an attempt that are kept.
const MOST_LINES: i32 = 1_000;

/// Bytes of an attempt's lines that are kept.
const MOST_BYTES: usize = 128 * 1024;

/// Bytes of one line that are kept.
const MOST_BYTES_OF_A_LINE: usize = 4_000;

impl Notes {
    /// Those of an attempt that begins now, which the queue calls `started_at`.
    pub(super) fn new(started_at: i64) -> Self {
        Self(Arc::new(Mutex::new(Said {
            started: (started_at, Instant::now()),
            lines: Vec::new(),
            next_number: 0,
            bytes: 0,
            progress: None,
        })))
    }

    /// What is not written yet. It stays until [`Notes::written`] says that it was.
    pub(super) fn unwritten(&self) -> Unwritten {
        let said = self.write();
        Unwritten {
            lines: said.lines.clone(),
            progress: said.progress,
        }
    }

    /// Forgets lines that the database has now.
    pub(super) fn written(&self, written: &Unwritten) {
        if let Some(last) = written.lines.last() {
            self.write().lines.retain(|line| line.number > last.number);
        }
    }

    fn write(&self) -> MutexGuard<'_, Said> {
        // A handler that panicked while it spoke leaves nothing half said.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn log(&mut self, text: String) {
        if self.next_number > MOST_LINES {
            return;
        }
        let mut text = shorten(text, MOST_BYTES_OF_A_LINE);
        if self.next_number == MOST_LINES || self.bytes + text.len() > MOST_BYTES {
            self.next_number = MOST_LINES;
            text = "… and more than is kept".to_owned();
        }
        self.bytes += text.len();
        let (at, instant) = self.started;
        self.lines.push(Line {
            number: self.next_number,
            at: at.saturating_add(time::microseconds(instant.elapsed())),
            text,
        });
        self.next_number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str, times: usize) -> Vec<Line> {
        let notes = Notes::new(0);
        for _ in 0..times {
            notes.write().log(line.to_owned());
        }
        notes.unwritten().lines
    }

    #[test]
    fn lines_are_kept_up_to_a_number_and_a_size() {
        let many = said("a", 2_000);
        assert_eq!(many.len(), 1_001);
        assert_eq!(many[1_000].text, "… and more than is kept");

        let long = said(&"é".repeat(5_000), 100);
        assert!(long.len() < 40, "{}", long.len());
        assert!(long[0].text.len() < 4_010);
        let numbers: Vec<i32> = long.iter().map(|line| line.number).collect();
        assert!(numbers.is_sorted());
    }

    #[test]
    fn what_is_said_while_it_is_written_stays() {
        let notes = Notes::new(0);
        notes.write().log("first".to_owned());
        let written = notes.unwritten();
        notes.write().log("second".to_owned());
        notes.written(&written);
        let left = notes.unwritten().lines;
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].number, left[0].text.as_str()), (1, "second"));
    }
}
