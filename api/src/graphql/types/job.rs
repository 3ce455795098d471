//! Background jobs.

use std::time::Duration;

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, Result, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::connection::connection;
use super::user_error::UserError;
use crate::domain::job;
use crate::graphql::context::{loaders, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{AttemptsKey, JobKey};
use crate::graphql::node_id::NodeType;
use crate::graphql::types::time::check_time;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::Status")]
pub enum JobStatus {
    /// For its time, its turn, or its next attempt.
    Waiting,
    /// A worker holds it.
    Running,
    /// It did its work.
    Done,
    /// It was given up: every attempt failed, or another one would be of no use. `retryJob` tries
    /// again, `cancelJob` puts it aside.
    Dead,
    /// Somebody called it off.
    Cancelled,
}

/// How urgent a job is. Among jobs that are due, a more urgent one always begins first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::job::Priority")]
pub enum JobPriority {
    /// It can wait: nobody looks at the clock.
    Low,
    /// As most jobs are.
    Normal,
    /// People look at the clock.
    High,
}

/// A piece of background work. It runs at least once, and each kind of job is safe to run again.
pub struct Job(pub job::Job);

/// A piece of background work. It runs at least once, and each kind of job is safe to run again.
#[Object]
impl Job {
    /// Unique among everything that has an id.
    pub(super) async fn id(&self) -> ID {
        NodeType::Job.id(self.0.id)
    }

    /// Its number: what the log and `alphanode jobs show` call it.
    async fn number(&self) -> i64 {
        self.0.id
    }

    /// What kind of work it is, e.g. `similar_posts`; `jobKinds` says what each is for.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Where it stands.
    async fn status(&self) -> JobStatus {
        self.0.status.into()
    }

    /// What it was told when it was enqueued.
    async fn payload(&self) -> Json<Value> {
        Json(self.0.payload.clone())
    }

    /// What kept a second one like it from being added while it waited for its first attempt. Null
    /// where any number may wait.
    async fn unique_key(&self) -> Option<&str> {
        self.0.unique_key.as_deref()
    }

    /// How urgent it is.
    async fn priority(&self) -> JobPriority {
        self.0.priority.into()
    }

    /// Who did what it was enqueued for, in words: `user 7`, `token 3 of user 7`, `command line`,
    /// `worker` for another job, or `schedule purge`. Null where that is not known.
    async fn asked_by(&self) -> Option<&str> {
        self.0.asked_by.as_deref()
    }

    /// It does not run before this time. While it waits for another attempt, when that is due.
    async fn due_at(&self) -> DateTime<Utc> {
        self.0.due_at
    }

    /// When it was enqueued.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the newest attempt began.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.0.started_at
    }

    /// Since when it is over: done, dead or cancelled.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// Since when somebody wants it to end while it runs. The handler is told, and stopped when it
    /// takes too long over ending in good order.
    async fn cancel_requested_at(&self) -> Option<DateTime<Utc>> {
        self.0.cancel_requested_at
    }

    /// How many attempts have been used up, the one that runs included.
    async fn attempt_count(&self) -> i32 {
        self.0.attempts
    }

    /// Every attempt, the oldest first, with what the job said meanwhile.
    #[graphql(complexity = "5 * child_complexity")]
    async fn attempts(&self, context: &Context<'_>) -> Result<Vec<JobAttempt>> {
        let attempts = loaders(context).load_one(AttemptsKey(self.0.id)).await;
        let attempts = attempts.or_graphql_error(context)?.unwrap_or_default();
        Ok(attempts.into_iter().map(JobAttempt::from).collect())
    }

    /// Who holds it, or held it last: the process and the number of the worker in it.
    async fn worker(&self) -> Option<&str> {
        self.0.worker.as_deref()
    }

    /// Why the last attempt that failed did.
    async fn last_error(&self) -> Option<&str> {
        self.0.last_error.as_deref()
    }

    /// How far the newest attempt is, or got. Null for jobs that don't tell.
    async fn progress(&self, context: &Context<'_>) -> Option<JobProgress> {
        let now = request(context).store.clock.now();
        self.0.progress.map(|progress| JobProgress {
            done: progress.done,
            total: progress.total,
            fraction: fraction(progress),
            ends_at: estimate(&self.0, progress, now),
        })
    }
}

impl Job {
    /// The job with this key, where there is one.
    pub(in crate::graphql) async fn load(
        context: &Context<'_>,
        id: Option<i64>,
    ) -> Result<Option<Self>> {
        let Some(id) = id else {
            return Ok(None);
        };
        let job = loaders(context).load_one(JobKey(id)).await;
        Ok(job.or_graphql_error(context)?.map(Self))
    }
}

impl From<job::Job> for Job {
    fn from(job: job::Job) -> Self {
        Self(job)
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct JobProgress {
    /// Pieces that are done.
    pub done: u64,
    /// Pieces there are; null where nobody knows yet.
    pub total: Option<u64>,
    /// Which part of the work is done, 0 to 1; null where the total is not known.
    pub fraction: Option<f64>,
    /// When it will be over if it goes on at the pace that it has had in this attempt; null where
    /// that can't be told.
    pub ends_at: Option<DateTime<Utc>>,
}

fn fraction(progress: job::Progress) -> Option<f64> {
    let total = progress.total.filter(|total| *total > 0)?;
    #[allow(clippy::cast_precision_loss, reason = "a fraction for people")]
    let fraction = progress.done as f64 / total as f64;
    Some(fraction.min(1.0))
}

fn estimate(job: &job::Job, progress: job::Progress, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if job.status != job::Status::Running {
        return None;
    }
    let done = fraction(progress).filter(|fraction| *fraction > 0.0)?;
    let so_far = (now - job.started_at?).to_std().ok()?;
    let left = Duration::try_from_secs_f64(so_far.as_secs_f64() * (1.0 - done) / done).ok()?;
    now.checked_add_signed(TimeDelta::from_std(left).ok()?)
}

/// How an attempt at a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum JobAttemptOutcome {
    /// The work was done.
    Done,
    /// It failed; the attempt has the error.
    Failed,
    /// Its worker died, or could not reach the database for so long that the job was taken from it.
    Lost,
    /// Its worker was stopped, and gave it back. Such an attempt uses up none of the job's tries.
    Released,
    /// Somebody called the job off.
    Cancelled,
}

impl JobAttemptOutcome {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "done" => Some(Self::Done),
            "failed" => Some(Self::Failed),
            "lost" => Some(Self::Lost),
            "released" => Some(Self::Released),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        }
    }
}

/// An attempt at a job.
#[derive(Clone, Debug, SimpleObject)]
pub struct JobAttempt {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; null while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took, in milliseconds; null while it goes on.
    pub duration_ms: Option<i64>,
    /// Who made it: the process and the number of the worker in it.
    pub worker: String,
    /// How it ended; null while it goes on.
    pub outcome: Option<JobAttemptOutcome>,
    /// Why it failed, with the causes of the error.
    pub error: Option<String>,
    /// What the job said, the oldest first.
    pub log_lines: Vec<JobLogLine>,
}

/// Something that a job said while it ran.
#[derive(Clone, Debug, SimpleObject)]
pub struct JobLogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub text: String,
}

impl From<job::Attempt> for JobAttempt {
    fn from(attempt: job::Attempt) -> Self {
        let took = attempt.finished_at.map(|at| at - attempt.started_at);
        let lines = attempt.lines.into_iter();
        let outcome = attempt.outcome.as_deref();
        Self {
            started_at: attempt.started_at,
            finished_at: attempt.finished_at,
            duration_ms: took.map(|took| took.num_milliseconds()),
            worker: attempt.worker,
            outcome: outcome.and_then(JobAttemptOutcome::from_word),
            error: attempt.error,
            log_lines: lines
                .map(|line| JobLogLine {
                    at: line.at,
                    text: line.text,
                })
                .collect(),
        }
    }
}

connection!(
    JobConnection,
    JobEdge,
    Job,
    job::Job,
    job::JobFilter,
    job::count,
    "A page of jobs.",
    "A job and its place in the list."
);

/// Which jobs are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "JobFilter")]
pub struct JobFilterInput {
    /// Of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// In one of these.
    pub statuses: Option<Vec<JobStatus>>,
    /// With exactly this unique key.
    pub unique_key: Option<String>,
    /// Enqueued at this time or later.
    #[graphql(validator(custom = "check_time"))]
    pub created_from: Option<DateTime<Utc>>,
    /// Enqueued before this time.
    #[graphql(validator(custom = "check_time"))]
    pub created_until: Option<DateTime<Utc>>,
    /// Over (done, dead or cancelled) since this time or later.
    #[graphql(validator(custom = "check_time"))]
    pub finished_from: Option<DateTime<Utc>>,
    /// Over before this time.
    #[graphql(validator(custom = "check_time"))]
    pub finished_until: Option<DateTime<Utc>>,
}

/// The job that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct JobPayload {
    /// The job as it is now; null when nothing was changed.
    pub job: Option<Job>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// What came of trying dead jobs again, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct RetryJobsPayload {
    /// How many jobs are due now.
    pub retried: u64,
    /// How many more there are: send the mutation again while it is not 0.
    pub left: u64,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}
