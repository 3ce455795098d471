//! Sending again, by hand: one delivery, all since a time, or a test.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::webhook_delivery::{ActiveModel, Column, Entity};
use entity::webhook_endpoint;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::announcement::Announcement;
use super::delivery::DeliveryStatus;
use super::endpoint::{lock_named, tell};
use super::message::JobPayload;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// The most deliveries that are sent again at once.
pub const REDELIVERY_LIMIT: u64 = 5_000;

/// Sends the message of a delivery again, as soon as it can be, with the same `webhook-id`. When it
/// fails it is tried again as at first. One that waits for its next attempt does not wait any longer.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such delivery, or its
/// endpoint is switched off.
pub async fn redeliver(transaction: &mut Transaction<'_>, delivery_id: i64) -> Result<()> {
    let missing = || Problem::not_found("id", "webhook delivery");
    let endpoint_id: Option<i64> = Entity::find_by_id(delivery_id)
        .select_only()
        .column(Column::EndpointId)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    // Endpoints are locked before deliveries.
    let endpoint = lock_named(transaction, endpoint_id.ok_or_else(missing)?, "id").await?;
    require_enabled(&endpoint, "id")?;
    let delivery = Entity::find_by_id(delivery_id)
        .lock(LockType::NoKeyUpdate)
        .one(transaction.connection())
        .await?
        .ok_or_else(missing)?;
    let waits = delivery.status == DeliveryStatus::Pending.as_str();
    let attempts = if waits { delivery.attempts } else { 0 };
    let row = ActiveModel {
        id: Set(delivery_id),
        status: Set(DeliveryStatus::Pending.as_str().to_owned()),
        attempts: Set(attempts),
        next_attempt_at: Set(Some(transaction.now())),
        finished_at: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    let job = JobPayload {
        delivery_id,
        attempts,
    };
    transaction.enqueue(job.job(Duration::ZERO, endpoint.failing_since.is_some()));
    let after = json!({ "delivery": delivery_id });
    tell(transaction, "redeliver", endpoint.id, None, Some(after));
    Ok(())
}

/// What was asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redelivered {
    /// Deliveries that are sent again.
    pub count: u64,
    /// Whether there are more than are sent again at once.
    pub more: bool,
}

/// Sends again what an endpoint was to be told of since a time, the oldest first: what failed or was
/// called off, or with `delivered` what it has already, too. What waits for its next attempt is left
/// to wait.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such endpoint, or it is
/// switched off.
pub async fn redeliver_since(
    transaction: &mut Transaction<'_>,
    endpoint_id: i64,
    since: DateTime<Utc>,
    delivered: bool,
) -> Result<Redelivered> {
    let endpoint = lock_named(transaction, endpoint_id, "endpoint").await?;
    require_enabled(&endpoint, "endpoint")?;
    let mut statuses = vec![DeliveryStatus::Failed, DeliveryStatus::Cancelled];
    statuses.extend(delivered.then_some(DeliveryStatus::Delivered));
    let statuses = statuses.into_iter().map(DeliveryStatus::as_str);
    let keys: Vec<i64> = Entity::find()
        .filter(Column::EndpointId.eq(endpoint_id))
        .filter(Column::CreatedAt.gte(since))
        .filter(Column::Status.is_in(statuses))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .limit(REDELIVERY_LIMIT + 1)
        .lock(LockType::NoKeyUpdate)
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let limit = usize::try_from(REDELIVERY_LIMIT).unwrap_or(usize::MAX);
    let again = &keys[..keys.len().min(limit)];
    Entity::update_many()
        .col_expr(
            Column::Status,
            Expr::value(DeliveryStatus::Pending.as_str()),
        )
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::NextAttemptAt, Expr::value(transaction.now()))
        .col_expr(
            Column::FinishedAt,
            Expr::value(Option::<DateTime<Utc>>::None),
        )
        .filter(Column::Id.is_in(again.iter().copied()))
        .exec(transaction.connection())
        .await?;
    let fails = endpoint.failing_since.is_some();
    for key in again {
        transaction.enqueue(JobPayload::first(*key).job(Duration::ZERO, fails));
    }
    let count = again.len();
    let after = json!({ "since": since, "count": count, "delivered": delivered });
    tell(transaction, "redeliver", endpoint_id, None, Some(after));
    Ok(Redelivered {
        count: u64::try_from(count).unwrap_or(u64::MAX),
        more: keys.len() > count,
    })
}

/// Sends a test to an endpoint.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such endpoint, or it is
/// switched off.
pub async fn send_test(transaction: &mut Transaction<'_>, endpoint_id: i64) -> Result<()> {
    require_enabled(&lock_named(transaction, endpoint_id, "id").await?, "id")?;
    transaction.announce(Announcement::Test { endpoint_id });
    tell(transaction, "test", endpoint_id, None, None);
    Ok(())
}

fn require_enabled(endpoint: &webhook_endpoint::Model, field: &str) -> Result<(), Problem> {
    match endpoint.enabled {
        true => Ok(()),
        false => {
            let message = "the endpoint is switched off; switch it on first";
            Err(Problem::conflict(field, message))
        }
    }
}
