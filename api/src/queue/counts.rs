//! How the queue is doing.

use std::time::Duration;

use entity::job::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement, SubQueryStatement};
use sea_orm::{ConnectionTrait, DbErr};

use super::claim::in_status;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

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
    // What is not due yet has waited for less than nothing.
    let oldest_due: Option<i64> = row.try_get("", "oldest_due")?;
    Ok(Counts {
        waiting: number("waiting")?,
        running: number("running")?,
        dead: number("dead")?,
        oldest_due: oldest_due
            .and_then(|micros| u64::try_from(micros).ok())
            .map(Duration::from_micros),
    })
}

fn value(select: SelectStatement) -> Expr {
    SubQueryStatement::SelectStatement(select).into()
}
