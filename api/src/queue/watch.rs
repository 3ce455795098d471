//! What happens on the queue, for those who watch it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::job::{Column, Entity};
use entity::schedule;
use sea_orm::sea_query::{
    Expr, ExprTrait, Order, Query, SelectStatement, SubQueryStatement, UnionType,
};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult, Iterable};

use super::claim::in_status;
use super::read::JobRecord;
use super::time::{self, from_micros};
use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// The jobs about which there may be news, by key: those that run, those of `ran`, which ran a moment
/// ago, and those that were enqueued or ended within the last half minute. Of each sort the newest
/// are read when there are very many. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn lively(
    connection: &impl ConnectionTrait,
    clock: &Clock,
    kind: Option<&str>,
    ran: &[i64],
) -> Result<Vec<JobRecord>, DbErr> {
    const MOST_OF_EACH: u64 = 200;
    // Longer than a transaction that enqueues jobs takes: they are seen only once it has committed.
    const NEWS: Duration = Duration::from_secs(30);

    let since = now(connection, clock).sub(time::microseconds(NEWS));
    let some = |condition: Expr, by: Column| {
        let mut select = Query::select();
        select
            .column(Column::Id)
            .from(Entity)
            .and_where(condition)
            .order_by(by, Order::Desc)
            .limit(MOST_OF_EACH);
        if let Some(kind) = kind {
            select.and_where(Expr::col(Column::Kind).eq(kind));
        }
        // SQLite takes limits in a union only within queries of their own.
        Query::select()
            .column(Column::Id)
            .from_subquery(select, "some")
            .to_owned()
    };
    let ended = Expr::col(Column::FinishedAt).gte(since.clone());
    let ids = some(in_status("running"), Column::LeasedUntil)
        .union(
            UnionType::Distinct,
            some(Expr::col(Column::CreatedAt).gte(since), Column::CreatedAt),
        )
        .union(UnionType::Distinct, some(ended, Column::FinishedAt))
        .to_owned();
    let mut wanted = Expr::col(Column::Id).in_subquery(ids);
    if !ran.is_empty() {
        wanted = wanted.or(Expr::col(Column::Id).is_in(ran.iter().copied()));
    }
    let select = Query::select()
        .columns(Column::iter())
        .from(Entity)
        .and_where(wanted)
        .order_by(Column::Id, Order::Asc)
        .to_owned();
    let rows = connection.query_all(&select).await?;
    rows.iter()
        .map(|row| entity::job::Model::from_query_result(row, "")?.try_into())
        .collect()
}

/// Whether work is done: what is due, and whether anybody does any. Kinds and schedules that are
/// paused don't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignsOfLife {
    /// The time, by the queue's clock.
    pub now: DateTime<Utc>,
    /// When the waiting job that is due first is, or was.
    pub job_due: Option<DateTime<Utc>>,
    /// When the schedule that runs first does, or should have.
    pub schedule_due: Option<DateTime<Utc>>,
    /// Jobs that a worker holds whose lease has not run out.
    pub held: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// When the first of them was.
    pub dead_since: Option<DateTime<Utc>>,
}

/// Reads the signs of life, in one statement.
///
/// # Errors
///
/// Those of the database.
pub async fn signs_of_life(
    connection: &impl ConnectionTrait,
    clock: &Clock,
) -> Result<SignsOfLife, DbErr> {
    let now = now(connection, clock);
    let jobs = |status: &'static str| {
        let mut select = Query::select();
        select.from(Entity).and_where(in_status(status));
        select
    };
    let paused = Query::select()
        .column(entity::job_pause::Column::Kind)
        .from(entity::job_pause::Entity)
        .to_owned();
    let job_due = jobs("waiting")
        .expr(Expr::col(Column::DueAt).min())
        .and_where(Expr::col(Column::Kind).not_in_subquery(paused))
        .to_owned();
    let schedule_due = Query::select()
        .expr(Expr::col(schedule::Column::NextRunAt).min())
        .from(schedule::Entity)
        .and_where(Expr::col(schedule::Column::PausedAt).is_null())
        .to_owned();
    let held = jobs("running")
        .expr(Expr::col(Column::Id).count())
        .and_where(Expr::col(Column::LeasedUntil).gt(now.clone()))
        .to_owned();
    let dead = jobs("dead").expr(Expr::col(Column::Id).count()).to_owned();
    let dead_since = jobs("dead")
        .expr(Expr::col(Column::FinishedAt).min())
        .to_owned();
    let select = Query::select()
        .expr_as(now, "now")
        .expr_as(value(job_due), "job_due")
        .expr_as(value(schedule_due), "schedule_due")
        .expr_as(value(held), "held")
        .expr_as(value(dead), "dead")
        .expr_as(value(dead_since), "dead_since")
        .to_owned();
    let row = connection.query_one(&select).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("signs of life".into()))?;
    let at = |name| -> Result<Option<DateTime<Utc>>, DbErr> {
        Ok(row.try_get::<Option<i64>>("", name)?.map(from_micros))
    };
    let count = |name| -> Result<u64, DbErr> {
        Ok(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
    };
    Ok(SignsOfLife {
        now: from_micros(row.try_get("", "now")?),
        job_due: at("job_due")?,
        schedule_due: at("schedule_due")?,
        held: count("held")?,
        dead: count("dead")?,
        dead_since: at("dead_since")?,
    })
}

fn now(connection: &impl ConnectionTrait, clock: &Clock) -> Expr {
    time::now(Dialect::from(connection.get_database_backend()), clock)
}

fn value(select: SelectStatement) -> Expr {
    SubQueryStatement::SelectStatement(select).into()
}
