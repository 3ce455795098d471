//! How the system is doing, and what an operator should look at.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{post_schedule, release};
use sea_orm::sea_query::{Expr, ExprTrait, Query, UnionType};

use super::error::Result;
use super::perspective::Reader;
use super::release::ReleaseStatus;
use crate::foundation::clock::Clock;
use crate::queue::{self, Counts, Pause};

/// How late something may be before that is an alarm.
const LATE: TimeDelta = TimeDelta::minutes(2);

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

/// What there is to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmCode {
    /// Something should have been published or taken out of sight by now.
    OverduePublication,
    /// Jobs were given up.
    DeadJobs,
    /// Jobs are due and nobody runs any.
    NoWorker,
}

impl AlarmCode {
    /// The word in what programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OverduePublication => "OVERDUE_PUBLICATION",
            Self::DeadJobs => "DEAD_JOBS",
            Self::NoWorker => "NO_WORKER",
        }
    }
}

/// How the queue is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// How many jobs wait, run and are dead.
    pub counts: Counts,
    /// Since when the job has been due that has been due longest.
    pub oldest_due: Option<DateTime<Utc>>,
    /// The kinds that are not run for now.
    pub paused: Vec<Pause>,
}

/// How the queue is doing.
///
/// # Errors
///
/// Those of the database.
pub async fn of_queue(reader: &Reader, clock: &Clock) -> Result<QueueStatus> {
    let counts = queue::counts(reader.database(), clock).await?;
    let age = counts.oldest_due.map(TimeDelta::from_std);
    Ok(QueueStatus {
        counts,
        oldest_due: age.and_then(|age| Some(clock.now() - age.ok()?)),
        paused: queue::pauses(reader.database().reader()).await?,
    })
}

/// What an operator should look at now, the most urgent first; nothing when all is well.
///
/// # Errors
///
/// Those of the database.
pub async fn alarms(reader: &Reader, clock: &Clock) -> Result<Vec<Alarm>> {
    let mut alarms = Vec::new();
    let now = clock.now();
    if let Some((count, since)) = overdue(reader, now).await? {
        let what = match count {
            1 => "one scheduled publication is".to_owned(),
            count => format!("{count} scheduled publications are"),
        };
        alarms.push(Alarm {
            code: AlarmCode::OverduePublication,
            message: format!(
                "{what} overdue; see whether a worker runs and no kind is paused: \
                 `alphanode jobs kinds`"
            ),
            since,
        });
    }
    let signs = queue::signs_of_life(reader.database().reader(), clock).await?;
    let due = [signs.job_due, signs.schedule_due].into_iter().flatten();
    if let Some(since) = due.min().filter(|since| *since <= signs.now - LATE)
        && signs.held == 0
    {
        alarms.push(Alarm {
            code: AlarmCode::NoWorker,
            message: "there is work to do and no worker does any; start `alphanode worker`, or \
                      `alphanode serve` without `--no-worker`"
                .into(),
            since,
        });
    }
    if let Some(since) = signs.dead_since {
        let what = match signs.dead {
            1 => "one job is dead".to_owned(),
            count => format!("{count} jobs are dead"),
        };
        alarms.push(Alarm {
            code: AlarmCode::DeadJobs,
            message: format!(
                "{what}; `alphanode jobs list --status dead` shows why, `jobs retry` tries again, \
                 `jobs cancel` puts one aside"
            ),
            since,
        });
    }
    Ok(alarms)
}

/// How many posts and releases should have been published or taken out of sight by now, and since
/// when the first of them should.
async fn overdue(reader: &Reader, now: DateTime<Utc>) -> Result<Option<(i64, DateTime<Utc>)>> {
    let plans = |column: post_schedule::Column| {
        Query::select()
            .expr_as(Expr::col(column), "at")
            .from(post_schedule::Entity)
            .and_where(Expr::col(column).lte(now - LATE))
            .to_owned()
    };
    let releases = Query::select()
        .expr_as(Expr::col(release::Column::ShipAt), "at")
        .from(release::Entity)
        .and_where(Expr::col(release::Column::Status).eq(ReleaseStatus::Scheduled.as_str()))
        .and_where(Expr::col(release::Column::ShipAt).lte(now - LATE))
        .to_owned();
    let all = plans(post_schedule::Column::PublishAt)
        .union(UnionType::All, plans(post_schedule::Column::UnpublishAt))
        .union(UnionType::All, releases)
        .to_owned();
    let select = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .expr(Expr::col("at").min())
        .from_subquery(all, "overdue")
        .to_owned();
    let rows = reader.rows(&select).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let since: Option<DateTime<Utc>> = row.try_get_by_index(1)?;
    let count = row.try_get_by_index(0)?;
    Ok(since.map(|since| (count, since)))
}
