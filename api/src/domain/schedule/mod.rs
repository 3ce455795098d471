//! Schedules: jobs that come again by the calendar. The program comes with them; operators choose
//! when each runs, stop it, and run it now.

mod built_in;
mod change;

pub use built_in::BUILT_IN;
pub use change::{ScheduleChange, pause, resume, run, update};

use chrono::{DateTime, Utc};
use entity::schedule::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{EntityTrait, FromQueryResult, Iterable, QueryOrder};
use serde_json::Value;

use super::error::{Problem, ProblemCode, Result};
use super::perspective::Reader;
use super::transaction::{Store, Transaction};
use crate::queue;
use crate::queue::timetable;

/// A job that comes again by the calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The key.
    pub id: i64,
    /// What operators call it.
    pub name: String,
    /// The kind of job it enqueues.
    pub kind: String,
    /// What the job is told.
    pub payload: Value,
    /// What it is for.
    pub purpose: String,
    /// When it runs, as a line of cron.
    pub cron: String,
    /// Whose clocks that goes by: a name of the IANA database.
    pub time_zone: String,
    /// The line of cron it comes with.
    pub built_in_cron: String,
    /// The zone it comes with.
    pub built_in_time_zone: String,
    /// When it runs next, unless it is paused.
    pub next_run_at: DateTime<Utc>,
    /// When it was stopped.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who stopped it, in words.
    pub paused_by: Option<String>,
    /// When its job was last enqueued.
    pub last_run_at: Option<DateTime<Utc>>,
    /// That job. It may have been purged since.
    pub last_job_id: Option<i64>,
}

impl Schedule {
    /// When it runs, in English.
    pub fn in_words(&self) -> String {
        timetable::in_words(&self.cron, &self.time_zone)
    }
}

impl From<Model> for Schedule {
    fn from(row: Model) -> Self {
        let time = |micros| DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH);
        Self {
            id: row.id,
            name: row.name,
            kind: row.kind,
            payload: row.payload,
            purpose: row.purpose,
            cron: row.cron,
            time_zone: row.time_zone,
            built_in_cron: row.built_in_cron,
            built_in_time_zone: row.built_in_time_zone,
            next_run_at: time(row.next_run_at),
            paused_at: row.paused_at.map(time),
            paused_by: row.paused_by,
            last_run_at: row.last_run_at.map(time),
            last_job_id: row.last_job_id,
        }
    }
}

/// Brings the schedules in line with those that the program comes with; done when it starts.
///
/// # Errors
///
/// Those of the database.
pub async fn sync(store: &Store) -> Result<()> {
    Ok(queue::schedule::sync(&store.database, &store.clock, BUILT_IN).await?)
}

/// All schedules, by name. There are as many as the program comes with.
///
/// # Errors
///
/// Those of the database.
pub async fn list(reader: &Reader) -> Result<Vec<Schedule>> {
    let all = columns().order_by("name", Order::Asc).to_owned();
    read(reader, &all).await
}

/// Finds schedules by key.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<Schedule>> {
    let found = columns()
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .to_owned();
    read(reader, &found).await
}

/// The key of the schedule with a name.
///
/// # Errors
///
/// [`Error::Refused`](super::error::Error::Refused) when there is none, naming those there are.
pub async fn find_by_name(transaction: &Transaction<'_>, name: &str) -> Result<i64> {
    let all = Entity::find()
        .order_by_asc(Column::Name)
        .all(transaction.connection())
        .await?;
    if let Some(found) = all.iter().find(|row| row.name == name) {
        return Ok(found.id);
    }
    let names: Vec<&str> = all.iter().map(|row| row.name.as_str()).collect();
    let message = format!(
        "there is no schedule `{name}`; there are {}",
        names.join(", ")
    );
    Err(Problem::new(ProblemCode::NotFound, "name", message).into())
}

fn columns() -> SelectStatement {
    Query::select()
        .columns(Column::iter())
        .from(Entity)
        .to_owned()
}

async fn read(reader: &Reader, select: &SelectStatement) -> Result<Vec<Schedule>> {
    let rows = reader.rows(select).await?;
    let rows = rows.iter().map(|row| Model::from_query_result(row, ""));
    Ok(rows
        .map(|row| row.map(Schedule::from))
        .collect::<Result<_, _>>()?)
}
