//! Schedules: jobs that come again by the calendar.

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::job::Job;
use super::user_error::UserError;
use crate::domain::schedule;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;

/// A job that comes again by the calendar. The program comes with its schedules; an admin chooses
/// when each runs, stops it, or runs it now.
pub struct JobSchedule(pub schedule::Schedule);

/// A job that comes again by the calendar. The program comes with its schedules; an admin chooses
/// when each runs, stops it, or runs it now.
#[Object]
impl JobSchedule {
    /// Unique among everything that has an id.
    pub(super) async fn id(&self) -> ID {
        NodeType::JobSchedule.id(self.0.id)
    }

    /// What it is called, e.g. `purge`: the same in every version and on the command line.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for, in a sentence.
    async fn purpose(&self) -> &str {
        &self.0.purpose
    }

    /// The kind of job that it enqueues.
    async fn kind(&self) -> &str {
        &self.0.kind
    }

    /// What the job is told.
    async fn payload(&self) -> Json<Value> {
        Json(self.0.payload.clone())
    }

    /// When it runs, as a line of cron: minute, hour, day of month, month, day of week.
    async fn cron(&self) -> &str {
        &self.0.cron
    }

    /// Whose clocks that goes by: a name of the IANA database, e.g. `Europe/Berlin`. A time of day
    /// that clocks skip when they are put forward is made up for right after; one that they show
    /// twice counts once.
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }

    /// When it runs, in English, e.g. `At 03:30 (Europe/Berlin)`.
    async fn in_words(&self) -> String {
        self.0.in_words()
    }

    /// The line of cron that it comes with, which `updateSchedule` with `cron: null` goes back to.
    async fn built_in_cron(&self) -> &str {
        &self.0.built_in_cron
    }

    /// The zone that it comes with, which `updateSchedule` with `timeZone: null` goes back to.
    async fn built_in_time_zone(&self) -> &str {
        &self.0.built_in_time_zone
    }

    /// When it runs next; null while it is paused. A time that has passed says that no worker was
    /// there: the first one that comes runs it, once however many times were missed.
    async fn next_run_at(&self) -> Option<DateTime<Utc>> {
        self.0.paused_at.is_none().then_some(self.0.next_run_at)
    }

    /// When it was paused; null while it runs.
    async fn paused_at(&self) -> Option<DateTime<Utc>> {
        self.0.paused_at
    }

    /// Who paused it, in words, e.g. `user 7` or `command line`.
    async fn paused_by(&self) -> Option<&str> {
        self.0.paused_by.as_deref()
    }

    /// When it last enqueued its job, at its time or by `runSchedule`.
    async fn last_run_at(&self) -> Option<DateTime<Utc>> {
        self.0.last_run_at
    }

    /// The job it last enqueued. Null when there was none yet, or it is over and was purged since.
    async fn last_job(&self, context: &Context<'_>) -> Result<Option<Job>> {
        Job::load(context, self.0.last_job_id).await
    }
}

impl JobSchedule {
    /// The schedule with this key, as it is now.
    pub(in crate::graphql) async fn find(context: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let found = schedule::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(Self))
    }
}

/// The schedule that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct JobSchedulePayload {
    /// The schedule as it is now; null when nothing was changed.
    pub schedule: Option<JobSchedule>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The job of a schedule that was run, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct RunSchedulePayload {
    /// The schedule as it is now; null when nothing was done.
    pub schedule: Option<JobSchedule>,
    /// The job that runs now: follow it with `jobChanged(id:)`. While an earlier job of the schedule
    /// waits for its first run, this is that one. Null when nothing was done.
    pub job: Option<Job>,
    /// What has to be put right; empty when the job was enqueued.
    pub user_errors: Vec<UserError>,
}
