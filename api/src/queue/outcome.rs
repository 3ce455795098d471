//! How an attempt ends, and what comes of it: done, to be tried again, given back, or dead.

use std::time::Duration;

use super::handler::{Handler, JobError};
use super::text::shorten;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The handler did its work.
    Done,
    /// The handler failed; without a delay there is no further attempt.
    Failed {
        error: String,
        again_after: Option<Duration>,
    },
    /// The worker was gone when its lease ran out.
    Lost { again: bool },
    /// The worker stopped, and the attempt does not count.
    Released,
    /// Somebody called the job off, and the handler ended after it was told.
    Cancelled,
}

impl Outcome {
    /// What comes of an attempt that failed.
    pub(super) fn failed(error: JobError, attempt: i32, handler: &Handler, jitter: f64) -> Self {
        const MOST_BYTES: usize = 8_000;
        let again = error.try_again && attempt < handler.max_attempts;
        let wait = || handler.back_off.wait(attempt, jitter);
        Self::Failed {
            error: shorten(error.message, MOST_BYTES),
            again_after: again.then(|| error.retry_after.unwrap_or_else(wait)),
        }
    }

    /// Its name in the history of attempts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Lost { .. } => "lost",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
        }
    }

    /// Why it was not done.
    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Lost { .. } => Some(
                "its lease ran out: the worker was gone, or could not reach the database to renew it",
            ),
            Self::Done | Self::Released | Self::Cancelled => None,
        }
    }
}
