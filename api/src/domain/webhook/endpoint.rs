//! Endpoints: who is told, and of what.

use chrono::{DateTime, Utc};
use entity::webhook_endpoint::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use serde_json::{Value, json};

use super::event::EventType;
use super::secret::Secret;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::patch::Patch;
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;

/// The most endpoints: each multiplies what a change has to write.
const MOST_ENDPOINTS: u64 = 50;

/// The longest URL, in bytes.
const URL_LENGTH: usize = 2_000;

/// The longest description, in characters.
const DESCRIPTION_LENGTH: usize = 200;

/// An endpoint, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The key.
    pub id: i64,
    /// Where messages go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of; everything when absent.
    pub event_types: Option<Vec<EventType>>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// When it was switched off.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why.
    pub disabled_reason: Option<String>,
    /// Since when every attempt failed; absent when the last one did not.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until when messages are signed by the old secret too.
    pub old_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// An endpoint to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEndpoint {
    /// Where messages go.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of; everything when absent.
    pub event_types: Option<Vec<EventType>>,
}

/// What changes about an endpoint; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointPatch {
    /// Where messages go.
    pub url: Option<String>,
    /// What it is for.
    pub description: Patch<String>,
    /// What it is told of; everything when it is cleared.
    pub event_types: Patch<Vec<EventType>>,
}

/// Makes an endpoint, switched on. Answers its key and its secret, which nobody can read again.
///
/// # Errors
///
/// [`Error::Refused`] when something about it can't be used, or there are too many.
pub async fn create(transaction: &mut Transaction<'_>, new: NewEndpoint) -> Result<(i64, Secret)> {
    let mut problems = check(transaction, Some(&new.url), Some(&new.description));
    problems.extend(check_types(new.event_types.as_deref()));
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if Entity::find().count(transaction.connection()).await? >= MOST_ENDPOINTS {
        let message = format!("there are {MOST_ENDPOINTS} endpoints already; delete one first");
        return Err(Problem::conflict("url", message).into());
    }
    let secret = Secret::random()?;
    let row = ActiveModel {
        url: Set(new.url.trim().to_owned()),
        description: Set(new.description.trim().to_owned()),
        event_types: Set(new.event_types.map(stored)),
        secret: Set(secret.reveal().to_owned()),
        previous_secret: Set(None),
        previous_secret_until: Set(None),
        enabled: Set(true),
        disabled_at: Set(None),
        disabled_reason: Set(None),
        failing_since: Set(None),
        created_at: Set(transaction.now()),
        ..Default::default()
    };
    let row = row.insert(transaction.connection()).await?;
    tell(transaction, "create", row.id, None, Some(logged(&row)));
    Ok((row.id, secret))
}

/// Changes an endpoint.
///
/// # Errors
///
/// [`Error::Refused`] when there is none, or something about it can't be used.
pub async fn update(
    transaction: &mut Transaction<'_>,
    id: i64,
    patch: EndpointPatch,
) -> Result<()> {
    let EndpointPatch {
        url,
        description,
        event_types,
    } = patch;
    let stated = match &description {
        Patch::Set(text) => Some(text.as_str()),
        Patch::Keep | Patch::Clear => None,
    };
    let mut problems = check(transaction, url.as_deref(), stated);
    if let Patch::Set(types) = &event_types {
        problems.extend(check_types(Some(types)));
    }
    let Some(before) = lock(transaction, id).await? else {
        problems.push(Problem::not_found("id", NOUN));
        return Err(problems.into());
    };
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut after = before.clone();
    if let Some(url) = url {
        url.trim().clone_into(&mut after.url);
    }
    let trimmed = description.map(|text| text.trim().to_owned());
    trimmed.apply_to(&mut after.description);
    event_types
        .map(stored)
        .apply_to_option(&mut after.event_types);
    if after == before {
        return Ok(());
    }
    let row = ActiveModel {
        id: Set(id),
        url: Set(after.url.clone()),
        description: Set(after.description.clone()),
        event_types: Set(after.event_types.clone()),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    let (before, after) = (logged(&before), logged(&after));
    tell(transaction, "update", id, Some(before), Some(after));
    Ok(())
}

/// Deletes an endpoint with the history of its deliveries. What waits to be sent to it is not sent.
///
/// # Errors
///
/// [`Error::Refused`] when there is none.
pub async fn delete(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    // Whoever is writing an event for it is waited for.
    let found = Entity::find_by_id(id).lock_exclusive();
    let found = found.one(transaction.connection()).await?;
    let row = found.ok_or_else(|| Problem::not_found("id", NOUN))?;
    Entity::delete_by_id(id)
        .exec(transaction.connection())
        .await?;
    tell(transaction, "delete", id, Some(logged(&row)), None);
    Ok(())
}

/// Every endpoint, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub async fn endpoints(reader: &Reader) -> Result<Vec<Endpoint>> {
    read(reader, None).await
}

/// The endpoints that there are of these.
///
/// # Errors
///
/// Those of the database.
pub async fn find_endpoints(reader: &Reader, ids: &[i64]) -> Result<Vec<Endpoint>> {
    read(reader, Some(ids)).await
}

/// What a person is told that is not there.
pub(super) const NOUN: &str = "webhook endpoint";

/// The endpoint, which nobody else changes until the transaction ends. Events may be written for it
/// meanwhile.
pub(super) async fn lock(transaction: &Transaction<'_>, id: i64) -> Result<Option<Model>> {
    let found = Entity::find_by_id(id).lock(LockType::NoKeyUpdate);
    Ok(found.one(transaction.connection()).await?)
}

/// The same of one that the field of an input names.
pub(super) async fn lock_named(
    transaction: &Transaction<'_>,
    id: i64,
    field: &str,
) -> Result<Model> {
    let found = lock(transaction, id).await?;
    found.ok_or_else(|| Problem::not_found(field, NOUN).into())
}

async fn read(reader: &Reader, ids: Option<&[i64]>) -> Result<Vec<Endpoint>> {
    let mut select = Entity::find().order_by_asc(Column::Id);
    if let Some(ids) = ids {
        select = select.filter(Column::Id.is_in(ids.iter().copied()));
    }
    let rows = reader.rows(&select.into_query()).await?;
    let rows = rows.iter().map(|row| {
        let row = Model::from_query_result(row, "")?;
        Ok::<_, Error>(Endpoint {
            id: row.id,
            url: row.url,
            description: row.description,
            event_types: row.event_types.map(read_types).transpose()?,
            enabled: row.enabled,
            disabled_at: row.disabled_at,
            disabled_reason: row.disabled_reason,
            failing_since: row.failing_since,
            old_secret_until: row.previous_secret_until,
            created_at: row.created_at,
        })
    });
    rows.collect()
}

fn stored(mut types: Vec<EventType>) -> Value {
    types.sort_unstable();
    types.dedup();
    types.into_iter().map(EventType::as_str).collect()
}

fn read_types(words: Value) -> Result<Vec<EventType>> {
    let words: Vec<String> = serde_json::from_value(words)?;
    let types = words.iter().map(|word| {
        let unknown = || Error::Internal(format!("`{word}` is no type of event"));
        EventType::from_word(word).ok_or_else(unknown)
    });
    types.collect()
}

fn check(
    transaction: &Transaction<'_>,
    url: Option<&str>,
    description: Option<&str>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(url) = url.map(str::trim) {
        if url.len() > URL_LENGTH {
            let message = format!("is longer than {URL_LENGTH} bytes; shorten it");
            problems.push(Problem::invalid("url", message));
        } else if url.contains(|one: char| one.is_control() || one.is_whitespace()) {
            // Those who read URLs drop some of these without a word, and it would not be kept as it
            // is used.
            let message = "holds white space or control characters; remove them, or write them in \
                           the form %20";
            problems.push(Problem::invalid("url", message));
        } else if let Err(reason) = transaction.destinations().read_url(url) {
            problems.push(Problem::invalid("url", reason));
        }
    }
    problems.extend(description.and_then(|text| check_text("description", text)));
    problems
}

pub(super) fn check_text(field: &str, text: &str) -> Option<Problem> {
    let text = text.trim();
    if text.chars().count() > DESCRIPTION_LENGTH {
        let message = format!("is longer than {DESCRIPTION_LENGTH} characters; shorten it");
        Some(Problem::invalid(field, message))
    } else if text.chars().any(char::is_control) {
        let message = "holds line breaks or other control characters; remove them";
        Some(Problem::invalid(field, message))
    } else {
        None
    }
}

fn check_types(types: Option<&[EventType]>) -> Option<Problem> {
    let types = types?;
    let message = if types.is_empty() {
        "is empty; name at least one, or leave it out to be told of everything"
    } else if types.contains(&EventType::WebhookTest) {
        "a test is sent to the endpoint that is tested, whatever it wants; leave it out"
    } else {
        return None;
    };
    Some(Problem::invalid("eventTypes", message))
}

/// What the log keeps of an endpoint: what comes after the path of its URL may be a secret.
fn logged(row: &Model) -> Value {
    let url = row.url.split(['?', '#']).next();
    json!({
        "url": url,
        "description": row.description,
        "eventTypes": row.event_types,
    })
}

/// Writes the line of the log.
pub(super) fn tell(
    transaction: &mut Transaction<'_>,
    action: &'static str,
    subject_id: i64,
    before: Option<Value>,
    after: Option<Value>,
) {
    transaction.record(AuditEvent {
        action,
        subject: "webhook_endpoint",
        subject_id,
        before,
        after,
    });
}
