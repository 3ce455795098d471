//! Ticking off the steps of a checklist.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::answer::post_payload;
use super::change;
use crate::domain::permission::Action;
use crate::domain::perspective::Perspective;
use crate::domain::post;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::PostPayload;

/// Ticking off the steps of a checklist.
#[derive(Default)]
pub struct TickMutation;

/// A step of a checklist.
#[derive(Clone, Debug, InputObject)]
pub struct TickChecklistItemInput {
    /// The post.
    pub id: ID,
    /// The `id` of the item, in the checklist of the newest revision.
    pub item: String,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl TickMutation {
    /// Ticks a step off, under your name. A step that is ticked already keeps its tick. Ticks belong
    /// to the post, whatever its revisions.
    async fn tick_checklist_item(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which step of which post.")] input: TickChecklistItemInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let action = Action::TickChecklistItem;
        let outcome = change(context, action, key, async |transaction| {
            let post_id = NodeType::Post.key(&input.id)?;
            post::tick(transaction, post_id, &input.item).await?;
            Ok(post_id)
        });
        post_payload(context, outcome.await?, Perspective::Draft).await
    }

    /// Takes the tick of a step away.
    async fn untick_checklist_item(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which step of which post.")] input: TickChecklistItemInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let action = Action::TickChecklistItem;
        let outcome = change(context, action, key, async |transaction| {
            let post_id = NodeType::Post.key(&input.id)?;
            post::untick(transaction, post_id, &input.item).await?;
            Ok(post_id)
        });
        post_payload(context, outcome.await?, Perspective::Draft).await
    }
}
