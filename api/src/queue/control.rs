//! What people do about jobs and their kinds, inside the transaction of whoever lets them.

use chrono::{DateTime, Utc};
use entity::{job, job_pause};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::notify;
use super::status::Status;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// What came of calling a job off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It will not run.
    AtOnce,
    /// It runs. Its worker is told with the next heartbeat; the handler may end in good order and
    /// is stopped when it takes too long over that.
    Requested,
    /// It was done or cancelled, and stays as it is.
    Over(Status),
    /// There is no such job.
    Unknown,
}

/// Calls a job off: one that waits at once, one that runs as soon as its handler has ended. One that
/// is dead is put aside, so that it counts as dead no more.
///
/// # Errors
///
/// Those of the database.
pub async fn cancel(
    connection: &DatabaseTransaction,
    clock: &Clock,
    id: i64,
) -> Result<Cancelled, DbErr> {
    let Some(standing) = lock(connection, id).await? else {
        return Ok(Cancelled::Unknown);
    };
    let now = now(connection, clock);
    let mut update = Query::update();
    update
        .table(job::Entity)
        .and_where(Expr::col(job::Column::Id).eq(id));
    let cancelled = match standing.status {
        Status::Waiting => {
            update
                .value(job::Column::Status, Status::Cancelled.name())
                .value(job::Column::FinishedAt, now);
            Cancelled::AtOnce
        }
        Status::Running => {
            // The first time counts.
            let requested = Expr::col(job::Column::CancelRequestedAt).if_null(now);
            update.value(job::Column::CancelRequestedAt, requested);
            Cancelled::Requested
        }
        Status::Dead => {
            update.value(job::Column::Status, Status::Cancelled.name());
            Cancelled::AtOnce
        }
        over => return Ok(Cancelled::Over(over)),
    };
    connection.execute(&update).await?;
    Ok(cancelled)
}

/// What came of asking for another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is due now.
    Due,
    /// It has not been tried yet, and keeps its time.
    NotTried,
    /// It runs already.
    Running,
    /// It did its work; that is not done again.
    Done,
    /// There is no such job.
    Unknown,
}

/// Lets a job that is dead or cancelled, or waits for its next attempt, be due now. The first two
/// get all attempts of their kind again. What happened stays in its history.
///
/// Whoever calls this wakes the workers of the process after the commit.
///
/// # Errors
///
/// Those of the database.
pub async fn retry_now(
    connection: &DatabaseTransaction,
    clock: &Clock,
    id: i64,
) -> Result<Retried, DbErr> {
    let Some(standing) = lock(connection, id).await? else {
        return Ok(Retried::Unknown);
    };
    let mut update = Query::update();
    update
        .table(job::Entity)
        .and_where(Expr::col(job::Column::Id).eq(id));
    match standing.status {
        Status::Waiting if standing.lease == 0 => return Ok(Retried::NotTried),
        Status::Waiting => {
            update.value(job::Column::DueAt, now(connection, clock));
        }
        Status::Running => return Ok(Retried::Running),
        Status::Done => return Ok(Retried::Done),
        Status::Dead | Status::Cancelled => {
            update.values(anew(now(connection, clock)));
        }
    }
    connection.execute(&update).await?;
    notify::say(connection).await?;
    Ok(Retried::Due)
}

/// Lets the dead jobs of a kind be due now with all their attempts again, those that died first, up
/// to `most` of those that died at `since` or later. Answers their keys.
///
/// Whoever calls this wakes the workers of the process after the commit.
///
/// # Errors
///
/// Those of the database.
pub async fn retry_dead(
    connection: &DatabaseTransaction,
    clock: &Clock,
    kind: &str,
    since: Option<DateTime<Utc>>,
    most: u64,
) -> Result<Vec<i64>, DbErr> {
    let mut dead = Query::select();
    dead.column(job::Column::Id)
        .from(job::Entity)
        .and_where(Expr::col(job::Column::Status).eq(Status::Dead.name()))
        .and_where(Expr::col(job::Column::Kind).eq(kind))
        .order_by(job::Column::FinishedAt, Order::Asc)
        .order_by(job::Column::Id, Order::Asc)
        .limit(most)
        .lock_exclusive();
    if let Some(since) = since {
        let since = since.timestamp_micros();
        dead.and_where(Expr::col(job::Column::FinishedAt).gte(since));
    }
    let rows = connection.query_all(&dead).await?;
    let ids: Vec<i64> = rows
        .iter()
        .map(|row| row.try_get("", "id"))
        .collect::<Result<_, _>>()?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let update = Query::update()
        .table(job::Entity)
        .values(anew(now(connection, clock)))
        .and_where(Expr::col(job::Column::Id).is_in(ids.iter().copied()))
        .to_owned();
    connection.execute(&update).await?;
    notify::say(connection).await?;
    Ok(ids)
}

/// The columns of a job that was over and gets all its attempts again.
fn anew(due_at: Expr) -> [(job::Column, Expr); 6] {
    [
        (job::Column::Status, Status::Waiting.name().into()),
        (job::Column::DueAt, due_at),
        (job::Column::Attempts, 0.into()),
        // One that was never claimed must not meet another of its unique key: from here on it is a
        // job to be tried again.
        (job::Column::Lease, Expr::col(job::Column::Lease).add(1)),
        (job::Column::FinishedAt, Option::<i64>::None.into()),
        (job::Column::CancelRequestedAt, Option::<i64>::None.into()),
    ]
}

/// Lets no worker begin jobs of this kind until it is resumed; what runs goes on. `by` is who wants
/// that, in words. Answers false when the kind was paused already, and changes nothing then.
///
/// # Errors
///
/// Those of the database.
pub async fn pause(
    connection: &DatabaseTransaction,
    clock: &Clock,
    kind: &str,
    by: &str,
) -> Result<bool, DbErr> {
    let insert = Query::insert()
        .into_table(job_pause::Entity)
        .columns([
            job_pause::Column::Kind,
            job_pause::Column::PausedAt,
            job_pause::Column::PausedBy,
        ])
        .values_panic([kind.into(), now(connection, clock), by.into()])
        .on_conflict(
            OnConflict::column(job_pause::Column::Kind)
                .do_nothing()
                .to_owned(),
        )
        .to_owned();
    Ok(connection.execute(&insert).await?.rows_affected() == 1)
}

/// Lets workers begin jobs of this kind again. Answers false when it was not paused.
///
/// Whoever calls this wakes the workers of the process after the commit.
///
/// # Errors
///
/// Those of the database.
pub async fn resume(connection: &DatabaseTransaction, kind: &str) -> Result<bool, DbErr> {
    let delete = Query::delete()
        .from_table(job_pause::Entity)
        .and_where(Expr::col(job_pause::Column::Kind).eq(kind))
        .to_owned();
    let resumed = connection.execute(&delete).await?.rows_affected() == 1;
    if resumed {
        notify::say(connection).await?;
    }
    Ok(resumed)
}

/// A job as a verb finds it.
struct Standing {
    status: Status,
    lease: i64,
}

/// Reads a job and keeps it as it is until the end of the transaction: no worker takes it or lets
/// go of it meanwhile.
async fn lock(connection: &DatabaseTransaction, id: i64) -> Result<Option<Standing>, DbErr> {
    let select = Query::select()
        .columns([job::Column::Status, job::Column::Lease])
        .from(job::Entity)
        .and_where(Expr::col(job::Column::Id).eq(id))
        .lock_exclusive()
        .to_owned();
    let Some(row) = connection.query_one(&select).await? else {
        return Ok(None);
    };
    Ok(Some(Standing {
        status: Status::from_name(&row.try_get::<String>("", "status")?)?,
        lease: row.try_get("", "lease")?,
    }))
}

fn now(connection: &DatabaseTransaction, clock: &Clock) -> Expr {
    time::now(Dialect::from(connection.get_database_backend()), clock)
}
