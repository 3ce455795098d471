//! What an operator should look at now.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{alarm, release, webhook_delivery, webhook_endpoint};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, UnionType};

use super::speed::{Recent, recent};
use super::up::lost_nodes;
use super::{ENOUGH_TO_JUDGE, FAILS, SLOW, WINDOW_MINUTES, counted, in_words, percent};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::release::ReleaseStatus;
use crate::domain::webhook;
use crate::foundation::clock::Clock;
use crate::queue;

/// How late something may be before that is an alarm.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// How long a delivery may be due, or an endpoint fail, before that is an alarm.
const LATE_DELIVERY: TimeDelta = TimeDelta::minutes(10);

/// Something that an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What, for programs.
    pub code: AlarmCode,
    /// What, and what to do about it, for people.
    pub message: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// What there is to look at, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmCode {
    /// Requests fail by our fault.
    Failing,
    /// Requests take too long.
    Slow,
    /// Something should have been published or taken out of sight by now.
    OverduePublication,
    /// Jobs are due and nobody runs any.
    NoWorker,
    /// Webhooks should have been sent by now.
    DeliveriesLate,
    /// A process ended without having been told to.
    NodeLost,
    /// A webhook endpoint does not answer as it should.
    EndpointFailing,
    /// Jobs were given up.
    DeadJobs,
}

impl AlarmCode {
    /// The word in what programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "FAILING",
            Self::Slow => "SLOW",
            Self::OverduePublication => "OVERDUE_PUBLICATION",
            Self::NoWorker => "NO_WORKER",
            Self::DeliveriesLate => "DELIVERIES_LATE",
            Self::NodeLost => "NODE_LOST",
            Self::EndpointFailing => "ENDPOINT_FAILING",
            Self::DeadJobs => "DEAD_JOBS",
        }
    }
}

/// What an operator should look at now, the most urgent first; nothing when all is well. A fixed
/// number of statements, each of which reads ranges of indexes.
///
/// # Errors
///
/// Those of the database.
pub async fn alarms(reader: &Reader, clock: &Clock) -> Result<Vec<Alarm>> {
    let recent = recent(reader, clock).await?;
    let mut alarms = Vec::new();
    for alarm in [failing(&recent), slow(&recent)].into_iter().flatten() {
        // The minutes that are looked at move on; what was told when it began does not.
        let since = raised_since(reader, alarm.code)
            .await?
            .unwrap_or(alarm.since);
        alarms.push(Alarm { since, ..alarm });
    }
    let mut of_jobs = job_alarms(reader, clock).await?;
    let dead = of_jobs.pop_if(|alarm| alarm.code == AlarmCode::DeadJobs);
    alarms.extend(of_jobs);
    alarms.extend(node_lost(reader, clock).await?);
    alarms.extend(endpoint_failing(reader, clock.now()).await?);
    alarms.extend(dead);
    Ok(alarms)
}

/// Since when an alarm has been raised that was told.
async fn raised_since(reader: &Reader, code: AlarmCode) -> Result<Option<DateTime<Utc>>> {
    let select = Query::select()
        .column(alarm::Column::Since)
        .from(alarm::Entity)
        .and_where(Expr::col(alarm::Column::Code).eq(code.as_str()))
        .to_owned();
    let rows = reader.rows(&select).await?;
    let since = rows.first().map(|row| row.try_get_by_index(0));
    Ok(since.transpose()?)
}

/// Those about background jobs, the most urgent first.
pub(super) async fn job_alarms(reader: &Reader, clock: &Clock) -> Result<Vec<Alarm>> {
    let now = clock.now();
    let signs = queue::signs_of_life(reader.database().reader(), clock).await?;
    let due = [signs.job_due, signs.schedule_due].into_iter().flatten();
    let due = due.min().filter(|since| *since <= signs.now - LATE);
    let no_worker = due.filter(|_| signs.held == 0).map(|since| Alarm {
        code: AlarmCode::NoWorker,
        message: "there is work to do and no worker does any; start `alphanode worker`, or \
                  `alphanode serve` without `--no-worker`"
            .into(),
        since,
    });
    let dead = signs.dead_since.map(|since| Alarm {
        code: AlarmCode::DeadJobs,
        message: format!(
            "{}; `alphanode jobs list --status dead` shows why, `jobs retry` tries again, `jobs \
             cancel` puts one aside",
            counted(signs.dead, "job is dead", "jobs are dead"),
        ),
        since,
    });
    let alarms = [
        overdue(reader, now).await?,
        no_worker,
        deliveries_late(reader, now).await?,
        dead,
    ];
    Ok(alarms.into_iter().flatten().collect())
}

fn failing(recent: &Recent) -> Option<Alarm> {
    let rate = recent.totals.failure_rate()?;
    let is_alarming = recent.totals.requests() >= ENOUGH_TO_JUDGE && rate > FAILS;
    is_alarming.then(|| Alarm {
        code: AlarmCode::Failing,
        message: format!(
            "{} of the requests of the last {WINDOW_MINUTES} minutes failed by our fault; the log \
             has a line with the level ERROR for each, with the id of the request",
            percent(rate),
        ),
        since: recent.from,
    })
}

fn slow(recent: &Recent) -> Option<Alarm> {
    let slowest = recent.totals.quantile(0.95)?;
    let is_alarming = recent.totals.requests() >= ENOUGH_TO_JUDGE && slowest > SLOW;
    is_alarming.then(|| Alarm {
        code: AlarmCode::Slow,
        message: format!(
            "of the requests of the last {WINDOW_MINUTES} minutes one in twenty took longer than \
             {}, of which an average request spends {} in the database; see docs/monitoring.md",
            in_words(slowest),
            in_words(recent.totals.database_time_each().unwrap_or_default()),
        ),
        since: recent.from,
    })
}

/// What posts and releases should have been published or taken out of sight by now. A post counts
/// once: taking it out of sight waits for publishing it.
async fn overdue(reader: &Reader, now: DateTime<Utc>) -> Result<Option<Alarm>> {
    // Written as the index has it.
    let due_at = Expr::cust("COALESCE(publish_at, unpublish_at)");
    let mut plans = Query::select()
        .expr_as(due_at.clone(), "at")
        .from("post_schedule")
        .and_where(due_at.lte(now - LATE))
        .to_owned();
    let releases = Query::select()
        .expr_as(Expr::col(release::Column::ShipAt), "at")
        .from(release::Entity)
        .and_where(Expr::col(release::Column::Status).eq(ReleaseStatus::Scheduled.as_str()))
        .and_where(Expr::col(release::Column::ShipAt).lte(now - LATE))
        .to_owned();
    plans.union(UnionType::All, releases);
    let select = count_and_first("at")
        .from_subquery(plans, "overdue")
        .to_owned();
    let found = one_count(&reader.rows(&select).await?)?;
    Ok(found.map(|(count, since)| Alarm {
        code: AlarmCode::OverduePublication,
        message: format!(
            "{} overdue; see whether a worker runs and no kind is paused: `alphanode jobs kinds`",
            counted(
                count,
                "scheduled publication is",
                "scheduled publications are"
            ),
        ),
        since,
    }))
}

/// Deliveries of webhooks that are due and nobody makes: workers have too much to do, or an endpoint
/// takes its time. Nothing when they are paused by hand.
async fn deliveries_late(reader: &Reader, now: DateTime<Utc>) -> Result<Option<Alarm>> {
    use webhook_delivery::Column::NextAttemptAt;
    let select = count_and_first(NextAttemptAt)
        .from(webhook_delivery::Entity)
        .and_where(Expr::col(NextAttemptAt).lte(now - LATE_DELIVERY))
        .to_owned();
    let Some((count, since)) = one_count(&reader.rows(&select).await?)? else {
        return Ok(None);
    };
    let pauses = queue::pauses(reader.database().reader()).await?;
    let is_paused = pauses.iter().any(|pause| pause.kind == webhook::JOB_KIND);
    Ok((!is_paused).then(|| Alarm {
        code: AlarmCode::DeliveriesLate,
        message: format!(
            "{} should have been sent ten minutes ago or more, so the site may show old pages; see \
             whether a worker runs, and whether an endpoint takes long to answer \
             (`webhookDeliveries`)",
            counted(count, "webhook", "webhooks"),
        ),
        since,
    }))
}

/// Endpoints that have failed for a while. Who looks after one may not know of it.
async fn endpoint_failing(reader: &Reader, now: DateTime<Utc>) -> Result<Option<Alarm>> {
    use webhook_endpoint::Column::{Enabled, FailingSince};
    // Endpoints are few.
    let select = count_and_first(FailingSince)
        .from(webhook_endpoint::Entity)
        .and_where(Expr::col(Enabled).eq(true))
        .and_where(Expr::col(FailingSince).lte(now - LATE_DELIVERY))
        .to_owned();
    let found = one_count(&reader.rows(&select).await?)?;
    Ok(found.map(|(count, since)| Alarm {
        code: AlarmCode::EndpointFailing,
        message: format!(
            "{} not answered as it should for ten minutes or more; `webhookDeliveries` shows what \
             it answers, and what it missed can be sent again with `redeliverWebhooks`",
            counted(count, "webhook endpoint has", "webhook endpoints have"),
        ),
        since,
    }))
}

async fn node_lost(reader: &Reader, clock: &Clock) -> Result<Option<Alarm>> {
    let lost = lost_nodes(reader, clock).await?;
    let Some(since) = lost
        .iter()
        .map(|node| node.last_minute.plus(1).start())
        .min()
    else {
        return Ok(None);
    };
    let names: Vec<&str> = lost.iter().map(|node| node.name.as_str()).collect();
    Ok(Some(Alarm {
        code: AlarmCode::NodeLost,
        message: format!(
            "not heard of any more, though nobody stopped it: {}; it was killed, has crashed, or \
             does not reach the database",
            names.join(", "),
        ),
        since,
    }))
}

fn count_and_first(column: impl sea_orm::sea_query::IntoColumnRef) -> SelectStatement {
    Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .expr(Expr::col(column).min())
        .to_owned()
}

/// How many there are and since when; nothing when there are none.
fn one_count(rows: &[QueryResult]) -> Result<Option<(u64, DateTime<Utc>)>> {
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let count: i64 = row.try_get_by_index(0)?;
    let since: Option<DateTime<Utc>> = row.try_get_by_index(1)?;
    Ok(since.map(|since| (u64::try_from(count).unwrap_or(0), since)))
}
