//! Webhooks.

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::connection::connection;
use crate::domain::error;
use crate::domain::webhook::{self, DeliveryFilter};
use crate::graphql::context::loaders;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{WebhookAttemptsKey, WebhookBodyKey, WebhookEndpointKey};
use crate::graphql::node_id::NodeType;
use crate::graphql::types::time::check_time;

/// What happened. In a message it is the field `type`, in the words given here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::webhook::EventType")]
pub enum WebhookEventType {
    /// `post.published`: a post that was not in the public's sight is.
    PostPublished,
    /// `post.updated`: what the public sees of a post is something else: another revision is live,
    /// somebody scored it, or an import changed its dates or redirects.
    PostUpdated,
    /// `post.unpublished`: a post is out of the public's sight.
    PostUnpublished,
    /// `post.slug_changed`: a live post is at another path, and the old path leads there. Comes
    /// beside `post.updated`.
    PostSlugChanged,
    /// `post.trashed`: a post was put into the trash. One that was live is unpublished too.
    PostTrashed,
    /// `release.shipped`: all that a release holds went live. Each of its posts has an event of its
    /// own as well.
    ReleaseShipped,
    /// `release.rolled_back`: what was live before a release is live again. Each of its posts has an
    /// event of its own as well.
    ReleaseRolledBack,
    /// `taxonomy.changed`: a tool, a stack or an entity was created by hand, changed, merged or
    /// deleted.
    TaxonomyChanged,
    /// `job.dead`: a background job was given up.
    JobDead,
    /// `alarm.raised`: an operator should look at something. Told once, however many nodes notice.
    AlarmRaised,
    /// `alarm.cleared`: what an alarm was about has been well for five minutes.
    AlarmCleared,
    /// `webhook.test`: somebody pressed the test button of the endpoint.
    WebhookTest,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::webhook::DeliveryStatus")]
pub enum WebhookDeliveryStatus {
    /// It waits for its first attempt, or for the next.
    Pending,
    /// The endpoint answered with a status from 200 to 299.
    Delivered,
    /// Every attempt failed, over about a day. Nobody tries again unless it is asked for.
    Failed,
    /// The endpoint was switched off, or its job called off, before it was delivered.
    Cancelled,
}

/// Somebody who is told what happens here, by POST requests that are signed by the Standard Webhooks
/// specification. `docs/webhooks.md` says how to receive them.
pub struct WebhookEndpoint(pub webhook::Endpoint);

/// Somebody who is told what happens here, by POST requests that are signed by the Standard Webhooks
/// specification. `docs/webhooks.md` says how to receive them.
#[Object]
impl WebhookEndpoint {
    /// Unique among everything that has an id.
    async fn id(&self) -> ID {
        NodeType::WebhookEndpoint.id(self.0.id)
    }

    /// Where messages go.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// What it is for; empty when nobody said.
    async fn description(&self) -> &str {
        &self.0.description
    }

    /// What it is told of; null when that is everything, whatever there will be.
    async fn event_types(&self) -> Option<Vec<WebhookEventType>> {
        let types = self.0.event_types.as_ref()?;
        Some(types.iter().copied().map(Into::into).collect())
    }

    /// Whether it is told anything.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// When it was switched off; null while it is on.
    async fn disabled_at(&self) -> Option<DateTime<Utc>> {
        self.0.disabled_at
    }

    /// Why it was switched off: what a person said, that it answered 410, or that it failed for days.
    async fn disabled_reason(&self) -> Option<&str> {
        self.0.disabled_reason.as_deref()
    }

    /// Since when every attempt failed; null when the last one did not. After five days of it the
    /// endpoint is switched off.
    async fn failing_since(&self) -> Option<DateTime<Utc>> {
        self.0.failing_since
    }

    /// Until when messages are signed by the old secret too; null when the secret was never changed.
    async fn old_secret_until(&self) -> Option<DateTime<Utc>> {
        self.0.old_secret_until
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

impl From<webhook::Endpoint> for WebhookEndpoint {
    fn from(endpoint: webhook::Endpoint) -> Self {
        Self(endpoint)
    }
}

/// An event on its way to an endpoint, or there.
pub struct WebhookDelivery(pub webhook::Delivery);

/// An event on its way to an endpoint, or there.
#[Object]
impl WebhookDelivery {
    /// Unique among everything that has an id.
    async fn id(&self) -> ID {
        NodeType::WebhookDelivery.id(self.0.id)
    }

    /// The id of the message: the header `webhook-id`, the same with every attempt and when it is
    /// sent again.
    async fn message_id(&self) -> &str {
        &self.0.message_id
    }

    /// The sequence number of the event. Of the events of one post, a later one has a greater number.
    async fn sequence(&self) -> i64 {
        self.0.event_id
    }

    /// Where it goes.
    async fn endpoint(&self, context: &Context<'_>) -> Result<WebhookEndpoint> {
        let key = WebhookEndpointKey(self.0.endpoint_id);
        let found = loaders(context).load_one(key).await;
        let found = found.or_graphql_error(context)?;
        let gone = || error::Error::BadArgument("the endpoint was deleted just now".into());
        let endpoint = found.ok_or_else(gone).or_graphql_error(context)?;
        Ok(WebhookEndpoint(endpoint))
    }

    /// What happened.
    async fn event_type(&self) -> WebhookEventType {
        self.0.event_type.into()
    }

    /// The id of the post that it happened to; it may be gone by now. Null when it was not about one
    /// post.
    async fn post_id(&self) -> Option<ID> {
        self.0.post_id.map(|key| NodeType::Post.id(key))
    }

    /// Where it stands.
    async fn status(&self) -> WebhookDeliveryStatus {
        self.0.status.into()
    }

    /// When the next attempt is due; null when there is none.
    async fn next_attempt_at(&self) -> Option<DateTime<Utc>> {
        self.0.next_attempt_at
    }

    /// When it was delivered, given up or called off; null while it waits.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// When the event happened.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The body of the message.
    #[graphql(name = "payload")]
    async fn body(&self, context: &Context<'_>) -> Result<Json<Value>> {
        let key = WebhookBodyKey(self.0.event_id);
        let body = loaders(context).load_one(key).await;
        Ok(Json(body.or_graphql_error(context)?.unwrap_or_default()))
    }

    /// Every attempt at it, the oldest first.
    async fn attempts(&self, context: &Context<'_>) -> Result<Vec<WebhookAttempt>> {
        let key = WebhookAttemptsKey(self.0.id);
        let attempts = loaders(context).load_one(key).await;
        let attempts = attempts.or_graphql_error(context)?.unwrap_or_default();
        Ok(attempts.into_iter().map(WebhookAttempt::from).collect())
    }
}

impl From<webhook::Delivery> for WebhookDelivery {
    fn from(delivery: webhook::Delivery) -> Self {
        Self(delivery)
    }
}

connection!(
    WebhookDeliveryConnection,
    WebhookDeliveryEdge,
    WebhookDelivery,
    webhook::Delivery,
    DeliveryFilter,
    webhook::count,
    "A page of deliveries.",
    "A delivery and its place in the list."
);

/// An attempt that was made at a delivery.
#[derive(Clone, Debug, SimpleObject)]
pub struct WebhookAttempt {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds, from resolving the name of the host on.
    pub duration_ms: i64,
    /// The status that was answered; null when there was no answer.
    pub status_code: Option<i32>,
    /// The first 1,024 bytes of what was answered, as text; null when there was no answer.
    pub answer: Option<String>,
    /// Why it failed; null when it did not.
    pub error: Option<String>,
}

impl From<webhook::PastAttempt> for WebhookAttempt {
    fn from(attempt: webhook::PastAttempt) -> Self {
        Self {
            at: attempt.at,
            duration_ms: attempt.duration_ms,
            status_code: attempt.status_code,
            answer: attempt.answer,
            error: attempt.error,
        }
    }
}

/// Which deliveries are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "WebhookDeliveryFilter")]
pub struct WebhookDeliveryFilterInput {
    /// To this endpoint.
    pub endpoint: Option<ID>,
    /// Of events of these types.
    pub event_types: Option<Vec<WebhookEventType>>,
    /// That stand like this.
    pub statuses: Option<Vec<WebhookDeliveryStatus>>,
    /// Of events that happened to this post.
    pub post: Option<ID>,
    /// Of events that happened at this time or later.
    #[graphql(validator(custom = "check_time"))]
    pub since: Option<DateTime<Utc>>,
}

impl WebhookDeliveryFilterInput {
    /// The same in the words of the domain.
    ///
    /// # Errors
    ///
    /// A bad argument when an id is of something else.
    pub fn into_domain(self) -> error::Result<DeliveryFilter> {
        let endpoint = self.endpoint.map(|id| NodeType::WebhookEndpoint.key(&id));
        let post = self.post.map(|id| NodeType::Post.key(&id));
        let types = self.event_types;
        let statuses = self.statuses;
        Ok(DeliveryFilter {
            endpoint_id: endpoint.transpose()?,
            event_types: types.map(|types| types.into_iter().map(Into::into).collect()),
            statuses: statuses.map(|all| all.into_iter().map(Into::into).collect()),
            post_id: post.transpose()?,
            since: self.since,
        })
    }
}
