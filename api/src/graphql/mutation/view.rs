//! Views of posts.

use async_graphql::{Context, ID, Object, OneofObject, Result};

use crate::domain::view::{ViewedPost, Views, Visitor};
use crate::graphql::context::request;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::RecordViewPayload;

/// Views of posts.
#[derive(Default)]
pub struct ViewMutation;

/// What somebody looked at: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum RecordViewInput {
    /// The id of the post.
    Id(ID),
    /// The slug of the post.
    Slug(String),
}

#[Object]
impl ViewMutation {
    /// Says that somebody looked at a post. Call it once a page view, from the browser or from the
    /// site's server, without a credential and without waiting for it. Each visitor counts once for
    /// each post and day (UTC), and who they are is not kept; the post's `viewCount` has them
    /// within about a minute. `docs/views.md` says what a server that forwards it must send.
    async fn record_view(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which post.")] input: RecordViewInput,
    ) -> Result<RecordViewPayload> {
        let post = match input {
            RecordViewInput::Id(id) => {
                ViewedPost::Id(NodeType::Post.key(&id).or_graphql_error(context)?)
            }
            RecordViewInput::Slug(slug) => ViewedPost::Slug(slug),
        };
        let request = request(context);
        let agent = request.client.user_agent.as_deref();
        let visitor = Visitor::new(request.caller.address, agent);
        let views = context.data_unchecked::<Views>();
        Ok(RecordViewPayload {
            accepted: views.record(request.caller.actor, post, visitor),
            user_errors: Vec::new(),
        })
    }
}
