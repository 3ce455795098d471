//! What runs a job.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::back_off::BackOff;
use super::job::Job;
use crate::foundation::causes::with_causes;

type Run = dyn Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>> + Send + Sync;

/// Runs the jobs of one kind.
///
/// A job runs at least once, and perhaps half: whatever a handler does must be right when it is
/// done again.
#[derive(Clone)]
pub struct Handler {
    /// The kind of jobs it runs.
    pub kind: &'static str,
    /// What they are for, in a sentence for operators.
    pub purpose: &'static str,
    /// After so many attempts that failed, the job is dead.
    pub max_attempts: i32,
    /// An attempt that takes longer is stopped, and has failed.
    pub time_limit: Duration,
    /// How long a job that failed waits for its next attempt.
    pub back_off: BackOff,
    /// How many jobs of this kind run at once at most, over all workers of all processes. The
    /// database holds it. Without one, as many as there are workers.
    pub max_running: Option<u32>,
    /// Whether a job that is dead is announced, where the worker announces any. Not for kinds that
    /// carry announcements, or the death of one would be announced.
    pub announce_dead: bool,
    run: Arc<Run>,
}

impl Handler {
    /// A handler of jobs for this `purpose`, with five attempts of up to a minute each, as many at once
    /// as there are workers.
    /// `run` may be stopped wherever it awaits, and should do so every now and then.
    pub fn new<F, Attempt>(kind: &'static str, purpose: &'static str, run: F) -> Self
    where
        F: Fn(Job) -> Attempt + Send + Sync + 'static,
        Attempt: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        Self {
            kind,
            purpose,
            max_attempts: 5,
            time_limit: Duration::from_secs(60),
            back_off: BackOff::default(),
            max_running: None,
            announce_dead: true,
            run: Arc::new(move |job| Box::pin(run(job))),
        }
    }

    /// Of which kind a job announces the death of one of this kind's, where `kind` does.
    pub(super) fn announced_by(&self, kind: Option<&'static str>) -> Option<&'static str> {
        kind.filter(|kind| self.announce_dead && *kind != self.kind)
    }

    pub(super) fn run(
        &self,
        job: Job,
    ) -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>> {
        (self.run)(job)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Handler({})", self.kind)
    }
}

/// Why an attempt failed. Every error converts into one that is tried again, with its causes in
/// the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    pub(super) message: String,
    pub(super) try_again: bool,
    pub(super) retry_after: Option<Duration>,
}

impl JobError {
    /// Something that may go better another time.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            try_again: true,
            retry_after: None,
        }
    }

    /// Something that no further attempt will change.
    pub fn give_up(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            try_again: false,
            retry_after: None,
        }
    }

    /// The same, to be tried again after exactly this time, whatever the handler's back-off is. The
    /// attempt counts as any other.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        Self::new(with_causes(&error))
    }
}
