//! The audit log: every change, who made it, and what it was before and after.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait, QueryResult};
use serde_json::Value;

use super::actor::Caller;
use super::error::Result;
use super::newest::{self, Dated, newest_first};
use super::page::{Page, PageRequest};
use super::perspective::Reader;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The verb, e.g. `publish`.
    pub action: &'static str,
    /// The noun it was done to, e.g. `post`.
    pub subject: &'static str,
    /// Which one.
    pub subject_id: i64,
    /// What mattered about it before.
    pub before: Option<Value>,
    /// What matters about it after.
    pub after: Option<Value>,
}

/// Writes the events of a change into the transaction of that change.
pub(super) async fn record(
    connection: &DatabaseTransaction,
    at: chrono::DateTime<chrono::Utc>,
    caller: &Caller,
    events: &[AuditEvent],
) -> Result<()> {
    let rows = events.iter().map(|event| entity::audit_event::ActiveModel {
        at: Set(at),
        actor: Set(caller.actor.to_string()),
        action: Set(event.action.to_owned()),
        subject: Set(event.subject.to_owned()),
        subject_id: Set(event.subject_id),
        request_id: Set(caller.request_id.clone()),
        user_id: Set(caller.actor.user_id()),
        api_token_id: Set(caller.actor.api_token_id()),
        address: Set(caller.address.map(|address| address.to_string())),
        before: Set(event.before.clone()),
        after: Set(event.after.clone()),
        ..Default::default()
    });
    entity::audit_event::Entity::insert_many(rows)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The key.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, in words.
    pub actor: String,
    /// The user who did it, or for whom a script did.
    pub user_id: Option<i64>,
    /// The token that a script did it with.
    pub api_token_id: Option<i64>,
    /// The verb.
    pub action: String,
    /// The noun it was done to.
    pub subject: String,
    /// Which one; 0 when there is none.
    pub subject_id: i64,
    /// The request.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub address: Option<String>,
    /// What mattered about it before.
    pub before: Option<Value>,
    /// What mattered about it after.
    pub after: Option<Value>,
}

/// Which lines of the log are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Done by this user, or for them.
    pub user_id: Option<i64>,
    /// These verbs.
    pub actions: Option<Vec<String>>,
    /// Done to this: a noun and a key.
    pub subject: Option<(String, i64)>,
    /// In this request.
    pub request_id: Option<String>,
    /// At this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

/// A page of the log, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    filter: &AuditFilter,
    request: &PageRequest,
) -> Result<Page<Recorded>> {
    newest_first(reader, select(filter), request).await
}

/// How many lines a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &AuditFilter) -> Result<i64> {
    newest::count(reader, select(filter)).await
}

fn select(filter: &AuditFilter) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            "id",
            "at",
            "actor",
            "user_id",
            "api_token_id",
            "action",
            "subject",
            "subject_id",
            "request_id",
            "address",
            "before",
            "after",
        ])
        .from("audit_event");
    let AuditFilter {
        user_id,
        actions,
        subject,
        request_id,
        from,
        until,
    } = filter;
    if let Some(user_id) = user_id {
        select.and_where(Expr::col("user_id").eq(*user_id));
    }
    match actions.as_deref() {
        None => {}
        // One is a range of an index; several are looked for along the log.
        Some([action]) => {
            select.and_where(Expr::col("action").eq(action));
        }
        Some(actions) => {
            select.and_where(Expr::col("action").is_in(actions));
        }
    }
    if let Some((noun, key)) = subject {
        select
            .and_where(Expr::col("subject").eq(noun))
            .and_where(Expr::col("subject_id").eq(*key));
    }
    if let Some(request_id) = request_id {
        select.and_where(Expr::col("request_id").eq(request_id));
    }
    if let Some(from) = from {
        select.and_where(Expr::col("at").gte(*from));
    }
    if let Some(until) = until {
        select.and_where(Expr::col("at").lt(*until));
    }
    select
}

impl Dated for Recorded {
    const TIME: &'static str = "at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            at: row.try_get_by_index(1)?,
            actor: row.try_get_by_index(2)?,
            user_id: row.try_get_by_index(3)?,
            api_token_id: row.try_get_by_index(4)?,
            action: row.try_get_by_index(5)?,
            subject: row.try_get_by_index(6)?,
            subject_id: row.try_get_by_index(7)?,
            request_id: row.try_get_by_index(8)?,
            address: row.try_get_by_index(9)?,
            before: row.try_get_by_index(10)?,
            after: row.try_get_by_index(11)?,
        })
    }
}
