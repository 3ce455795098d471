//! What changes of webhooks answer.

use async_graphql::{ID, SimpleObject};

use super::user_error::UserError;
use super::webhook::{WebhookDelivery, WebhookEndpoint};

/// The endpoint that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct WebhookEndpointPayload {
    /// The endpoint as it is now; null when nothing was changed.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The endpoint that has a new secret, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct WebhookSecretPayload {
    /// The endpoint as it is now; null when nothing was changed.
    pub webhook_endpoint: Option<WebhookEndpoint>,
    /// The secret, `whsec_…`, for the receiver to verify messages by. It can't be read again.
    pub secret: Option<String>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The endpoint that was deleted, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct DeleteWebhookEndpointPayload {
    /// The id that it had; null when nothing was deleted.
    pub deleted_id: Option<ID>,
    /// What has to be put right; empty when it was deleted.
    pub user_errors: Vec<UserError>,
}

/// The delivery that was asked for, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct WebhookDeliveryPayload {
    /// The delivery, which waits for its first attempt; null when nothing was asked for.
    pub webhook_delivery: Option<WebhookDelivery>,
    /// What has to be put right; empty when it was asked for.
    pub user_errors: Vec<UserError>,
}

/// How many deliveries were asked for again, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct RedeliverWebhooksPayload {
    /// Deliveries that are sent again; null when none was asked for.
    pub count: Option<u64>,
    /// Whether there are more: 5,000 are sent again at once, the oldest first. Ask again when they are
    /// through.
    pub more: Option<bool>,
    /// What has to be put right; empty when they were asked for.
    pub user_errors: Vec<UserError>,
}
