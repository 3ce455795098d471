//! Jobs that come again by the calendar: their rows.
//!
//! A program comes with its schedules and brings the rows in line when it starts ([`sync`]). When
//! the time of one has come, whoever notices first moves its next run on *and* enqueues its job, in
//! one transaction: a tick is never lost and never comes twice, wherever a process is killed. Ticks
//! that nobody was there for come once.

use chrono::{DateTime, Utc};
use entity::{job, schedule};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, FromQueryResult,
    Order, QueryOrder, QuerySelect,
};
use serde_json::Value;
use tracing::warn;

use super::enqueue::raise_the_waiting_one;
use super::notify;
use super::time;
use super::timetable::Timetable;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};

pub use entity::schedule::Model as Row;

/// A schedule that the program comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuiltIn {
    /// What operators call it, e.g. `purge`. It stays the same from version to version.
    pub name: &'static str,
    /// The kind of job it enqueues.
    pub kind: &'static str,
    /// What the job is told, as JSON.
    pub payload: &'static str,
    /// When, as a line of cron, unless an operator chose another.
    pub cron: &'static str,
    /// Whose clocks that goes by, unless an operator chose others.
    pub time_zone: &'static str,
    /// What it is for, in a sentence for operators.
    pub purpose: &'static str,
}

/// Brings the rows in line with what the program comes with. What an operator chose stays: a pause,
/// another line of cron, another zone. A schedule that the program does not have any more is
/// removed, with the jobs that it enqueued left as they are.
///
/// # Errors
///
/// Those of the database, and when a built-in schedule can't be read, which a test rules out.
pub async fn sync(database: &Database, clock: &Clock, built_in: &[BuiltIn]) -> Result<(), DbErr> {
    let transaction = database.begin().await?;
    let now = time::read(&transaction, clock).await?;
    if !built_in.is_empty() {
        // Another node may start at this moment.
        let mut insert = Query::insert();
        insert.into_table(schedule::Entity).columns([
            schedule::Column::Name,
            schedule::Column::Kind,
            schedule::Column::Payload,
            schedule::Column::Purpose,
            schedule::Column::Cron,
            schedule::Column::BuiltInCron,
            schedule::Column::TimeZone,
            schedule::Column::BuiltInTimeZone,
            schedule::Column::NextRunAt,
        ]);
        for one in built_in {
            insert.values_panic([
                one.name.into(),
                one.kind.into(),
                payload_of(one)?.into(),
                one.purpose.into(),
                one.cron.into(),
                one.cron.into(),
                one.time_zone.into(),
                one.time_zone.into(),
                next_run(&timetable_of(one)?, now)?.into(),
            ]);
        }
        insert.on_conflict(
            OnConflict::column(schedule::Column::Name)
                .do_nothing()
                .to_owned(),
        );
        transaction.execute(&insert).await?;
    }
    let rows = schedule::Entity::find()
        .order_by_asc(schedule::Column::Id)
        .lock_exclusive()
        .all(&transaction)
        .await?;
    for row in rows {
        match built_in.iter().find(|one| one.name == row.name) {
            None => {
                schedule::Entity::delete_by_id(row.id)
                    .exec(&transaction)
                    .await?;
            }
            Some(one) => {
                let wanted = in_line(&row, one, now)?;
                if wanted != row {
                    write(&transaction, &wanted).await?;
                }
            }
        }
    }
    transaction.commit().await
}

/// The row as it should be.
fn in_line(row: &Row, one: &BuiltIn, now: i64) -> Result<Row, DbErr> {
    let mut wanted = Row {
        kind: one.kind.to_owned(),
        payload: payload_of(one)?,
        purpose: one.purpose.to_owned(),
        built_in_cron: one.cron.to_owned(),
        built_in_time_zone: one.time_zone.to_owned(),
        ..row.clone()
    };
    if row.cron == row.built_in_cron {
        wanted.cron = one.cron.to_owned();
    }
    if row.time_zone == row.built_in_time_zone {
        wanted.time_zone = one.time_zone.to_owned();
    }
    let timetable = match Timetable::parse(&wanted.cron, &wanted.time_zone) {
        Ok(timetable) => timetable,
        Err(error) => {
            // A zone that the world gave up, or a row written by hand.
            warn!(schedule = one.name, %error, "runs as built in again");
            wanted.cron = one.cron.to_owned();
            wanted.time_zone = one.time_zone.to_owned();
            timetable_of(one)?
        }
    };
    if (&wanted.cron, &wanted.time_zone) != (&row.cron, &row.time_zone) {
        wanted.next_run_at = next_run(&timetable, now)?;
    }
    Ok(wanted)
}

/// Enqueues the job of a schedule, and answers the job's key; `by` says in words who wants it. While
/// an earlier one waits for its first run, that is the one: a schedule never queues up.
///
/// Whoever calls this wakes the workers of the process after the commit.
///
/// # Errors
///
/// Those of the database.
pub async fn run(
    transaction: &DatabaseTransaction,
    clock: &Clock,
    id: i64,
    by: &str,
) -> Result<i64, DbErr> {
    let now = time::now(Dialect::from(transaction.get_database_backend()), clock);
    let from_row = Query::select()
        .column(schedule::Column::Kind)
        .column(schedule::Column::Payload)
        .column(schedule::Column::Name)
        .expr(Expr::val("waiting"))
        .expr(now.clone())
        .expr(now.clone())
        .expr(Expr::val(by))
        .from(schedule::Entity)
        .and_where(Expr::col(schedule::Column::Id).eq(id))
        .to_owned();
    let mut insert = Query::insert();
    insert
        .into_table(job::Entity)
        .columns([
            job::Column::Kind,
            job::Column::Payload,
            job::Column::UniqueKey,
            job::Column::Status,
            job::Column::DueAt,
            job::Column::CreatedAt,
            job::Column::AskedBy,
        ])
        .select_from(from_row)
        .map_err(|error| DbErr::Custom(error.to_string()))?
        .on_conflict(raise_the_waiting_one())
        .returning(Query::returning().column(job::Column::Id));
    let row = transaction.query_one(&insert).await?;
    let gone = || DbErr::RecordNotFound(format!("schedule {id}"));
    let job_id: i64 = row.ok_or_else(gone)?.try_get("", "id")?;
    let update = Query::update()
        .table(schedule::Entity)
        .value(schedule::Column::LastRunAt, now)
        .value(schedule::Column::LastJobId, job_id)
        .and_where(Expr::col(schedule::Column::Id).eq(id))
        .to_owned();
    transaction.execute(&update).await?;
    notify::say(transaction).await?;
    Ok(job_id)
}

/// The schedule with this key, kept from changing until the transaction ends.
///
/// # Errors
///
/// Those of the database.
pub async fn lock(transaction: &DatabaseTransaction, id: i64) -> Result<Option<Row>, DbErr> {
    schedule::Entity::find_by_id(id)
        .lock_exclusive()
        .one(transaction)
        .await
}

/// Stops a schedule that was locked; `by` says in words who does.
///
/// # Errors
///
/// Those of the database.
pub async fn pause(
    transaction: &DatabaseTransaction,
    clock: &Clock,
    row: Row,
    by: &str,
) -> Result<Row, DbErr> {
    let now = time::read(transaction, clock).await?;
    let paused = Row {
        paused_at: Some(now),
        paused_by: Some(by.to_owned()),
        ..row
    };
    write(transaction, &paused).await?;
    Ok(paused)
}

/// Lets a schedule that was locked run by `timetable` from now on, whether it was paused or not.
/// What it would have done before now is not made up for.
///
/// # Errors
///
/// Those of the database.
pub async fn plan(
    transaction: &DatabaseTransaction,
    clock: &Clock,
    row: Row,
    timetable: &Timetable,
) -> Result<Row, DbErr> {
    let now = time::read(transaction, clock).await?;
    let planned = Row {
        next_run_at: next_run(timetable, now)?,
        ..row
    };
    write(transaction, &planned).await?;
    Ok(planned)
}

/// A schedule whose time has come.
#[derive(Debug, FromQueryResult)]
pub(super) struct Due {
    pub(super) id: i64,
    pub(super) name: String,
    cron: String,
    time_zone: String,
    next_run_at: i64,
    now: i64,
}

/// The schedules that run next, the most urgent first, with how long until then in microseconds.
pub(super) async fn upcoming(
    connection: &impl ConnectionTrait,
    clock: &Clock,
) -> Result<Vec<(i64, Due)>, DbErr> {
    let now = time::now(Dialect::from(connection.get_database_backend()), clock);
    let select: SelectStatement = Query::select()
        .columns([
            schedule::Column::Id,
            schedule::Column::Name,
            schedule::Column::Cron,
            schedule::Column::TimeZone,
            schedule::Column::NextRunAt,
        ])
        .expr_as(now, "now")
        .from(schedule::Entity)
        .and_where(Expr::col(schedule::Column::PausedAt).is_null())
        .order_by(schedule::Column::NextRunAt, Order::Asc)
        .to_owned();
    let rows = connection.query_all(&select).await?;
    let read = |row| {
        let due = Due::from_query_result(row, "")?;
        Ok((due.next_run_at - due.now, due))
    };
    rows.iter().map(read).collect()
}

/// Runs a schedule whose time has come, unless somebody else has meanwhile, and answers the key of
/// its job.
pub(super) async fn tick(
    database: &Database,
    clock: &Clock,
    due: &Due,
) -> Result<Option<i64>, DbErr> {
    let timetable = Timetable::parse(&due.cron, &due.time_zone)
        .map_err(|error| DbErr::Custom(error.to_string()))?;
    // Later than this tick as well: a clock that was set back repeats none.
    let next = next_run(&timetable, std::cmp::max(due.now, due.next_run_at))?;
    let transaction = database.begin().await?;
    let take = Query::update()
        .table(schedule::Entity)
        .value(schedule::Column::NextRunAt, next)
        .and_where(Expr::col(schedule::Column::Id).eq(due.id))
        .and_where(Expr::col(schedule::Column::NextRunAt).eq(due.next_run_at))
        .and_where(Expr::col(schedule::Column::Cron).eq(&due.cron))
        .and_where(Expr::col(schedule::Column::TimeZone).eq(&due.time_zone))
        .and_where(Expr::col(schedule::Column::PausedAt).is_null())
        .to_owned();
    if transaction.execute(&take).await?.rows_affected() == 0 {
        return Ok(None);
    }
    let by = format!("schedule {}", due.name);
    let job_id = run(&transaction, clock, due.id, &by).await?;
    transaction.commit().await?;
    Ok(Some(job_id))
}

async fn write(transaction: &DatabaseTransaction, row: &Row) -> Result<(), DbErr> {
    let row = schedule::ActiveModel::from(row.clone()).reset_all();
    row.update(transaction).await?;
    Ok(())
}

fn next_run(timetable: &Timetable, now: i64) -> Result<i64, DbErr> {
    let now = DateTime::<Utc>::from_timestamp_micros(now);
    let next = now.and_then(|now| timetable.next_after(now));
    let next = next.map(|next| next.timestamp_micros());
    next.ok_or_else(|| DbErr::Custom(format!("{timetable} has no next time")))
}

fn timetable_of(one: &BuiltIn) -> Result<Timetable, DbErr> {
    Timetable::parse(one.cron, one.time_zone)
        .map_err(|error| DbErr::Custom(format!("schedule {}: {error}", one.name)))
}

fn payload_of(one: &BuiltIn) -> Result<Value, DbErr> {
    serde_json::from_str(one.payload)
        .map_err(|error| DbErr::Custom(format!("schedule {}: {error}", one.name)))
}
