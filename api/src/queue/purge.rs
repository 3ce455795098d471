//! Forgetting jobs that were over long ago.

use std::time::Duration;

use entity::job::{Column, Entity};
use sea_orm::DbErr;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};

use super::claim::in_status;
use super::status::Status;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// Deletes jobs that were done or cancelled longer than `done` ago, and dead ones longer than `dead`
/// ago, the oldest first, each with its history. One call deletes a batch that keeps nobody waiting,
/// and answers how many jobs that were; after the last one it answers 0.
///
/// # Errors
///
/// Those of the database.
pub async fn purge(
    database: &Database,
    clock: &Clock,
    done: Duration,
    dead: Duration,
) -> Result<u64, DbErr> {
    const MOST_AT_ONCE: u64 = 500;

    let mut deleted = 0;
    for (status, age) in [
        (Status::Done, done),
        (Status::Cancelled, done),
        (Status::Dead, dead),
    ] {
        let before = time::now(database.dialect(), clock).sub(time::microseconds(age));
        let oldest = Query::select()
            .column(Column::Id)
            .from(Entity)
            .and_where(in_status(status.name()))
            .and_where(Expr::col(Column::FinishedAt).lt(before))
            .order_by(Column::FinishedAt, Order::Asc)
            .limit(MOST_AT_ONCE)
            .to_owned();
        let delete = Query::delete()
            .from_table(Entity)
            .and_where(Expr::col(Column::Id).in_subquery(oldest))
            .to_owned();
        deleted += database
            .execute(database.dialect().statement(&delete))
            .await?;
    }
    Ok(deleted)
}
