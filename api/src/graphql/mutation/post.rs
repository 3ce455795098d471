//! Changing posts.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::{Outcome, change};
use crate::domain::permission::Action;
use crate::domain::post::{self, NumberField, PostFilter, SavedPost, Test};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::PostPayload;
use crate::graphql::types::post::{Post, selection_below};

/// Changing posts.
#[derive(Default)]
pub struct PostMutation;

/// Which revision of a post goes live.
#[derive(Clone, Debug, InputObject)]
pub struct PublishPostInput {
    /// The post.
    pub id: ID,
    /// The revision; the newest one when absent.
    pub revision: Option<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl PostMutation {
    /// Makes a revision what the public sees. The one before it becomes history; a slug that changed
    /// leaves a redirect.
    async fn publish_post(
        &self,
        context: &Context<'_>,
        input: PublishPostInput,
    ) -> Result<PostPayload> {
        let key = input.idempotency_key.as_deref();
        let outcome = change(context, Action::PublishPost, key, async |transaction| {
            let post_id = NodeType::Post.key(&input.id)?;
            let revision_id = match &input.revision {
                Some(id) => NodeType::Revision.key(id)?,
                None => post_id,
            };
            post::publish(transaction, post_id, revision_id).await?;
            Ok(SavedPost {
                post_id,
                revision_id,
            })
        });
        payload(context, outcome.await?).await
    }
}

/// The post of an outcome as it is now, with what the query wants of it.
async fn payload(context: &Context<'_>, outcome: Outcome<SavedPost>) -> Result<PostPayload> {
    let saved = match outcome {
        Ok(saved) => saved,
        Err(user_errors) => {
            return Ok(PostPayload {
                post: None,
                user_errors,
            });
        }
    };
    let filter = PostFilter::Number(NumberField::Id, Test::Equal(saved.post_id));
    let selection = selection_below(context.look_ahead(), "post");
    let found = post::find_one(reader(context), filter, selection).await;
    Ok(PostPayload {
        post: found.or_graphql_error(context)?.map(Into::into),
        user_errors: Vec::new(),
    })
}

/// The same for a change that has no revision to tell of.
pub(super) async fn payload_of(
    context: &Context<'_>,
    outcome: Outcome<i64>,
) -> Result<PostPayload> {
    Ok(match outcome {
        Ok(post_id) => PostPayload {
            post: find_post(context, post_id).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => PostPayload {
            post: None,
            user_errors,
        },
    })
}

/// The field `post` of a payload.
pub(super) async fn find_post(context: &Context<'_>, post_id: i64) -> Result<Option<Post>> {
    let filter = PostFilter::Number(NumberField::Id, Test::Equal(post_id));
    let selection = selection_below(context.look_ahead(), "post");
    let found = post::find_one(reader(context), filter, selection).await;
    Ok(found.or_graphql_error(context)?.map(Post::from))
}
