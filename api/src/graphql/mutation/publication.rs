//! What is live: publishing, now or at a time to come, and taking it back.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::answer::post_payload;
use super::change;
use super::post::{PostIdInput, on_post};
use crate::domain::permission::Action;
use crate::domain::perspective::Perspective;
use crate::domain::post;
use crate::graphql::node_id::NodeType::{Post, Revision};
use crate::graphql::types::payload::PostPayload;
use crate::graphql::types::time::check_time;

/// What is live.
#[derive(Default)]
pub struct PublicationMutation;

/// Which revision of a post goes live.
#[derive(Clone, Debug, InputObject)]
pub struct PublishPostInput {
    /// The post.
    pub id: ID,
    /// The revision. Name it, so that what goes live is what was looked at.
    pub revision: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// When a revision goes live, or a post out of sight.
#[derive(Clone, Debug, InputObject)]
pub struct SchedulePostInput {
    /// The post.
    pub id: ID,
    /// The revision that goes live; the newest one, as it is now, when absent.
    pub revision: Option<ID>,
    /// When it goes live; the post stays as it is until `unpublishAt` when absent.
    #[graphql(validator(custom = "check_time"))]
    pub at: Option<DateTime<Utc>>,
    /// When the post goes out of the public's sight.
    #[graphql(validator(custom = "check_time"))]
    pub unpublish_at: Option<DateTime<Utc>>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl PublicationMutation {
    /// Makes a revision what the public sees. The one before it becomes history; a slug that changed
    /// leaves a redirect. What was planned for the same post is done with by this.
    async fn publish_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which revision of which post.")] input: PublishPostInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let published = change(context, Action::PublishPost, key, async |change| {
            let post_id = Post.key(&input.id)?;
            post::publish(change, post_id, Revision.key(&input.revision)?).await?;
            Ok(post_id)
        })
        .await?;
        post_payload(context, published, Perspective::Draft).await
    }

    /// Takes a post out of the public's sight. Its revisions stay.
    async fn unpublish_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::UnpublishPost,
            &input,
            Perspective::Draft,
            post::unpublish,
        )
        .await
    }

    /// Plans that a revision goes live, that the post goes out of sight, or both. Takes the place of
    /// what was planned for the post before. Later revisions do not change the plan.
    async fn schedule_post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which revision, and when.")] input: SchedulePostInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let scheduled = change(context, Action::SchedulePost, key, async |change| {
            let post_id = Post.key(&input.id)?;
            let revision = input.revision.as_ref().map(|id| Revision.key(id));
            let revision = revision.transpose()?;
            post::schedule(change, post_id, revision, input.at, input.unpublish_at).await?;
            Ok(post_id)
        })
        .await?;
        post_payload(context, scheduled, Perspective::Draft).await
    }

    /// Calls off what is planned for a post.
    async fn cancel_schedule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: PostIdInput,
    ) -> Result<PostPayload> {
        on_post(
            context,
            Action::SchedulePost,
            &input,
            Perspective::Draft,
            post::cancel_schedule,
        )
        .await
    }
}
