//! Deliveries: the events that endpoints were told of, and the attempts at that.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement, SubQueryStatement};
use serde_json::Value;

use super::event::EventType;
use super::message::Body;
use crate::domain::error::{Error, Result};
use crate::domain::newest::{self, Dated, newest_first};
use crate::domain::page::{Page, PageRequest};
use crate::domain::perspective::Reader;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// It waits for its first attempt, or for the next.
    Pending,
    /// The endpoint has it.
    Delivered,
    /// Every attempt failed, and there will be no other by itself.
    Failed,
    /// The endpoint was switched off, or its job called off, before it was delivered.
    Cancelled,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::Delivered,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// An event on its way to an endpoint, or there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The key.
    pub id: i64,
    /// The event; its key is its sequence number.
    pub event_id: i64,
    /// The header `webhook-id`.
    pub message_id: String,
    /// Where it goes.
    pub endpoint_id: i64,
    /// What happened.
    pub event_type: EventType,
    /// To which post, where it happened to one.
    pub post_id: Option<i64>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// When the next attempt is due.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// When the event happened.
    pub created_at: DateTime<Utc>,
}

/// Which deliveries are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// To this endpoint.
    pub endpoint_id: Option<i64>,
    /// Of these types.
    pub event_types: Option<Vec<EventType>>,
    /// Of one of these statuses.
    pub statuses: Option<Vec<DeliveryStatus>>,
    /// Of events that happened to this post.
    pub post_id: Option<i64>,
    /// Of events that happened at this time or later.
    pub since: Option<DateTime<Utc>>,
}

/// A page of deliveries, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    filter: &DeliveryFilter,
    request: &PageRequest,
) -> Result<Page<Delivery>> {
    newest_first(reader, select(filter), request).await
}

/// How many deliveries a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &DeliveryFilter) -> Result<i64> {
    newest::count(reader, select(filter)).await
}

/// The deliveries that there are of these.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<Delivery>> {
    newest::find(reader, select(&DeliveryFilter::default()), ids).await
}

fn select(filter: &DeliveryFilter) -> SelectStatement {
    let message_id = Query::select()
        .column(("v", "message_id"))
        .from_as("webhook_event", "v")
        .and_where(Expr::col(("v", "id")).equals(("webhook_delivery", "event_id")))
        .to_owned();
    let mut select = Query::select();
    select
        .columns(["id", "event_id", "endpoint_id", "event_type", "post_id"])
        .columns(["status", "next_attempt_at", "finished_at", "created_at"])
        .expr_as(
            Expr::from(SubQueryStatement::SelectStatement(message_id)),
            "message_id",
        )
        .from("webhook_delivery");
    let DeliveryFilter {
        endpoint_id,
        event_types,
        statuses,
        post_id,
        since,
    } = filter;
    if let Some(endpoint_id) = endpoint_id {
        select.and_where(Expr::col("endpoint_id").eq(*endpoint_id));
    }
    let words = event_types
        .as_ref()
        .map(|types| types.iter().map(|one| one.as_str()).collect());
    any_of(&mut select, "event_type", words);
    let words = statuses
        .as_ref()
        .map(|statuses| statuses.iter().map(|one| one.as_str()).collect());
    any_of(&mut select, "status", words);
    if let Some(post_id) = post_id {
        select.and_where(Expr::col("post_id").eq(*post_id));
    }
    if let Some(since) = since {
        select.and_where(Expr::col("created_at").gte(*since));
    }
    select
}

/// One word is a range of an index; several are looked for along the list.
fn any_of(select: &mut SelectStatement, column: &'static str, words: Option<Vec<&'static str>>) {
    match words.as_deref() {
        None => {}
        Some([word]) => {
            select.and_where(Expr::col(column).eq(*word));
        }
        Some(words) => {
            select.and_where(Expr::col(column).is_in(words.iter().copied()));
        }
    }
}

impl Dated for Delivery {
    const TIME: &'static str = "created_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.created_at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        let (event_type, status): (String, String) =
            (row.try_get_by_index(3)?, row.try_get_by_index(5)?);
        let unknown = |word: &str| Error::Internal(format!("`{word}` is in a webhook delivery"));
        Ok(Self {
            id: row.try_get_by_index(0)?,
            event_id: row.try_get_by_index(1)?,
            endpoint_id: row.try_get_by_index(2)?,
            event_type: EventType::from_word(&event_type).ok_or_else(|| unknown(&event_type))?,
            post_id: row.try_get_by_index(4)?,
            status: DeliveryStatus::from_word(&status).ok_or_else(|| unknown(&status))?,
            next_attempt_at: row.try_get_by_index(6)?,
            finished_at: row.try_get_by_index(7)?,
            created_at: row.try_get_by_index(8)?,
            message_id: row.try_get_by_index(9)?,
        })
    }
}

/// An attempt that was made at a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAttempt {
    /// The delivery.
    pub delivery_id: i64,
    /// When it was kept: at its end.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// The status that was answered; absent when there was no answer.
    pub status_code: Option<i32>,
    /// The beginning of the answer's body.
    pub answer: Option<String>,
    /// Why it failed; absent when it did not.
    pub error: Option<String>,
}

/// Every attempt at these deliveries, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub async fn attempts(reader: &Reader, delivery_ids: &[i64]) -> Result<Vec<PastAttempt>> {
    let select = Query::select()
        .columns([
            "delivery_id",
            "at",
            "duration_ms",
            "status_code",
            "answer",
            "error",
        ])
        .from("webhook_attempt")
        .and_where(Expr::col("delivery_id").is_in(delivery_ids.iter().copied()))
        .order_by("delivery_id", Order::Asc)
        .order_by("id", Order::Asc)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let attempts = rows.iter().map(|row| {
        Ok(PastAttempt {
            delivery_id: row.try_get_by_index(0)?,
            at: row.try_get_by_index(1)?,
            duration_ms: row.try_get_by_index(2)?,
            status_code: row.try_get_by_index(3)?,
            answer: row.try_get_by_index(4)?,
            error: row.try_get_by_index(5)?,
        })
    });
    attempts.collect()
}

/// The bodies of the messages that tell of these events, each with the key of its event.
///
/// # Errors
///
/// Those of the database.
pub async fn bodies(reader: &Reader, event_ids: &[i64]) -> Result<Vec<(i64, Value)>> {
    let select = Query::select()
        .columns(["id", "message_id", "type", "created_at", "data"])
        .from("webhook_event")
        .and_where(Expr::col("id").is_in(event_ids.iter().copied()))
        .to_owned();
    let rows = reader.rows(&select).await?;
    let bodies = rows.iter().map(|row| {
        let id: i64 = row.try_get_by_index(0)?;
        let (message_id, event_type): (String, String) =
            (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let data: Value = row.try_get_by_index(4)?;
        let body = Body::new(
            (id, &message_id, &event_type),
            row.try_get_by_index(3)?,
            &data,
        );
        Ok((id, serde_json::to_value(&body)?))
    });
    bodies.collect()
}
