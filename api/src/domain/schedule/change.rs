//! What an operator does to a schedule.

use entity::schedule::Model;
use serde_json::{Value, json};

use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::patch::Patch;
use crate::domain::transaction::Transaction;
use crate::queue::schedule;
use crate::queue::timetable::{BadTimetable, Timetable};

/// When a schedule should run instead: a line of cron and a zone that have been read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleChange {
    cron: Patch<String>,
    time_zone: Patch<String>,
}

impl ScheduleChange {
    /// Reads a line of cron and the name of the zone whose clocks it goes by. What is cleared is as
    /// it is built in.
    ///
    /// That a line never comes takes a search of the whole calendar, so this is for before the
    /// transaction.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`](crate::domain::error::Error::Refused) when the line can't be read, is too
    /// long or never comes, or there is no such zone.
    pub fn read(cron: Patch<String>, time_zone: Patch<String>) -> Result<Self> {
        let trim = |value: String| value.trim().to_owned();
        let (cron, time_zone) = (cron.map(trim), time_zone.map(trim));
        let set = |patch: &Patch<String>, other: &str| match patch {
            Patch::Set(value) => value.clone(),
            Patch::Keep | Patch::Clear => other.to_owned(),
        };
        Timetable::parse(&set(&cron, "@daily"), &set(&time_zone, "UTC")).map_err(problems)?;
        Ok(Self { cron, time_zone })
    }
}

/// Enqueues the job of a schedule now, and answers its key; also when the schedule is paused. When
/// it runs next stays as it is. While an earlier job waits for its first run, that one is answered.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such schedule.
pub async fn run(transaction: &mut Transaction<'_>, id: i64) -> Result<i64> {
    lock(transaction, id).await?;
    let by = transaction.actor().to_string();
    let (connection, clock) = (transaction.connection(), transaction.clock());
    let job_id = schedule::run(connection, clock, id, &by).await?;
    transaction.wake_workers();
    transaction.record(AuditEvent {
        action: "run",
        subject: "job_schedule",
        subject_id: id,
        before: None,
        after: Some(json!({ "job": job_id })),
    });
    Ok(job_id)
}

/// Stops a schedule: its time comes and nothing happens, until it is resumed. A job that it has
/// enqueued already runs. One that is paused stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such schedule.
pub async fn pause(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let row = lock(transaction, id).await?;
    if row.paused_at.is_some() {
        return Ok(());
    }
    let by = transaction.actor().to_string();
    schedule::pause(transaction.connection(), transaction.clock(), row, &by).await?;
    record(
        transaction,
        "pause",
        id,
        json!({ "paused": false }),
        json!({ "paused": true }),
    );
    Ok(())
}

/// Lets a schedule run again, from its next time on: what it missed meanwhile is not made up for.
/// One that runs stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such schedule.
pub async fn resume(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let row = lock(transaction, id).await?;
    if row.paused_at.is_none() {
        return Ok(());
    }
    let timetable = Timetable::parse(&row.cron, &row.time_zone).map_err(problems)?;
    let running = Model {
        paused_at: None,
        paused_by: None,
        ..row
    };
    let (connection, clock) = (transaction.connection(), transaction.clock());
    schedule::plan(connection, clock, running, &timetable).await?;
    record(
        transaction,
        "resume",
        id,
        json!({ "paused": true }),
        json!({ "paused": false }),
    );
    Ok(())
}

/// Lets a schedule run at other times. It stays paused if it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such schedule.
pub async fn update(
    transaction: &mut Transaction<'_>,
    id: i64,
    change: ScheduleChange,
) -> Result<()> {
    let before = lock(transaction, id).await?;
    let choose = |patch: Patch<String>, now: &String, built_in: &String| match patch {
        Patch::Keep => now.clone(),
        Patch::Clear => built_in.clone(),
        Patch::Set(value) => value,
    };
    let after = Model {
        cron: choose(change.cron, &before.cron, &before.built_in_cron),
        time_zone: choose(
            change.time_zone,
            &before.time_zone,
            &before.built_in_time_zone,
        ),
        ..before.clone()
    };
    let timetable = Timetable::parse(&after.cron, &after.time_zone).map_err(problems)?;
    if after == before {
        return Ok(());
    }
    let (was, is) = (audited(&before), audited(&after));
    let (connection, clock) = (transaction.connection(), transaction.clock());
    schedule::plan(connection, clock, after, &timetable).await?;
    record(transaction, "update", id, was, is);
    Ok(())
}

async fn lock(transaction: &Transaction<'_>, id: i64) -> Result<Model> {
    let row = schedule::lock(transaction.connection(), id).await?;
    Ok(row.ok_or_else(|| Problem::not_found("id", "schedule"))?)
}

fn problems(bad: BadTimetable) -> Vec<Problem> {
    let cron = bad.cron.map(|text| Problem::invalid("cron", text));
    let zone = bad.time_zone.map(|text| Problem::invalid("timeZone", text));
    cron.into_iter().chain(zone).collect()
}

fn audited(row: &Model) -> Value {
    json!({ "cron": row.cron, "timeZone": row.time_zone })
}

fn record(
    transaction: &mut Transaction<'_>,
    action: &'static str,
    id: i64,
    before: Value,
    after: Value,
) {
    transaction.record(AuditEvent {
        action,
        subject: "job_schedule",
        subject_id: id,
        before: Some(before),
        after: Some(after),
    });
}
