//! Kinds of jobs.

use async_graphql::{Object, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};

use super::user_error::UserError;
use crate::domain::job::KindStanding;

/// A kind of jobs, and how it is doing.
pub struct JobKind {
    /// How it is doing.
    pub(in crate::graphql) standing: KindStanding,
    /// When that was read.
    pub(in crate::graphql) now: DateTime<Utc>,
}

/// A kind of jobs, and how it is doing.
#[Object]
impl JobKind {
    /// Its name, e.g. `similar_posts`: what `Job.kind` says, and what `pauseJobKind` takes.
    async fn kind(&self) -> &str {
        &self.standing.name
    }

    /// What its jobs are for, in a sentence. Null when this server does not know the kind: its jobs
    /// are from another version, and wait for a worker of that.
    async fn purpose(&self) -> Option<&'static str> {
        self.standing.known.map(|known| known.purpose)
    }

    /// Jobs that wait, for their turn or for their time.
    async fn waiting(&self) -> u64 {
        self.standing.waiting
    }

    /// Jobs that a worker holds.
    async fn running(&self) -> u64 {
        self.standing.running
    }

    /// Jobs that were given up.
    async fn dead(&self) -> u64 {
        self.standing.dead
    }

    /// Since when the job that has been due longest has waited for its turn; null when none is due.
    async fn oldest_due(&self) -> Option<DateTime<Utc>> {
        let age = TimeDelta::from_std(self.standing.oldest_due?).ok()?;
        self.now.checked_sub_signed(age)
    }

    /// Since when no worker begins jobs of this kind; null while they are run.
    async fn paused_at(&self) -> Option<DateTime<Utc>> {
        self.standing.pause.as_ref().map(|pause| pause.since)
    }

    /// Who paused it, in words, e.g. `user 7` or `command line`.
    async fn paused_by(&self) -> Option<&str> {
        self.standing.pause.as_ref().map(|pause| pause.by.as_str())
    }

    /// How many run at once at most, over all workers; null where only the number of workers limits
    /// that, and for kinds that this server does not know.
    async fn max_running(&self) -> Option<u32> {
        self.standing.known.and_then(|known| known.max_running)
    }

    /// After so many attempts that failed, a job is dead. Null for kinds that this server does not
    /// know.
    async fn max_attempts(&self) -> Option<i32> {
        self.standing.known.map(|known| known.max_attempts)
    }

    /// An attempt that takes longer, in seconds, is stopped and has failed. Null for kinds that this
    /// server does not know.
    async fn time_limit_seconds(&self) -> Option<u64> {
        self.standing.known.map(|known| known.time_limit.as_secs())
    }
}

/// The kind of jobs that was paused or resumed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct JobKindPayload {
    /// The kind as it is now; null when nothing was changed.
    pub kind: Option<JobKind>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}
