//! What comes of an attempt: the delivery is made, tried again or given up, and an endpoint that
//! only fails is switched off.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{webhook_attempt, webhook_delivery, webhook_endpoint};
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QuerySelect};

use super::delivery::DeliveryStatus;
use super::endpoint::lock;
use super::message::Message;
use super::retry;
use super::switch::switch_off;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// An endpoint that has failed for so long, and then for all attempts at a delivery, is switched
/// off.
const PATIENCE: TimeDelta = TimeDelta::days(5);

/// The status by which an endpoint says that it is gone for good.
const GONE: u16 = 410;

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How long it took, from resolving the name to the end of the answer.
    pub duration: Duration,
    /// What was answered, or why nothing was.
    pub outcome: Result<Answer, String>,
}

/// What an endpoint answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, e.g. 204.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the body.
    pub start: String,
}

impl Attempt {
    fn succeeded(&self) -> bool {
        let status = self.outcome.as_ref().map(|answer| answer.status);
        matches!(status, Ok(200..300))
    }

    /// Why it failed.
    fn error(&self) -> Option<String> {
        match &self.outcome {
            Ok(_) if self.succeeded() => None,
            Ok(answer) if [301, 302, 303, 307, 308].contains(&answer.status) => Some(
                "answered with a redirect, which is not followed; give the endpoint the URL that \
                 it leads to"
                    .into(),
            ),
            Ok(answer) => Some(format!("answered with the status {}", answer.status)),
            Err(error) => Some(error.clone()),
        }
    }
}

/// Keeps an attempt at a delivery, and does what follows from it. An attempt that was made twice,
/// because nobody knew of the first, is kept twice and followed once.
///
/// # Errors
///
/// Those of the database.
pub async fn record(
    transaction: &mut Transaction<'_>,
    message: &Message,
    attempt: Attempt,
) -> Result<()> {
    let succeeded = attempt.succeeded();
    // Endpoints are locked before deliveries, and only where something about them changes.
    let endpoint = match succeeded && !message.endpoint_fails {
        true => None,
        false => lock(transaction, message.endpoint_id).await?,
    };
    let delivery = webhook_delivery::Entity::find_by_id(message.job.delivery_id)
        .lock(LockType::NoKeyUpdate)
        .one(transaction.connection())
        .await?;
    let Some(delivery) = delivery else {
        return Ok(()); // It was deleted with its endpoint.
    };
    keep(transaction, delivery.id, &attempt).await?;
    let is_expected = delivery.status == DeliveryStatus::Pending.as_str()
        && delivery.attempts == message.job.attempts;
    let mut given_up = false;
    if succeeded {
        finish(transaction, &delivery, DeliveryStatus::Delivered).await?;
    } else if is_expected {
        given_up = try_again(transaction, message, &delivery, &attempt).await?;
    }
    if let Some(endpoint) = endpoint.filter(|endpoint| endpoint.enabled) {
        judge(transaction, endpoint, &attempt, given_up).await?;
    }
    Ok(())
}

/// Writes the attempt into the history of the delivery.
async fn keep(transaction: &Transaction<'_>, delivery_id: i64, attempt: &Attempt) -> Result<()> {
    let answer = attempt.outcome.as_ref().ok();
    let duration_ms = i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX);
    let row = webhook_attempt::ActiveModel {
        delivery_id: Set(delivery_id),
        at: Set(transaction.now()),
        duration_ms: Set(duration_ms),
        status_code: Set(answer.map(|answer| i32::from(answer.status))),
        // PostgreSQL keeps no NUL in a text.
        answer: Set(answer.map(|answer| answer.start.replace('\0', "\u{fffd}"))),
        error: Set(attempt.error()),
        ..Default::default()
    };
    webhook_attempt::Entity::insert(row)
        .exec_without_returning(transaction.connection())
        .await?;
    Ok(())
}

async fn finish(
    transaction: &Transaction<'_>,
    delivery: &webhook_delivery::Model,
    status: DeliveryStatus,
) -> Result<()> {
    let row = webhook_delivery::ActiveModel {
        id: Set(delivery.id),
        status: Set(status.as_str().to_owned()),
        attempts: Set(delivery.attempts + 1),
        next_attempt_at: Set(None),
        finished_at: Set(Some(transaction.now())),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    Ok(())
}

/// Asks for the next attempt. Answers whether there is none any more.
async fn try_again(
    transaction: &mut Transaction<'_>,
    message: &Message,
    delivery: &webhook_delivery::Model,
    attempt: &Attempt,
) -> Result<bool> {
    let attempts = delivery.attempts + 1;
    let answer = attempt.outcome.as_ref().ok();
    let retry_after = answer.and_then(|answer| answer.retry_after.as_deref());
    let gone = answer.is_some_and(|answer| answer.status == GONE);
    let wait = retry::wait(attempts, retry_after, transaction.now(), delivery.id);
    let Some(wait) = wait.filter(|_| !gone) else {
        finish(transaction, delivery, DeliveryStatus::Failed).await?;
        return Ok(true);
    };
    let next: DateTime<Utc> = transaction.now() + wait;
    let row = webhook_delivery::ActiveModel {
        id: Set(delivery.id),
        attempts: Set(attempts),
        next_attempt_at: Set(Some(next)),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    let mut job = message.job;
    job.attempts = attempts;
    transaction.enqueue(job.job(wait, true));
    Ok(false)
}

/// Notes since when an endpoint fails, and switches it off when it is gone or has failed for days.
async fn judge(
    transaction: &mut Transaction<'_>,
    endpoint: webhook_endpoint::Model,
    attempt: &Attempt,
    given_up: bool,
) -> Result<()> {
    let now = transaction.now();
    let failing_since = match attempt.succeeded() {
        true => None,
        false => Some(endpoint.failing_since.unwrap_or(now)),
    };
    if failing_since != endpoint.failing_since {
        let row = webhook_endpoint::ActiveModel {
            id: Set(endpoint.id),
            failing_since: Set(failing_since),
            ..Default::default()
        };
        row.update(transaction.connection()).await?;
    }
    let gone = attempt
        .outcome
        .as_ref()
        .is_ok_and(|answer| answer.status == GONE);
    let reason = if gone {
        Some("the endpoint answered 410: it is gone for good".to_owned())
    } else {
        failing_since
            .filter(|since| given_up && now - *since >= PATIENCE)
            .map(|since| {
                let days = PATIENCE.num_days();
                format!("every attempt since {since:.0} failed, for more than {days} days")
            })
    };
    match reason {
        Some(reason) => switch_off(transaction, &endpoint, reason).await,
        None => Ok(()),
    }
}
