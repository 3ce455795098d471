//! Whether background work is done.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Finding, some_of};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::schedule;
use crate::domain::status::{self, AlarmCode};
use crate::foundation::clock::Clock;
use crate::queue::{self, SignsOfLife};

/// How late work may be before somebody should look.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// How late work may be before that is wrong.
const VERY_LATE: TimeDelta = TimeDelta::hours(1);

/// Whether jobs were given up.
///
/// # Errors
///
/// Those of the database.
pub async fn dead(reader: &Reader, clock: &Clock) -> Result<Finding> {
    let signs = signs(reader, clock).await?;
    Ok(match signs.dead_since {
        None => Finding::ok("none is dead"),
        Some(since) => Finding::warn(
            format!("{} are dead, the first since {}", signs.dead, time(since)),
            "`alphanode jobs list --status dead` shows why; then `jobs retry` or `jobs cancel`",
        ),
    })
}

/// Whether jobs wait that should have run, those of paused kinds left out.
///
/// # Errors
///
/// Those of the database.
pub async fn overdue(reader: &Reader, clock: &Clock) -> Result<Finding> {
    let signs = signs(reader, clock).await?;
    let Some(due) = signs.job_due.filter(|due| *due <= signs.now - LATE) else {
        return Ok(Finding::ok("none waits that should have run"));
    };
    let found = format!("one has been due since {}", time(due));
    let remedy = "`alphanode jobs kinds` shows of which kind; start more workers, or find out what \
                  holds those there are";
    Ok(match due <= signs.now - VERY_LATE {
        true => Finding::fail(found, remedy),
        false => Finding::warn(found, remedy),
    })
}

/// Whether anybody runs jobs and schedules.
///
/// # Errors
///
/// Those of the database.
pub async fn workers(reader: &Reader, clock: &Clock) -> Result<Finding> {
    let signs = signs(reader, clock).await?;
    let remedy = "start `alphanode worker`, or `alphanode serve` without `--no-worker`";
    let late = |due: Option<DateTime<Utc>>| due.filter(|due| *due <= signs.now - LATE);
    Ok(match (signs.schedule_due, signs.held) {
        (due, _) if late(due).is_some() => {
            let since = due.map(time).unwrap_or_default();
            let found = format!("no process runs the schedules; one should have run at {since}");
            Finding::fail(found, remedy)
        }
        (_, 0) if late(signs.job_due).is_some() => {
            Finding::fail("jobs are due, and no worker holds any", remedy)
        }
        (None, 0) => Finding::warn("no process with workers has ever been started here", remedy),
        (_, 0) => Finding::ok("nothing that workers should do is late"),
        (_, held) => Finding::ok(format!("workers hold {held} jobs")),
    })
}

/// Whether kinds of jobs or schedules are switched off.
///
/// # Errors
///
/// Those of the database.
pub async fn paused(reader: &Reader) -> Result<Finding> {
    let pauses = queue::pauses(reader.database().reader()).await?;
    let mut paused: Vec<String> = pauses
        .iter()
        .map(|pause| format!("{} by {} at {}", pause.kind, pause.by, time(pause.since)))
        .collect();
    for schedule in schedule::list(reader).await? {
        if let (Some(at), Some(by)) = (schedule.paused_at, schedule.paused_by) {
            paused.push(format!(
                "schedule {} by {by} at {}",
                schedule.name,
                time(at)
            ));
        }
    }
    Ok(match paused.is_empty() {
        true => Finding::ok("every kind and every schedule is on"),
        false => Finding::warn(
            format!("off: {}", some_of(&paused)),
            "`alphanode jobs resume KIND`, or `--schedule NAME`, once the reason is gone",
        ),
    })
}

/// Whether posts and releases went live when they should have.
///
/// # Errors
///
/// Those of the database.
pub async fn publications(reader: &Reader, clock: &Clock) -> Result<Finding> {
    let alarms = status::alarms(reader, clock).await?;
    let late = |code| code == AlarmCode::OverduePublication;
    Ok(match alarms.iter().find(|alarm| late(alarm.code)) {
        None => Finding::ok("everything that is scheduled is on time"),
        Some(alarm) => Finding::fail(
            format!("something should have happened at {}", time(alarm.since)),
            "see whether a worker runs and no kind is paused: `alphanode jobs kinds`",
        ),
    })
}

async fn signs(reader: &Reader, clock: &Clock) -> Result<SignsOfLife> {
    Ok(queue::signs_of_life(reader.database().reader(), clock).await?)
}

fn time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}
