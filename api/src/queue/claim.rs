//! Taking a job, and holding on to it.

use std::time::Duration;

use entity::job::{Column, Entity};
use sea_orm::sea_query::{
    Expr, ExprTrait, Func, LockBehavior, LockType, Order, Query, SelectStatement, SubQueryStatement,
};
use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::Value;

use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) payload: Value,
    /// Which attempt this is, from 1.
    pub(super) attempt: i32,
    /// The fencing token: the number of this claim among all of the job's.
    pub(super) lease: i64,
}

/// The columns that a claim is read from.
pub(super) const COLUMNS: [Column; 5] = [
    Column::Id,
    Column::Kind,
    Column::Payload,
    Column::Attempts,
    Column::Lease,
];

impl Claim {
    pub(super) fn from_row(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            kind: row.try_get("", "kind")?,
            payload: row.try_get("", "payload")?,
            attempt: row.try_get("", "attempts")?,
            lease: row.try_get("", "lease")?,
        })
    }
}

/// Takes the job whose turn it is: highest priority, then longest due, then oldest. Answers `None`
/// when nothing is due.
///
/// It is one statement. On PostgreSQL it passes over jobs that another worker is taking at this
/// moment; on SQLite only one statement writes at a time.
pub(super) async fn claim(
    database: &Database,
    clock: &Clock,
    worker: &str,
    lease: Duration,
    kinds: impl Iterator<Item = &'static str>,
) -> Result<Option<Claim>, DbErr> {
    let now = time::now(database.dialect(), clock);
    let next = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(in_status("waiting"))
        .and_where(Expr::col(Column::DueAt).lte(now.clone()))
        .and_where(without_estimate(Expr::col(Column::Kind).is_in(kinds)))
        .order_by(Column::Priority, Order::Desc)
        .order_by(Column::DueAt, Order::Asc)
        .order_by(Column::Id, Order::Asc)
        .limit(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .to_owned();
    let take = Query::update()
        .table(Entity)
        .values([
            (Column::Status, "running".into()),
            (Column::Worker, worker.into()),
            (Column::Lease, Expr::col(Column::Lease).add(1)),
            (Column::Attempts, Expr::col(Column::Attempts).add(1)),
            (Column::StartedAt, now.clone()),
            (Column::LeasedUntil, now.add(time::microseconds(lease))),
        ])
        .and_where(Expr::col(Column::Id).eq(one(next)))
        .returning(Query::returning().columns(COLUMNS))
        .to_owned();
    let row = database.writer().query_one(&take).await?;
    row.as_ref().map(Claim::from_row).transpose()
}

/// Holds on to a job for another `lease` from now. Answers whether the worker still has it.
pub(super) async fn renew(
    database: &Database,
    clock: &Clock,
    claim: &Claim,
    lease: Duration,
) -> Result<bool, DbErr> {
    let until = time::now(database.dialect(), clock).add(time::microseconds(lease));
    let renew = Query::update()
        .table(Entity)
        .value(Column::LeasedUntil, until)
        .and_where(Expr::col(Column::Id).eq(claim.id))
        .and_where(Expr::col(Column::Lease).eq(claim.lease))
        .and_where(in_status("running"))
        .to_owned();
    Ok(database.writer().execute(&renew).await?.rows_affected() == 1)
}

/// Written out and not bound as a parameter: only so does a planner see that the partial index for
/// this status has all the rows.
pub(super) fn in_status(status: &'static str) -> Expr {
    Expr::col(Column::Status).eq(Expr::Constant(status.into()))
}

/// The same condition, of which PostgreSQL does not know how many rows it leaves. Before the table
/// was first analysed it believes that a list of kinds leaves next to none, and then sorts all jobs
/// that wait instead of reading the first one from the index.
fn without_estimate(condition: Expr) -> Expr {
    Func::coalesce([condition, Expr::Constant(false.into())]).into()
}

/// A query whose one value is compared with `=`. With `IN`, PostgreSQL may run it several times in
/// a statement and lock a row each time.
fn one(select: SelectStatement) -> Expr {
    SubQueryStatement::SelectStatement(select).into()
}
