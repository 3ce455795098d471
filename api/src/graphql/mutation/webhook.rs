//! Webhooks.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use chrono::{DateTime, Utc};

use super::{Outcome, change};
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::domain::webhook::{
    self, DeliveryFilter, EndpointPatch, EventType, NewEndpoint, Redelivered,
};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::time::check_time;
use crate::graphql::types::webhook::{WebhookDelivery, WebhookEndpoint, WebhookEventType};
use crate::graphql::types::webhook_payload::{
    DeleteWebhookEndpointPayload, RedeliverWebhooksPayload, WebhookDeliveryPayload,
    WebhookEndpointPayload, WebhookSecretPayload,
};

/// Webhooks.
#[derive(Default)]
pub struct WebhookMutation;

/// An endpoint to be.
#[derive(InputObject)]
pub struct CreateWebhookEndpointInput {
    /// Where messages go: an absolute URL that begins with `https://` and leads to a public address.
    /// Others are for the operator to allow.
    pub url: String,
    /// What it is for, in up to 200 characters.
    #[graphql(default)]
    pub description: String,
    /// What it is told of; everything, whatever there will be, when absent.
    pub event_types: Option<Vec<WebhookEventType>>,
}

/// What changes about an endpoint.
#[derive(InputObject)]
pub struct UpdateWebhookEndpointInput {
    /// The endpoint.
    pub id: ID,
    /// Where messages go. What waits to be delivered goes there too.
    pub url: Option<String>,
    /// What it is for.
    pub description: MaybeUndefined<String>,
    /// What it is told of from now on; everything when null.
    pub event_types: MaybeUndefined<Vec<WebhookEventType>>,
}

/// An endpoint.
#[derive(InputObject)]
pub struct WebhookEndpointIdInput {
    /// The endpoint.
    pub id: ID,
}

/// Which endpoint is switched off.
#[derive(InputObject)]
pub struct DisableWebhookEndpointInput {
    /// The endpoint.
    pub id: ID,
    /// Why, for whoever wonders later.
    pub reason: Option<String>,
}

/// A delivery.
#[derive(InputObject)]
pub struct RedeliverWebhookInput {
    /// The delivery.
    pub id: ID,
}

/// Which deliveries are sent again.
#[derive(InputObject)]
pub struct RedeliverWebhooksInput {
    /// The endpoint that they go to.
    pub endpoint: ID,
    /// Of events that happened at this time or later.
    #[graphql(validator(custom = "check_time"))]
    pub since: DateTime<Utc>,
    /// Send again what the endpoint has already, too: after it lost something, for example.
    #[graphql(default)]
    pub include_delivered: bool,
}

#[Object]
impl WebhookMutation {
    /// Makes an endpoint, switched on. Its secret is shown this once. For admins.
    async fn create_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint to make.")] input: CreateWebhookEndpointInput,
    ) -> Result<WebhookSecretPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let new = NewEndpoint {
                url: input.url,
                description: input.description,
                event_types: input.event_types.map(into_domain),
            };
            let (id, secret) = webhook::create(transaction, new).await?;
            Ok((id, secret.reveal().to_owned()))
        });
        secret(context, outcome.await?).await
    }

    /// Changes where an endpoint is, what it is for, or what it is told of. For admins.
    async fn update_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What to change about which endpoint.")] input: UpdateWebhookEndpointInput,
    ) -> Result<WebhookEndpointPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            let patch = EndpointPatch {
                url: input.url,
                description: input.description.into(),
                event_types: input.event_types.map_value(into_domain).into(),
            };
            webhook::update(transaction, id, patch).await?;
            Ok(id)
        });
        endpoint(context, outcome.await?).await
    }

    /// Deletes an endpoint and the history of its deliveries. What waits to be sent to it is not sent.
    /// For admins.
    async fn delete_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint to delete.")] input: WebhookEndpointIdInput,
    ) -> Result<DeleteWebhookEndpointPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            webhook::delete(transaction, id).await?;
            Ok(id)
        });
        Ok(match outcome.await? {
            Ok(id) => DeleteWebhookEndpointPayload {
                deleted_id: Some(NodeType::WebhookEndpoint.id(id)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => DeleteWebhookEndpointPayload {
                user_errors,
                ..DeleteWebhookEndpointPayload::default()
            },
        })
    }

    /// Switches an endpoint on. What happened while it was off is not made up for; what was called off
    /// then can be sent by `redeliverWebhooks`. For admins.
    async fn enable_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint to switch on.")] input: WebhookEndpointIdInput,
    ) -> Result<WebhookEndpointPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            webhook::enable(transaction, id).await?;
            Ok(id)
        });
        endpoint(context, outcome.await?).await
    }

    /// Switches an endpoint off. What waits to be sent to it is called off. For admins.
    async fn disable_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint to switch off.")] input: DisableWebhookEndpointInput,
    ) -> Result<WebhookEndpointPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            webhook::disable(transaction, id, input.reason).await?;
            Ok(id)
        });
        endpoint(context, outcome.await?).await
    }

    /// Gives an endpoint another secret, which is shown this once. For 24 hours messages are signed by
    /// the old one as well, so that the receiver can learn the new one meanwhile. For admins.
    async fn rotate_webhook_secret(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint that gets another secret.")] input: WebhookEndpointIdInput,
    ) -> Result<WebhookSecretPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            let secret = webhook::rotate_secret(transaction, id).await?;
            Ok((id, secret.reveal().to_owned()))
        });
        secret(context, outcome.await?).await
    }

    /// Sends the message of a delivery again, with the same `webhook-id`; one that waits for its next
    /// attempt waits no longer. For admins.
    async fn redeliver_webhook(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The delivery to send again.")] input: RedeliverWebhookInput,
    ) -> Result<WebhookDeliveryPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookDelivery.key(&input.id)?;
            webhook::redeliver(transaction, id).await?;
            Ok(id)
        });
        match outcome.await? {
            Ok(id) => {
                let found = webhook::find(reader(context), &[id]).await;
                Ok(delivery(found.or_graphql_error(context)?.pop()))
            }
            Err(user_errors) => Ok(WebhookDeliveryPayload {
                user_errors,
                ..WebhookDeliveryPayload::default()
            }),
        }
    }

    /// Sends again what an endpoint was to be told of since a time and did not get, the oldest first.
    /// For admins.
    async fn redeliver_webhooks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deliveries to send again.")] input: RedeliverWebhooksInput,
    ) -> Result<RedeliverWebhooksPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.endpoint)?;
            webhook::redeliver_since(transaction, id, input.since, input.include_delivered).await
        });
        Ok(match outcome.await? {
            Ok(Redelivered { count, more }) => RedeliverWebhooksPayload {
                count: Some(count),
                more: Some(more),
                user_errors: Vec::new(),
            },
            Err(user_errors) => RedeliverWebhooksPayload {
                user_errors,
                ..RedeliverWebhooksPayload::default()
            },
        })
    }

    /// Sends a message of the type `webhook.test` to an endpoint, whatever it is told of otherwise.
    /// Ask the delivery for its `status` and `attempts` a moment later. For admins.
    async fn test_webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The endpoint to test.")] input: WebhookEndpointIdInput,
    ) -> Result<WebhookDeliveryPayload> {
        let outcome = change(context, Action::ManageWebhooks, None, async |transaction| {
            let id = NodeType::WebhookEndpoint.key(&input.id)?;
            webhook::send_test(transaction, id).await?;
            Ok(id)
        });
        let id = match outcome.await? {
            Ok(id) => id,
            Err(user_errors) => {
                return Ok(WebhookDeliveryPayload {
                    user_errors,
                    ..WebhookDeliveryPayload::default()
                });
            }
        };
        let filter = DeliveryFilter {
            endpoint_id: Some(id),
            event_types: Some(vec![EventType::WebhookTest]),
            ..DeliveryFilter::default()
        };
        let newest = webhook::list(reader(context), &filter, &PageRequest::first(1)).await;
        let newest = newest.or_graphql_error(context)?.rows.pop();
        Ok(delivery(newest.map(|(_, delivery)| delivery)))
    }
}

fn into_domain(types: Vec<WebhookEventType>) -> Vec<EventType> {
    types.into_iter().map(Into::into).collect()
}

fn delivery(found: Option<webhook::Delivery>) -> WebhookDeliveryPayload {
    WebhookDeliveryPayload {
        webhook_delivery: found.map(WebhookDelivery),
        user_errors: Vec::new(),
    }
}

async fn find(context: &Context<'_>, id: i64) -> Result<Option<WebhookEndpoint>> {
    let found = webhook::find_endpoints(reader(context), &[id]).await;
    Ok(found.or_graphql_error(context)?.pop().map(WebhookEndpoint))
}

async fn endpoint(context: &Context<'_>, outcome: Outcome<i64>) -> Result<WebhookEndpointPayload> {
    match outcome {
        Ok(id) => Ok(WebhookEndpointPayload {
            webhook_endpoint: find(context, id).await?,
            user_errors: Vec::new(),
        }),
        Err(user_errors) => Ok(WebhookEndpointPayload {
            user_errors,
            ..WebhookEndpointPayload::default()
        }),
    }
}

async fn secret(
    context: &Context<'_>,
    outcome: Outcome<(i64, String)>,
) -> Result<WebhookSecretPayload> {
    match outcome {
        Ok((id, secret)) => Ok(WebhookSecretPayload {
            webhook_endpoint: find(context, id).await?,
            secret: Some(secret),
            user_errors: Vec::new(),
        }),
        Err(user_errors) => Ok(WebhookSecretPayload {
            user_errors,
            ..WebhookSecretPayload::default()
        }),
    }
}
