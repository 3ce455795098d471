//! Posts.

use async_graphql::{Context, ID, Object, OneofObject, Result};

use crate::domain::page::PageRequest;
use crate::domain::post::{self, NumberField, PostFilter, PostList, PostOrder, Test, TextField};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::post::{Post, PostConnection, selection_of};
use crate::graphql::types::post_at_hand::PostAtHand;
use crate::graphql::types::post_filter::{PostFilterInput, PostOrderInput};

/// Posts.
#[derive(Default)]
pub struct PostQuery;

/// What a post is found by: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum PostBy {
    /// Its id.
    Id(ID),
    /// Its slug.
    Slug(String),
    /// Its identity where it was imported from.
    SourceId(String),
    /// Its reference.
    Reference(String),
}

impl PostBy {
    fn filter(self) -> crate::domain::error::Result<PostFilter> {
        let text = |field, value| PostFilter::Text(field, Test::Equal(value));
        Ok(match self {
            Self::Id(id) => {
                PostFilter::Number(NumberField::Id, Test::Equal(NodeType::Post.key(&id)?))
            }
            Self::Slug(slug) => text(TextField::Slug, slug),
            Self::SourceId(source_id) => text(TextField::SourceId, source_id),
            Self::Reference(reference) => text(TextField::Reference, reference),
        })
    }
}

#[Object]
impl PostQuery {
    /// One post, or null when there is none in sight. A slug that changed is answered by `redirect`.
    async fn post(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is found by.")] by: PostBy,
    ) -> Result<Option<PostAtHand>> {
        let filter = by.filter().or_graphql_error(context)?;
        let selection = selection_of(context.look_ahead());
        let found = post::find_one(reader(context), filter, selection).await;
        let found = found.or_graphql_error(context)?;
        Ok(found.map(Post::from).map(PostAtHand))
    }

    /// Posts, the newest first unless told otherwise. `docs/queries.md` lists the combinations of
    /// filter and order that stay quick however many posts there are.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn posts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which posts; every post when absent.")] filter: Option<
            Box<PostFilterInput>,
        >,
        #[graphql(desc = "In which order; the newest first when absent.")] order_by: Option<
            PostOrderInput,
        >,
        #[graphql(desc = "How many, from the start or after `after`: 20 when absent, up to 100.")]
        first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`, up to 100.")] last: Option<
            i32,
        >,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Pass over this many, up to 10,000. Prefer cursors: they stay quick.")]
        offset: Option<i32>,
    ) -> Result<PostConnection> {
        let filter = filter.unwrap_or_default().into_domain();
        let request = PageRequest::new(first, after, last, before, offset);
        let request = request.or_graphql_error(context)?;
        let list = PostList {
            filter: filter.or_graphql_error(context)?,
            order: order_by.map_or_else(PostOrder::default, Into::into),
        };
        let selection = PostConnection::selection(context);
        let page = post::list(reader(context), &list, &request, selection).await;
        Ok(PostConnection::of_list(
            page.or_graphql_error(context)?,
            list,
        ))
    }
}
