//! Deliveries whose jobs people call off, and try again.

use chrono::{DateTime, Utc};
use entity::webhook_delivery::{Column, Entity};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::delivery::DeliveryStatus;
use super::message::JobPayload;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// Calls off the delivery that a job is for, while it waits for the very attempt of that job. One that
/// is being made at this moment is kept, and when the endpoint takes it, the delivery is made.
pub(in crate::domain) async fn call_off(
    transaction: &Transaction<'_>,
    job: JobPayload,
) -> Result<()> {
    let (pending, cancelled) = (DeliveryStatus::Pending, DeliveryStatus::Cancelled);
    let now = Some(transaction.now());
    put(transaction, job, (pending, cancelled), (None, now)).await
}

/// Lets the delivery wait again for the attempt of a job that was called off.
pub(in crate::domain) async fn take_up(
    transaction: &Transaction<'_>,
    job: JobPayload,
) -> Result<()> {
    let (pending, cancelled) = (DeliveryStatus::Pending, DeliveryStatus::Cancelled);
    let now = Some(transaction.now());
    put(transaction, job, (cancelled, pending), (now, None)).await
}

async fn put(
    transaction: &Transaction<'_>,
    job: JobPayload,
    (from, to): (DeliveryStatus, DeliveryStatus),
    (next_attempt_at, finished_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(to.as_str()))
        .col_expr(Column::NextAttemptAt, Expr::value(next_attempt_at))
        .col_expr(Column::FinishedAt, Expr::value(finished_at))
        .filter(Column::Id.eq(job.delivery_id))
        .filter(Column::Attempts.eq(job.attempts))
        .filter(Column::Status.eq(from.as_str()))
        .exec(transaction.connection())
        .await?;
    Ok(())
}
