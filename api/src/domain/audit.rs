//! The audit log: every change, who made it, and what it was before and after.

use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use serde_json::Value;

use super::error::Result;

/// One change.
#[derive(Clone, Debug, PartialEq)]
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
    actor: &str,
    request_id: Option<&str>,
    events: Vec<AuditEvent>,
) -> Result<()> {
    let rows = events
        .into_iter()
        .map(|event| entity::audit_event::ActiveModel {
            at: Set(at),
            actor: Set(actor.to_owned()),
            action: Set(event.action.to_owned()),
            subject: Set(event.subject.to_owned()),
            subject_id: Set(event.subject_id),
            request_id: Set(request_id.map(str::to_owned)),
            before: Set(event.before),
            after: Set(event.after),
            ..Default::default()
        });
    entity::audit_event::Entity::insert_many(rows)
        .exec_without_returning(connection)
        .await?;
    Ok(())
}
