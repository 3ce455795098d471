//! Forgetting what was answered long ago.

use chrono::TimeDelta;
use entity::request_minute;
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::{KEY, Minute};
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// How long minutes are kept.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Deletes up to `limit` rows of minutes that are older than [`KEPT_FOR`]. Answers how many; fewer
/// than `limit` means that there are no others.
///
/// # Errors
///
/// Those of the database.
pub async fn purge(transaction: &Transaction<'_>, limit: u64) -> Result<u64> {
    let first_kept = Minute::of(transaction.now() - KEPT_FOR);
    let old = Query::select()
        .columns(KEY)
        .from(request_minute::Entity)
        .and_where(Expr::col("minute").lt(first_kept.0))
        .limit(limit)
        .to_owned();
    let delete = Query::delete()
        .from_table(request_minute::Entity)
        .and_where(Expr::tuple(KEY.map(Expr::col)).in_subquery(old))
        .to_owned();
    let deleted = transaction.connection().execute(&delete).await?;
    Ok(deleted.rows_affected())
}
