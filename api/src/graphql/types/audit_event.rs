//! The audit log.

use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::connection::connection;
use super::user::User;
use crate::domain::audit;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::time::check_time;

/// A line of the audit log: who did what, when and from where.
pub struct AuditEvent(pub audit::Recorded);

/// A line of the audit log: who did what, when and from where.
#[Object]
impl AuditEvent {
    /// Unique among everything that has an id.
    async fn id(&self) -> ID {
        NodeType::AuditEvent.id(self.0.id)
    }

    /// When it was done.
    async fn at(&self) -> DateTime<Utc> {
        self.0.at
    }

    /// Who did it, in words, e.g. `user 7`, `token 3 of user 7`, `command line`, `anonymous`.
    async fn actor(&self) -> &str {
        &self.0.actor
    }

    /// The user who did it, or for whom a script did. Null when it was nobody who is signed in.
    async fn user(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.user_id).await
    }

    /// The id of the API token that a script did it with.
    async fn api_token(&self) -> Option<ID> {
        self.0.api_token_id.map(|id| NodeType::ApiToken.id(id))
    }

    /// What was done: a verb, e.g. `publish`.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// What it was done to: a noun, e.g. `post`.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The id of what it was done to. It may be gone by now. Null when it was nothing that has an
    /// id, such as an account that does not exist.
    async fn subject_id(&self) -> Option<ID> {
        let node = NodeType::from_noun(&self.0.subject)?;
        (self.0.subject_id > 0).then(|| node.id(self.0.subject_id))
    }

    /// The id of the request: its `X-Request-Id`.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The address that the request came from.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// What mattered about the subject before. Its keys are those of the database.
    async fn before(&self) -> Option<Json<Value>> {
        self.0.before.clone().map(Json)
    }

    /// What matters about the subject after.
    async fn after(&self) -> Option<Json<Value>> {
        self.0.after.clone().map(Json)
    }
}

impl From<audit::Recorded> for AuditEvent {
    fn from(event: audit::Recorded) -> Self {
        Self(event)
    }
}

connection!(
    AuditEventConnection,
    AuditEventEdge,
    AuditEvent,
    audit::Recorded,
    audit::AuditFilter,
    audit::count,
    "A page of the audit log.",
    "A line of the audit log and its place."
);

/// Which lines of the audit log are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "AuditEventFilter")]
pub struct AuditEventFilterInput {
    /// Done by this user, or for them by a script.
    pub user: Option<ID>,
    /// With one of these verbs, e.g. `["publish"]`.
    pub actions: Option<Vec<String>>,
    /// Done to this: the id of a post, a user, a release, …
    pub subject: Option<ID>,
    /// In this request: an `X-Request-Id`.
    pub request_id: Option<String>,
    /// At this time or later.
    #[graphql(validator(custom = "check_time"))]
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    #[graphql(validator(custom = "check_time"))]
    pub until: Option<DateTime<Utc>>,
}
