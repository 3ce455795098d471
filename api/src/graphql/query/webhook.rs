//! Webhooks.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::error::Error;
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::domain::webhook;
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::webhook::{
    WebhookDelivery, WebhookDeliveryConnection, WebhookDeliveryFilterInput, WebhookEndpoint,
};

/// Webhooks.
#[derive(Default)]
pub struct WebhookQuery;

#[Object]
impl WebhookQuery {
    /// The endpoints that are told what happens here, the oldest first; there are 50 at most. For
    /// admins.
    async fn webhook_endpoints(&self, context: &Context<'_>) -> Result<Vec<WebhookEndpoint>> {
        permit(context, Action::ReadWebhooks)?;
        let endpoints = webhook::endpoints(reader(context)).await;
        let endpoints = endpoints.or_graphql_error(context)?.into_iter();
        Ok(endpoints.map(WebhookEndpoint).collect())
    }

    /// One endpoint, or null when there is no such endpoint. For admins.
    async fn webhook_endpoint(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<WebhookEndpoint>> {
        permit(context, Action::ReadWebhooks)?;
        let key = NodeType::WebhookEndpoint.key(&id);
        let key = key.or_graphql_error(context)?;
        let found = webhook::find_endpoints(reader(context), &[key]).await;
        Ok(found.or_graphql_error(context)?.pop().map(WebhookEndpoint))
    }

    /// One delivery, or null when there is no such delivery. For admins.
    async fn webhook_delivery(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<WebhookDelivery>> {
        permit(context, Action::ReadWebhooks)?;
        let key = NodeType::WebhookDelivery.key(&id);
        let key = key.or_graphql_error(context)?;
        let found = webhook::find(reader(context), &[key]).await;
        Ok(found.or_graphql_error(context)?.pop().map(WebhookDelivery))
    }

    /// What endpoints were told of, or are to be, the newest first; kept for 30 days. For admins.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn webhook_deliveries(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which deliveries; all of them when absent.")] filter: Option<
            WebhookDeliveryFilterInput,
        >,
        #[graphql(desc = "The first so many, 20 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<WebhookDeliveryConnection> {
        permit(context, Action::ReadWebhooks)?;
        let page = async {
            let filter = filter.unwrap_or_default().into_domain()?;
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = webhook::list(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(WebhookDeliveryConnection::new(page, filter))
    }
}
