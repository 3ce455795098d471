//! The audit log: every change, who made it, and what it was before and after.

use sea_orm::{ActiveValue::Set, DatabaseTransaction, EntityTrait};
use serde_json::Value;

use super::actor::Caller;
use super::error::Result;

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
