//! Switching endpoints on and off.

use chrono::{DateTime, Utc};
use entity::webhook_delivery;
use entity::webhook_endpoint::{ActiveModel, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::delivery::DeliveryStatus;
use super::endpoint::{NOUN, check_text, lock, lock_named, tell};
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// Switches an endpoint on. What happened meanwhile is not made up for; what it was told of before
/// can be sent again.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is none.
pub async fn enable(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let row = lock_named(transaction, id, "id").await?;
    if row.enabled {
        return Ok(());
    }
    let changed = ActiveModel {
        id: Set(id),
        enabled: Set(true),
        disabled_at: Set(None),
        disabled_reason: Set(None),
        failing_since: Set(None),
        ..Default::default()
    };
    changed.update(transaction.connection()).await?;
    let before = json!({ "disabledReason": row.disabled_reason });
    tell(transaction, "enable", id, Some(before), None);
    Ok(())
}

/// Switches an endpoint off. What waits to be sent to it is called off.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is none, or the reason is too long.
pub async fn disable(
    transaction: &mut Transaction<'_>,
    id: i64,
    reason: Option<String>,
) -> Result<()> {
    let reason = reason.unwrap_or_default().trim().to_owned();
    let mut problems: Vec<Problem> = check_text("reason", &reason).into_iter().collect();
    let Some(row) = lock(transaction, id).await? else {
        problems.push(Problem::not_found("id", NOUN));
        return Err(problems.into());
    };
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if !row.enabled {
        return Ok(());
    }
    let reason = match reason.as_str() {
        "" => "switched off by hand".to_owned(),
        _ => reason,
    };
    switch_off(transaction, &row, reason).await
}

/// Switches an endpoint off that the transaction has locked.
pub(super) async fn switch_off(
    transaction: &mut Transaction<'_>,
    endpoint: &Model,
    reason: String,
) -> Result<()> {
    let now = transaction.now();
    let row = ActiveModel {
        id: Set(endpoint.id),
        enabled: Set(false),
        disabled_at: Set(Some(now)),
        disabled_reason: Set(Some(reason.clone())),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    let cancelled = DeliveryStatus::Cancelled.as_str();
    webhook_delivery::Entity::update_many()
        .col_expr(webhook_delivery::Column::Status, Expr::value(cancelled))
        .col_expr(webhook_delivery::Column::FinishedAt, Expr::value(now))
        .col_expr(
            webhook_delivery::Column::NextAttemptAt,
            Expr::value(Option::<DateTime<Utc>>::None),
        )
        .filter(webhook_delivery::Column::EndpointId.eq(endpoint.id))
        .filter(webhook_delivery::Column::Status.eq(DeliveryStatus::Pending.as_str()))
        .exec(transaction.connection())
        .await?;
    tracing::warn!(
        endpoint = endpoint.id,
        reason,
        "a webhook endpoint is switched off"
    );
    let after = json!({ "disabledReason": reason });
    tell(transaction, "disable", endpoint.id, None, Some(after));
    Ok(())
}
