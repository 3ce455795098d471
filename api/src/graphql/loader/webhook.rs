//! Webhooks.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use serde_json::Value;

use super::{Loaders, Shared};
use crate::domain::error::Error;
use crate::domain::webhook::{self, Endpoint, PastAttempt};

/// An endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct WebhookEndpointKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<WebhookEndpointKey> for Loaders {
    type Value = Endpoint;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[WebhookEndpointKey],
    ) -> Shared<HashMap<WebhookEndpointKey, Endpoint>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let endpoints = webhook::find_endpoints(&self.reader, &ids).await?;
        let endpoints = endpoints.into_iter();
        Ok(endpoints
            .map(|endpoint| (WebhookEndpointKey(endpoint.id), endpoint))
            .collect())
    }
}

/// The body of the message that tells of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct WebhookBodyKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<WebhookBodyKey> for Loaders {
    type Value = Value;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[WebhookBodyKey]) -> Shared<HashMap<WebhookBodyKey, Value>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let bodies = webhook::bodies(&self.reader, &ids).await?;
        let bodies = bodies.into_iter();
        Ok(bodies
            .map(|(id, body)| (WebhookBodyKey(id), body))
            .collect())
    }
}

/// The attempts at a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct WebhookAttemptsKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<WebhookAttemptsKey> for Loaders {
    type Value = Vec<PastAttempt>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[WebhookAttemptsKey],
    ) -> Shared<HashMap<WebhookAttemptsKey, Vec<PastAttempt>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<WebhookAttemptsKey, Vec<PastAttempt>> = HashMap::new();
        for attempt in webhook::attempts(&self.reader, &ids).await? {
            let key = WebhookAttemptsKey(attempt.delivery_id);
            found.entry(key).or_default().push(attempt);
        }
        Ok(found)
    }
}
