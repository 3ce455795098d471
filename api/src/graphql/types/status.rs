//! How the system is doing: four answers, and what somebody should look at.

use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::deployment::DeploymentStatus;
use super::traffic::{RequestStatistics, milliseconds};
use crate::domain::status;
use crate::domain::traffic;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;

/// How the system is doing, for operators: is it up, is it slow, are jobs failing, and did the last
/// deployment change anything?
pub struct SystemStatus;

/// How the system is doing, for operators: is it up, is it slow, are jobs failing, and did the last
/// deployment change anything?
#[Object]
impl SystemStatus {
    /// Is it up?
    async fn up(&self, context: &Context<'_>) -> Result<UpStatus> {
        let clock = &request(context).store.clock;
        let status = status::of_nodes(reader(context), clock).await;
        Ok(status.or_graphql_error(context)?.into())
    }

    /// Is it slow?
    async fn speed(&self, context: &Context<'_>) -> Result<SpeedStatus> {
        let clock = &request(context).store.clock;
        let status = status::of_speed(reader(context), clock).await;
        Ok(status.or_graphql_error(context)?.into())
    }

    /// Are jobs failing?
    async fn jobs(&self, context: &Context<'_>) -> Result<QueueStatus> {
        let clock = &request(context).store.clock;
        let status = status::of_queue(reader(context), clock).await;
        Ok(status.or_graphql_error(context)?.into())
    }

    /// Did the last deployment change anything?
    async fn deployment(&self, context: &Context<'_>) -> Result<DeploymentStatus> {
        let clock = &request(context).store.clock;
        let comparison = status::of_last_deployment(reader(context), clock).await;
        Ok(comparison.or_graphql_error(context)?.into())
    }

    /// What somebody should look at now, the most urgent first; empty when all is well.
    async fn alarms(&self, context: &Context<'_>) -> Result<Vec<Alarm>> {
        let clock = &request(context).store.clock;
        let alarms = status::alarms(reader(context), clock).await;
        let alarms = alarms.or_graphql_error(context)?.into_iter();
        Ok(alarms.map(Alarm::from).collect())
    }
}

/// What to think of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::status::Verdict")]
pub enum Verdict {
    /// Nothing to do.
    Good,
    /// Too little is known to tell.
    Unknown,
    /// Look at it when it is day.
    Watch,
    /// Get up.
    Bad,
}

/// Is it up?
#[derive(Clone, Debug, SimpleObject)]
pub struct UpStatus {
    /// What to think of it.
    pub verdict: Verdict,
    /// Whether it is up, in a sentence.
    pub summary: String,
    /// How long the database took to answer one question just now.
    pub database_milliseconds: f64,
    /// The servers that answer requests, the newest first.
    pub nodes: Vec<ServerNode>,
    /// Those that ended in the last half hour without having been told to: they were killed, have
    /// crashed or do not reach the database.
    pub lost_nodes: Vec<ServerNode>,
    /// The share of the requests of the last five minutes that failed by the server's fault, from 0
    /// to 1; null without requests.
    pub failure_rate: Option<f64>,
}

impl From<status::UpStatus> for UpStatus {
    fn from(status: status::UpStatus) -> Self {
        let nodes = |nodes: Vec<traffic::Node>| nodes.into_iter().map(ServerNode::from).collect();
        Self {
            verdict: status.verdict.into(),
            summary: status.summary,
            database_milliseconds: milliseconds(status.database_time),
            nodes: nodes(status.running),
            lost_nodes: nodes(status.lost),
            failure_rate: status.failure_rate,
        }
    }
}

/// A server, of which there may be several over one database.
#[derive(Clone, Debug, SimpleObject)]
pub struct ServerNode {
    /// Its name: the machine and the number of the process.
    pub name: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The last minute of which it has written its statistics, by its beginning.
    pub last_minute: DateTime<Utc>,
}

impl From<traffic::Node> for ServerNode {
    fn from(node: traffic::Node) -> Self {
        Self {
            name: node.name,
            started_at: node.started_at,
            last_minute: node.last_minute.start(),
        }
    }
}

/// Is it slow?
#[derive(Clone, Debug, SimpleObject)]
pub struct SpeedStatus {
    /// What to think of it; `UNKNOWN` below 20 requests.
    pub verdict: Verdict,
    /// How fast it is, in a sentence.
    pub summary: String,
    /// What all servers answered in the last five whole minutes.
    pub requests: RequestStatistics,
}

impl From<status::SpeedStatus> for SpeedStatus {
    fn from(status: status::SpeedStatus) -> Self {
        Self {
            verdict: status.verdict.into(),
            summary: status.summary,
            requests: status.recent.into(),
        }
    }
}

/// Are jobs failing?
#[derive(Clone, Debug, SimpleObject)]
pub struct QueueStatus {
    /// What to think of it.
    pub verdict: Verdict,
    /// How the queue is doing, in a sentence or two.
    pub summary: String,
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
            verdict: status.verdict.into(),
            summary: status.summary,
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
    /// More than one in a hundred requests of the last five minutes failed by the server's fault.
    Failing,
    /// More than one in twenty requests of the last five minutes took longer than a second.
    Slow,
    /// A post or a release should have been published, or a post taken out of sight, two minutes ago.
    OverduePublication,
    /// Jobs, or the times of schedules, have been due for two minutes, and nobody runs any.
    NoWorker,
    /// Webhooks should have been sent ten minutes ago, so the site may show old pages.
    DeliveriesLate,
    /// A server ended in the last half hour without having been told to.
    NodeLost,
    /// A webhook endpoint has not answered as it should for ten minutes.
    EndpointFailing,
    /// Jobs were given up, and nobody has tried them again or put them aside.
    DeadJobs,
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
