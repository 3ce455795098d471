//! Preview links.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::TimeDelta;

use super::{change, outcome_of};
use crate::domain::error::Problem;
use crate::domain::permission::Action;
use crate::domain::preview;
use crate::graphql::context::{keys, request};
use crate::graphql::node_id::NodeType;
use crate::graphql::perspective;
use crate::graphql::types::preview::{PreviewLinkPayload, PreviewPayload};

/// Preview links.
#[derive(Default)]
pub struct PreviewMutation;

/// What a link shows, and for how long.
#[derive(InputObject)]
pub struct CreatePreviewLinkInput {
    /// The post it leads to.
    pub post: ID,
    /// What whoever has the link sees, as the header `X-Alphanode-Perspective` takes it. `draft`
    /// shows the newest revision of this post, and of the others what is published.
    #[graphql(default_with = "\"draft\".to_owned()")]
    pub perspective: String,
    /// For how many seconds, up to 30 days; a week when absent.
    #[graphql(default = 604_800)]
    pub expires_in_seconds: i32,
}

/// Which link is exchanged.
#[derive(InputObject)]
pub struct ExchangePreviewLinkInput {
    /// The token of the link.
    pub token: String,
}

#[Object]
impl PreviewMutation {
    /// Makes a link that shows a post as it is not published yet, to whoever has it. It is dead when
    /// whoever made it is disabled.
    async fn create_preview_link(
        &self,
        context: &Context<'_>,
        input: CreatePreviewLinkInput,
    ) -> Result<PreviewLinkPayload> {
        let keys = keys(context);
        let outcome = change(
            context,
            Action::CreatePreviewLink,
            None,
            async |transaction| {
                let post_id = NodeType::Post.key(&input.post)?;
                let perspective = perspective::parse(&input.perspective)
                    .map_err(|error| Problem::invalid("perspective", error.to_string()))?;
                let lifetime = TimeDelta::seconds(input.expires_in_seconds.into());
                preview::create_link(transaction, keys, post_id, perspective, lifetime).await
            },
        );
        Ok(match outcome.await? {
            Ok(link) => PreviewLinkPayload {
                token: Some(link.token),
                expires_at: Some(link.expires_at),
                user_errors: Vec::new(),
            },
            Err(user_errors) => PreviewLinkPayload {
                user_errors,
                ..PreviewLinkPayload::default()
            },
        })
    }

    /// Exchanges a preview link for a token that reads what the link shows. The site does this when
    /// it enters its draft mode.
    async fn exchange_preview_link(
        &self,
        context: &Context<'_>,
        input: ExchangePreviewLinkInput,
    ) -> Result<PreviewPayload> {
        let store = &request(context).store;
        let exchanged = preview::exchange(store, keys(context), &input.token).await;
        Ok(match outcome_of(context, exchanged)? {
            Ok(preview) => PreviewPayload {
                access_token: Some(preview.access_token),
                expires_at: Some(preview.expires_at),
                post_id: Some(NodeType::Post.id(preview.post_id)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => PreviewPayload {
                user_errors,
                ..PreviewPayload::default()
            },
        })
    }
}
