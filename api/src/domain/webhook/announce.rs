//! Writing events into the transaction of the change that announces them, each with a delivery and a
//! job for every endpoint that wants it: in the same number of statements for one post and for
//! hundreds.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{webhook_delivery, webhook_endpoint, webhook_event};
use sea_orm::sea_query::LockType;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::Value;
use uuid::Uuid;

use super::announcement::{Announcement, PostChange};
use super::delivery::DeliveryStatus;
use super::describe::{describe, live_paths};
use super::event::EventType;
use super::message::JobPayload;
use super::payload::{self, NewEvent, Touched};
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;
use crate::foundation::database::{PARAMETERS, reserve_keys};
use crate::queue::NewJob;

/// An endpoint that is switched on.
struct Subscriber {
    endpoint_id: i64,
    /// What it wants; everything when absent.
    types: Option<Vec<String>>,
    /// Whether the last attempt at it failed.
    fails: bool,
}

impl Subscriber {
    fn wants(&self, event_type: EventType, only: Option<i64>) -> bool {
        let words = self.types.as_deref();
        match only {
            Some(endpoint_id) => endpoint_id == self.endpoint_id,
            None => words.is_none_or(|words| words.iter().any(|word| word == event_type.as_str())),
        }
    }
}

/// Writes what a change announces, and answers the jobs that deliver it. While no endpoint wants
/// any of it, that costs one short read.
pub(in crate::domain) async fn write(
    transaction: &Transaction<'_>,
    announcements: &[Announcement],
) -> Result<Vec<NewJob>> {
    if announcements.is_empty() {
        return Ok(Vec::new());
    }
    let subscribers = subscribers(transaction).await?;
    let wanted = announcements.iter().any(|announcement| {
        let (types, only) = possible(announcement);
        let mut pairs = subscribers
            .iter()
            .flat_map(|one| types.iter().map(move |t| (one, t)));
        pairs.any(|(subscriber, event_type)| subscriber.wants(*event_type, only))
    });
    if !wanted {
        return Ok(Vec::new());
    }
    let events = events(transaction, announcements).await?;
    insert(transaction, &subscribers, events).await
}

/// The endpoints that are switched on. Who deletes one waits until the change has ended.
async fn subscribers(transaction: &Transaction<'_>) -> Result<Vec<Subscriber>> {
    use webhook_endpoint::Column;
    type Row = (i64, Option<Value>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = webhook_endpoint::Entity::find()
        .filter(Column::Enabled.eq(true))
        .order_by_asc(Column::Id)
        .lock(LockType::KeyShare)
        .select_only()
        .columns([Column::Id, Column::EventTypes, Column::FailingSince])
        .into_tuple()
        .all(transaction.connection())
        .await?;
    rows.into_iter()
        .map(|(endpoint_id, types, failing_since)| {
            Ok(Subscriber {
                endpoint_id,
                types: types.map(serde_json::from_value).transpose()?,
                fails: failing_since.is_some(),
            })
        })
        .collect()
}

/// The types of the events that may come of an announcement, and the one endpoint that they are for.
fn possible(announcement: &Announcement) -> (&'static [EventType], Option<i64>) {
    use EventType as Type;
    let types: &[EventType] = match announcement {
        Announcement::Post { change, .. } => match change {
            PostChange::Switched { from: None, .. } => &[Type::PostPublished],
            PostChange::Switched { to: None, .. } => &[Type::PostUnpublished],
            PostChange::Switched { .. } => &[Type::PostUpdated, Type::PostSlugChanged],
            PostChange::Scored { .. } | PostChange::Amended { .. } => &[Type::PostUpdated],
            PostChange::Trashed { .. } => &[Type::PostTrashed],
        },
        Announcement::Release { rolled_back, .. } => match rolled_back {
            false => &[Type::ReleaseShipped],
            true => &[Type::ReleaseRolledBack],
        },
        Announcement::Term(_) => &[Type::TaxonomyChanged],
        Announcement::DeadJob(_) => &[Type::JobDead],
        Announcement::Alarm(alarm) => match alarm.is_over {
            false => &[Type::AlarmRaised],
            true => &[Type::AlarmCleared],
        },
        Announcement::Test { endpoint_id } => return (&[Type::WebhookTest], Some(*endpoint_id)),
    };
    (types, None)
}

/// The events that come of announcements, in their order.
async fn events(
    transaction: &Transaction<'_>,
    announcements: &[Announcement],
) -> Result<Vec<NewEvent>> {
    let contents: BTreeSet<i64> = announcements
        .iter()
        .flat_map(payload::contents)
        .flatten()
        .collect();
    let described = describe(transaction, &contents).await?;
    let mut events = Vec::with_capacity(announcements.len());
    let mut whole = Touched {
        tags: transaction.tags().clone(),
        paths: BTreeSet::new(),
    };
    for announcement in announcements {
        if let Announcement::Post { post_id, change } = announcement {
            let of_post = payload::post(*post_id, *change, &described, &whole.tags);
            for event in of_post {
                whole.paths.extend(event.touched.paths.iter().cloned());
                events.push(event);
            }
        }
    }
    // What concerns more than one post touches all that the change does.
    let mut others = announcements.iter().filter_map(payload::other).peekable();
    if others.peek().is_some() {
        let paths = live_paths(transaction, &whole.posts()).await?;
        whole.paths.extend(paths);
    }
    for mut event in others {
        if event.touches_all {
            event.touched = whole.clone();
        }
        events.push(event);
    }
    Ok(events)
}

/// Writes the events that anybody wants, with their deliveries.
async fn insert(
    transaction: &Transaction<'_>,
    subscribers: &[Subscriber],
    events: Vec<NewEvent>,
) -> Result<Vec<NewJob>> {
    const COLUMNS: usize = 10;
    let connection = transaction.connection();
    let wanted: Vec<(NewEvent, Vec<&Subscriber>)> = events
        .into_iter()
        .map(|event| {
            let wants = |one: &&Subscriber| one.wants(event.event_type, event.only);
            let endpoints = subscribers.iter().filter(wants).collect();
            (event, endpoints)
        })
        .filter(|(_, endpoints): &(_, Vec<&Subscriber>)| !endpoints.is_empty())
        .collect();
    let deliveries = wanted.iter().map(|(_, endpoints)| endpoints.len()).sum();
    let event_keys = reserve_keys(connection, "webhook_event", wanted.len()).await?;
    let mut delivery_keys = reserve_keys(connection, "webhook_delivery", deliveries)
        .await?
        .into_iter();
    let now = transaction.now();
    let mut event_rows = Vec::with_capacity(wanted.len());
    let mut delivery_rows = Vec::with_capacity(deliveries);
    let mut jobs = Vec::with_capacity(deliveries);
    for ((event, endpoints), event_id) in wanted.into_iter().zip(event_keys) {
        let event_type = event.event_type.as_str().to_owned();
        for (endpoint, key) in endpoints.into_iter().zip(delivery_keys.by_ref()) {
            jobs.push(JobPayload::first(key).job(Duration::ZERO, endpoint.fails));
            delivery_rows.push(webhook_delivery::ActiveModel {
                id: Set(key),
                event_id: Set(event_id),
                endpoint_id: Set(endpoint.endpoint_id),
                event_type: Set(event_type.clone()),
                post_id: Set(event.post_id),
                status: Set(DeliveryStatus::Pending.as_str().to_owned()),
                attempts: Set(0),
                next_attempt_at: Set(Some(now)),
                finished_at: Set(None),
                created_at: Set(now),
            });
        }
        let message_id = event.message_id.clone();
        event_rows.push(webhook_event::ActiveModel {
            id: Set(event_id),
            message_id: Set(
                message_id.unwrap_or_else(|| format!("evt_{}", Uuid::now_v7().simple()))
            ),
            event_type: Set(event_type),
            data: Set(event.into_data()),
            created_at: Set(now),
        });
    }
    for rows in event_rows.chunks(PARAMETERS / COLUMNS) {
        webhook_event::Entity::insert_many(rows.to_vec())
            .exec_without_returning(connection)
            .await?;
    }
    for rows in delivery_rows.chunks(PARAMETERS / COLUMNS) {
        webhook_delivery::Entity::insert_many(rows.to_vec())
            .exec_without_returning(connection)
            .await?;
    }
    Ok(jobs)
}
