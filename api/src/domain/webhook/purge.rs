//! Forgetting what happened long ago.

use chrono::TimeDelta;
use entity::webhook_event;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::delivery::DeliveryStatus;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// How long an event, its deliveries and their attempts are kept.
pub const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Deletes up to `limit` events that are older than [`KEPT_FOR`], the oldest first, with their
/// deliveries and attempts, but none that still waits to be delivered. Answers how many; fewer than
/// `limit` means that there are no others.
///
/// # Errors
///
/// Those of the database.
pub async fn purge(transaction: &Transaction<'_>, limit: u64) -> Result<u64> {
    use webhook_event::Column;
    let waiting = Query::select()
        .expr(Expr::cust("1"))
        .from_as("webhook_delivery", "d")
        .and_where(Expr::col(("d", "event_id")).equals(("webhook_event", "id")))
        .and_where(Expr::col(("d", "status")).eq(DeliveryStatus::Pending.as_str()))
        .to_owned();
    let old: Vec<i64> = webhook_event::Entity::find()
        .filter(Column::CreatedAt.lt(transaction.now() - KEPT_FOR))
        .filter(Expr::exists(waiting).not())
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let deleted = webhook_event::Entity::delete_many()
        .filter(Column::Id.is_in(old))
        .exec(transaction.connection())
        .await?;
    Ok(deleted.rows_affected)
}
