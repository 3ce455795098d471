//! What runs a job.

use std::fmt::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

type Run = dyn Fn(Job) -> Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>> + Send + Sync;

/// Runs the jobs of one kind.
///
/// A job runs at least once, and perhaps half: whatever a handler does must be right when it is
/// done again.
#[derive(Clone)]
pub struct Handler {
    /// The kind of jobs it runs.
    pub kind: &'static str,
    /// After so many attempts that failed, the job is dead.
    pub max_attempts: i32,
    /// An attempt that takes longer is stopped, and has failed.
    pub time_limit: Duration,
    run: Arc<Run>,
}

impl Handler {
    /// A handler with five attempts of up to a minute each. `run` may be stopped wherever it
    /// awaits, and should do so every now and then.
    pub fn new<F, Attempt>(kind: &'static str, run: F) -> Self
    where
        F: Fn(Job) -> Attempt + Send + Sync + 'static,
        Attempt: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        Self {
            kind,
            max_attempts: 5,
            time_limit: Duration::from_secs(60),
            run: Arc::new(move |job| Box::pin(run(job))),
        }
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

/// A job, as its handler sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its key.
    pub id: i64,
    /// Which attempt this is, from 1.
    pub attempt: i32,
    /// What it was given when it was enqueued.
    pub payload: Value,
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
}

/// Why an attempt failed. Every error converts into one that is tried again, with its causes in
/// the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    pub(super) message: String,
    pub(super) try_again: bool,
}

impl JobError {
    /// Something that may go better another time.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            try_again: true,
        }
    }

    /// Something that no further attempt will change.
    pub fn give_up(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            try_again: false,
        }
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their cause in their own text.
            if !message.contains(&text) {
                // Writing to a string can't fail.
                let _ = write!(message, ": {text}");
            }
            cause = error.source();
        }
        Self::new(message)
    }
}
