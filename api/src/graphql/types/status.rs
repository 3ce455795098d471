//! How the system is doing.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use crate::domain::status;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;

/// How the system is doing, for operators.
pub struct SystemStatus;

/// How the system is doing, for operators.
#[Object]
impl SystemStatus {
    /// How the queue of background jobs is doing.
    async fn jobs(&self, context: &Context<'_>) -> Result<QueueStatus> {
        let clock = &request(context).store.clock;
        let status = status::of_queue(reader(context), clock).await;
        Ok(status.or_graphql_error(context)?.into())
    }

    /// What somebody should look at now, the most urgent first; empty when all is well.
    async fn alarms(&self, context: &Context<'_>) -> Result<Vec<Alarm>> {
        let clock = &request(context).store.clock;
        let alarms = status::alarms(reader(context), clock).await;
        let alarms = alarms.or_graphql_error(context)?.into_iter();
        Ok(alarms.map(Alarm::from).collect())
    }
}

/// How the queue of background jobs is doing.
#[derive(Clone, Debug, SimpleObject)]
pub struct QueueStatus {
    /// Jobs that wait, for their turn or for their time.
    pub waiting: u64,
    /// Jobs that a worker holds.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Since when the job that has been due longest has waited for its turn; null when none is due.
    pub oldest_due: Option<DateTime<Utc>>,
    /// The kinds that are paused.
    pub paused_kinds: Vec<String>,
}

impl From<status::QueueStatus> for QueueStatus {
    fn from(status: status::QueueStatus) -> Self {
        Self {
            waiting: status.counts.waiting,
            running: status.counts.running,
            dead: status.counts.dead,
            oldest_due: status.oldest_due,
            paused_kinds: status.paused.into_iter().map(|pause| pause.kind).collect(),
        }
    }
}

/// What there is to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::status::AlarmCode")]
pub enum AlarmCode {
    /// A post or a release should have been published, or a post taken out of sight, two minutes ago.
    OverduePublication,
    /// Jobs were given up, and nobody has tried them again or put them aside.
    DeadJobs,
    /// Jobs, or the times of schedules, have been due for two minutes, and nobody runs any.
    NoWorker,
}

/// Something that an operator should look at.
#[derive(Clone, Debug, SimpleObject)]
pub struct Alarm {
    /// What, for programs.
    pub code: AlarmCode,
    /// What, and what to do about it, for people.
    pub message: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl From<status::Alarm> for Alarm {
    fn from(alarm: status::Alarm) -> Self {
        Self {
            code: alarm.code.into(),
            message: alarm.message,
            since: alarm.since,
        }
    }
}
