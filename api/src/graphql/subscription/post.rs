//! What happens to posts.

use async_graphql::futures_util::{Stream, StreamExt};
use async_graphql::{Context, ID, Result, SimpleObject, Subscription};

use super::events_of;
use crate::domain::permission::Action;
use crate::domain::post::{self, NumberField, PostFilter, Test};
use crate::graphql::context::{permit, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::post::{Post, selection_below};

/// What happens to posts.
#[derive(Default)]
pub struct PostSubscription;

/// Something that was done to a post.
#[derive(SimpleObject)]
pub struct PostChanged {
    /// The post's id, also when the post is gone.
    pub id: ID,
    /// The verb, as the audit log has it: `create`, `revise`, `publish`, `unpublish`, `schedule`,
    /// `trash`, `restore`, `delete`, `request_review`, `approve`, `reject`, `score`, …
    pub action: String,
    /// The post as it is now through the perspective of the connection; null when it is not in
    /// sight.
    pub post: Option<Post>,
}

#[Subscription]
impl PostSubscription {
    /// What is done to posts from now on through the process that is asked, for whoever may read drafts.
    /// What other nodes do is told by them, and by webhooks.
    async fn post_changed<'context>(
        &self,
        context: &'context Context<'context>,
        #[graphql(desc = "Only these posts; all of them when absent.")] ids: Option<Vec<ID>>,
    ) -> Result<impl Stream<Item = Result<PostChanged>> + 'context> {
        permit(context, Action::ReadDrafts)?;
        let ids = ids.map(|ids| ids.iter().map(|id| NodeType::Post.key(id)).collect());
        let ids: Option<Vec<i64>> = ids.transpose().or_graphql_error(context)?;
        let wanted = move |post_id| ids.as_ref().is_none_or(|ids| ids.contains(&post_id));
        let events = events_of(context, "post").filter(move |event| {
            let wanted = event
                .as_ref()
                .map_or(true, |event| wanted(event.subject_id));
            std::future::ready(wanted)
        });
        Ok(events.then(move |event| async move {
            let event = event.or_graphql_error(context)?;
            let filter = PostFilter::Number(NumberField::Id, Test::Equal(event.subject_id));
            let selection = selection_below(context.look_ahead(), "post");
            let found = post::find_one(reader(context), filter, selection).await;
            Ok(PostChanged {
                id: NodeType::Post.id(event.subject_id),
                action: event.action.to_owned(),
                post: found.or_graphql_error(context)?.map(Post::from),
            })
        }))
    }
}
