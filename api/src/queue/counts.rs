//! How the queue is doing.

use std::time::Duration;

use entity::job::{Column, Entity};
use sea_orm::sea_query::{
    Expr, ExprTrait, Order, Query, SelectStatement, SubQueryStatement, UnionType,
};
use sea_orm::{ConnectionTrait, DbErr};

use super::claim::in_status;
use super::status::Status;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};

/// How the queue is doing, for an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that wait, for their turn or for their time.
    pub waiting: u64,
    /// Jobs that a worker holds.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// How long the job that has been due longest has waited since; none when nothing is due.
    pub oldest_due: Option<Duration>,
}

/// Counts the jobs, in one statement. Finished ones are not looked at, however many there are.
///
/// # Errors
///
/// Those of the database.
pub async fn counts(database: &Database, clock: &Clock) -> Result<Counts, DbErr> {
    let count = |status| {
        Query::select()
            .expr(Expr::col(Column::Id).count())
            .from(Entity)
            .and_where(in_status(status))
            .to_owned()
    };
    let now = time::now(database.dialect(), clock);
    let oldest_due = Query::select()
        .expr(now.sub(Expr::col(Column::DueAt).min()))
        .from(Entity)
        .and_where(in_status("waiting"))
        .to_owned();
    let select = Query::select()
        .expr_as(value(count("waiting")), "waiting")
        .expr_as(value(count("running")), "running")
        .expr_as(value(count("dead")), "dead")
        .expr_as(value(oldest_due), "oldest_due")
        .to_owned();
    let Some(row) = database.reader().query_one(&select).await? else {
        return Ok(Counts::default());
    };
    let number = |name| -> Result<u64, DbErr> {
        let count: i64 = row.try_get("", name)?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    Ok(Counts {
        waiting: number("waiting")?,
        running: number("running")?,
        dead: number("dead")?,
        oldest_due: waited(row.try_get("", "oldest_due")?),
    })
}

/// How the jobs of one kind are doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindCounts {
    /// The kind.
    pub kind: String,
    /// Jobs that wait, for their turn or for their time.
    pub waiting: u64,
    /// Jobs that a worker holds.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// How long the waiting job that has been due longest has waited since; none when nothing is
    /// due.
    pub oldest_due: Option<Duration>,
}

/// Counts the jobs of each kind that has any which are not over well, in the order of their names.
/// Finished ones are not looked at, however many there are. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn counts_by_kind(
    connection: &impl ConnectionTrait,
    clock: &Clock,
) -> Result<Vec<KindCounts>, DbErr> {
    let dialect = Dialect::from(connection.get_database_backend());
    let of = |status: Status| {
        let count = |counted: Status| match counted == status {
            true => Expr::col(Column::Id).count(),
            false => Expr::value(0),
        };
        let due_at = match status {
            Status::Waiting => Expr::col(Column::DueAt).min(),
            _ => Expr::Constant(Option::<i64>::None.into()).cast_as("BIGINT"),
        };
        Query::select()
            .column(Column::Kind)
            .expr_as(count(Status::Waiting), "waiting")
            .expr_as(count(Status::Running), "running")
            .expr_as(count(Status::Dead), "dead")
            .expr_as(due_at, "due_at")
            .from(Entity)
            .and_where(in_status(status.name()))
            .group_by_col(Column::Kind)
            .to_owned()
    };
    let all = of(Status::Waiting)
        .union(UnionType::All, of(Status::Running))
        .union(UnionType::All, of(Status::Dead))
        .to_owned();
    let sum = |name: &'static str| Expr::col(name).sum().cast_as("BIGINT");
    let select = Query::select()
        .column("kind")
        .expr_as(sum("waiting"), "waiting")
        .expr_as(sum("running"), "running")
        .expr_as(sum("dead"), "dead")
        .expr_as(
            time::now(dialect, clock).sub(Expr::col("due_at").min()),
            "oldest_due",
        )
        .from_subquery(all, "each")
        .group_by_col("kind")
        .order_by("kind", Order::Asc)
        .to_owned();
    let rows = connection.query_all(&select).await?;
    rows.iter()
        .map(|row| {
            let number = |name| -> Result<u64, DbErr> {
                Ok(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
            };
            Ok(KindCounts {
                kind: row.try_get("", "kind")?,
                waiting: number("waiting")?,
                running: number("running")?,
                dead: number("dead")?,
                oldest_due: waited(row.try_get("", "oldest_due")?),
            })
        })
        .collect()
}

/// What is not due yet has waited for less than nothing.
fn waited(micros: Option<i64>) -> Option<Duration> {
    let micros = u64::try_from(micros?).ok()?;
    Some(Duration::from_micros(micros))
}

fn value(select: SelectStatement) -> Expr {
    SubQueryStatement::SelectStatement(select).into()
}
