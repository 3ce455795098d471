//! How an attempt ends, and what comes of it: done, to be tried again, given back, or dead.

use std::time::Duration;

use super::handler::{Handler, JobError};

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
}

impl Outcome {
    /// What comes of an attempt that failed.
    pub(super) fn failed(error: JobError, attempt: i32, handler: &Handler, jitter: f64) -> Self {
        let again = error.try_again && attempt < handler.max_attempts;
        Self::Failed {
            error: shorten(error.message),
            again_after: again.then(|| back_off(attempt, jitter)),
        }
    }

    /// Its name in the history of attempts.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Lost { .. } => "lost",
            Self::Released => "released",
        }
    }

    /// Why it was not done.
    pub(super) fn error(&self) -> Option<&str> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Lost { .. } => Some("the worker was gone when its lease ran out"),
            Self::Done | Self::Released => None,
        }
    }

    /// Whether the job is given up.
    pub(super) fn is_last(&self) -> bool {
        matches!(
            self,
            Self::Lost { again: false }
                | Self::Failed {
                    again_after: None,
                    ..
                }
        )
    }
}

/// How long a job waits after its `attempt`-th attempt failed: ten seconds, doubled with each
/// attempt, at most an hour; of that at least half, and `jitter` (0 to 1) of the other half, so
/// that jobs which failed together do not come back together.
fn back_off(attempt: i32, jitter: f64) -> Duration {
    const FIRST: u64 = 10;
    const LONGEST: u64 = 3_600;
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(20);
    let whole = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    Duration::from_secs(whole).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// The beginning of a message that is too long to keep.
fn shorten(mut message: String) -> String {
    const MOST_BYTES: usize = 8_000;
    if message.len() > MOST_BYTES {
        message.truncate(message.floor_char_boundary(MOST_BYTES));
        message.push('…');
    }
    message
}
