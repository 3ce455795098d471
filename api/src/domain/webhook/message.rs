//! The message of a delivery, as one attempt sends it.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::delivery::DeliveryStatus;
use super::secret::Secret;
use super::signature::sign;
use crate::domain::error::Result;
use crate::domain::transaction::{Store, Transaction};
use crate::queue::{NewJob, Priority};

/// The kind of jobs that deliver events.
pub const JOB_KIND: &str = "deliver_webhook";

/// What such a job is told. It does something only while the delivery waits for just this attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobPayload {
    /// The delivery.
    pub delivery_id: i64,
    /// Attempts that were made before.
    pub attempts: i32,
}

impl JobPayload {
    /// The first attempt at a delivery.
    pub(super) fn first(delivery_id: i64) -> Self {
        Self {
            delivery_id,
            attempts: 0,
        }
    }

    /// The job that makes the attempt as soon as it can, or when `delay` has passed. An endpoint that
    /// fails, and maybe takes its time for that, must not keep others waiting: they come first.
    pub(super) fn job(self, delay: Duration, endpoint_fails: bool) -> NewJob {
        let Self {
            delivery_id,
            attempts,
        } = self;
        NewJob {
            kind: JOB_KIND,
            payload: json!({ "delivery_id": delivery_id, "attempts": attempts }),
            unique_key: Some(format!("{delivery_id}:{attempts}")),
            priority: match endpoint_fails {
                true => Priority::Low,
                false => Priority::Normal,
            },
            delay,
        }
    }
}

/// A message that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub url: String,
    /// The header `webhook-id`: the same with every attempt at the event.
    pub id: String,
    /// The header `webhook-timestamp`: the time of the attempt, in seconds since 1970.
    pub timestamp: i64,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The body, JSON.
    pub body: String,
    /// Whom it is for.
    pub endpoint_id: i64,
    /// How long ago the event happened.
    pub(super) age: Duration,
    pub(super) job: JobPayload,
    /// Whether the last attempt at the endpoint failed.
    pub(super) endpoint_fails: bool,
}

/// The body of a message.
#[derive(Serialize)]
pub(super) struct Body<'event> {
    #[serde(rename = "type")]
    pub(super) event_type: &'event str,
    pub(super) id: &'event str,
    pub(super) timestamp: String,
    pub(super) sequence: i64,
    pub(super) data: &'event Value,
}

impl<'event> Body<'event> {
    pub(super) fn new(
        (sequence, id, event_type): (i64, &'event str, &'event str),
        created_at: DateTime<Utc>,
        data: &'event Value,
    ) -> Self {
        Self {
            event_type,
            id,
            timestamp: created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            sequence,
            data,
        }
    }
}

/// The message of a delivery that waits for this attempt, signed now; nothing when there is nothing
/// to send any more.
///
/// # Errors
///
/// Those of the database.
pub async fn message(store: &Store, job: JobPayload) -> Result<Option<Message>> {
    let select = Query::select()
        .columns([("e", "url"), ("e", "secret"), ("e", "previous_secret")])
        .columns([("e", "previous_secret_until"), ("e", "failing_since")])
        .columns([("e", "id"), ("v", "id"), ("v", "message_id")])
        .columns([("v", "type"), ("v", "created_at"), ("v", "data")])
        .from_as("webhook_delivery", "d")
        .join_as(
            JoinType::InnerJoin,
            "webhook_event",
            "v",
            Expr::col(("v", "id")).equals(("d", "event_id")),
        )
        .join_as(
            JoinType::InnerJoin,
            "webhook_endpoint",
            "e",
            Expr::col(("e", "id")).equals(("d", "endpoint_id")),
        )
        .and_where(Expr::col(("d", "id")).eq(job.delivery_id))
        .and_where(Expr::col(("d", "attempts")).eq(job.attempts))
        .and_where(Expr::col(("d", "status")).eq(DeliveryStatus::Pending.as_str()))
        .and_where(Expr::col(("e", "enabled")).eq(true))
        .to_owned();
    let Some(row) = store.database.reader().query_one(&select).await? else {
        return Ok(None);
    };
    let now = store.clock.now();
    let mut secrets = vec![Secret::from_text(row.try_get_by_index(1)?)];
    let previous: Option<String> = row.try_get_by_index(2)?;
    let until: Option<DateTime<Utc>> = row.try_get_by_index(3)?;
    if let Some(previous) = previous.filter(|_| until.is_some_and(|until| now < until)) {
        let previous = previous.split_whitespace().map(str::to_owned);
        secrets.extend(previous.map(Secret::from_text));
    }
    let failing_since: Option<DateTime<Utc>> = row.try_get_by_index(4)?;
    let id: String = row.try_get_by_index(7)?;
    let event_type: String = row.try_get_by_index(8)?;
    let data: Value = row.try_get_by_index(10)?;
    let names = (row.try_get_by_index(6)?, id.as_str(), event_type.as_str());
    let created_at: DateTime<Utc> = row.try_get_by_index(9)?;
    let body = Body::new(names, created_at, &data);
    let body = serde_json::to_string(&body)?;
    let timestamp = now.timestamp();
    Ok(Some(Message {
        url: row.try_get_by_index(0)?,
        signature: sign(&secrets, &id, timestamp, &body)?,
        id,
        timestamp,
        body,
        endpoint_id: row.try_get_by_index(5)?,
        age: (now - created_at).to_std().unwrap_or_default(),
        job,
        endpoint_fails: failing_since.is_some(),
    }))
}

/// Whether one of these attempts is at a delivery to the endpoint.
///
/// # Errors
///
/// Those of the database.
pub async fn is_any_for(store: &Store, jobs: &[JobPayload], endpoint_id: i64) -> Result<bool> {
    if jobs.is_empty() {
        return Ok(false);
    }
    let select = Query::select()
        .column("id")
        .from("webhook_delivery")
        .and_where(Expr::col("id").is_in(jobs.iter().map(|job| job.delivery_id)))
        .and_where(Expr::col("endpoint_id").eq(endpoint_id))
        .limit(1)
        .to_owned();
    let found = store.database.reader().query_one(&select).await?;
    Ok(found.is_some())
}

/// Asks for the same attempt a little later, since the endpoint is busy. What has waited long
/// already waits longer, so that jobs which pile up for a slow endpoint do not keep workers busy
/// with putting them back.
pub fn put_back(transaction: &mut Transaction<'_>, message: &Message) {
    const LEAST: Duration = Duration::from_secs(2);
    const MOST: Duration = Duration::from_secs(30);

    let delay = message.age.clamp(LEAST, MOST);
    transaction.enqueue(message.job.job(delay, true));
}
