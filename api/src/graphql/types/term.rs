//! Tools, stacks and named entities: three types of the same shape over the words of a taxonomy.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use super::connection::PageInfo;
use super::post::PostConnection;
use super::post_filter::{OrderDirection, PostFilterInput, PostOrderInput};
use crate::domain::page::{Page, PageRequest};
use crate::domain::post::{PostOrder, TermFilter};
use crate::domain::taxonomy::{self, Taxonomy, Term, TermOrder};
use crate::graphql::context::{loaders, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{PostCountKey, PostListKey, PostListShape};
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;

/// Something that posts use or describe.
pub struct Tool(pub Term);

/// A technology stack that posts belong to.
pub struct Stack(pub Term);

/// A named thing that posts are about: a name and the type of thing it is.
pub struct Entity(pub Term);

/// What a list of tools, stacks or entities can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TermOrderField {
    /// Name, byte by byte.
    Name,
    /// The number of posts; slower than by name.
    PostCount,
}

/// The order of a list of tools, stacks or entities.
#[derive(Clone, Copy, Debug, InputObject)]
#[graphql(name = "TermOrder")]
pub struct TermOrderInput {
    /// The value to order by.
    pub field: TermOrderField,
    /// Which way.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

impl From<TermOrderInput> for TermOrder {
    fn from(order: TermOrderInput) -> Self {
        match order.field {
            TermOrderField::Name => Self::Name(order.direction.into()),
            TermOrderField::PostCount => Self::PostCount(order.direction.into()),
        }
    }
}

/// The arguments of a list of posts below a word.
struct PostsArguments {
    filter: Option<Box<PostFilterInput>>,
    order_by: Option<PostOrderInput>,
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
    offset: Option<i32>,
}

async fn posts_of(
    context: &Context<'_>,
    taxonomy: Taxonomy,
    term_id: i64,
    arguments: PostsArguments,
) -> Result<PostConnection> {
    let filter = arguments.filter.unwrap_or_default().into_domain();
    let request = PageRequest::new(
        arguments.first,
        arguments.after,
        arguments.last,
        arguments.before,
        arguments.offset,
    );
    let shape = Arc::new(PostListShape {
        filter: filter.or_graphql_error(context)?,
        order: arguments
            .order_by
            .map_or_else(PostOrder::default, Into::into),
        request: request.or_graphql_error(context)?,
        selection: PostConnection::selection(context),
    });
    let key = PostListKey::<false> {
        taxonomy,
        term_id,
        shape: Arc::clone(&shape),
    };
    let page = loaders(context)
        .load_one(key)
        .await
        .or_graphql_error(context)?;
    let page = page.unwrap_or_else(|| Arc::new(Page::new(&shape.request, Vec::new())));
    let total = PostListKey::<true> {
        taxonomy,
        term_id,
        shape,
    };
    Ok(PostConnection::of_term(page, total))
}

async fn post_count(context: &Context<'_>, taxonomy: Taxonomy, term_id: i64) -> Result<i64> {
    let key = PostCountKey { taxonomy, term_id };
    let count = loaders(context)
        .load_one(key)
        .await
        .or_graphql_error(context)?;
    Ok(count.unwrap_or(0))
}

macro_rules! term_type {
    ($type:ident, $taxonomy:expr, $node:expr, $description:literal $(, $kind:item)?) => {
        #[doc = $description]
        #[Object]
        impl $type {
            /// Its id.
            pub(super) async fn id(&self) -> ID {
                $node.id(self.0.id)
            }

            /// As people write it.
            async fn name(&self) -> &str {
                &self.0.name
            }

            /// As paths write it.
            async fn slug(&self) -> &str {
                &self.0.slug
            }

            $($kind)?

            /// How many posts use it.
            async fn post_count(&self, context: &Context<'_>) -> Result<i64> {
                post_count(context, $taxonomy, self.0.id).await
            }

            /// The posts that use it.
            #[graphql(complexity = "rows(first, last) * child_complexity")]
            #[allow(clippy::too_many_arguments, reason = "they are the arguments of the field")]
            async fn posts(
                &self,
                context: &Context<'_>,
                #[graphql(desc = "Which posts.")] filter: Option<Box<PostFilterInput>>,
                #[graphql(desc = "In which order; the newest first when absent.")]
                order_by: Option<PostOrderInput>,
                #[graphql(desc = "How many, from the start or after `after`: 20 when absent, up to 100.")]
                first: Option<i32>,
                #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
                #[graphql(desc = "How many, from the end or before `before`, up to 100.")]
                last: Option<i32>,
                #[graphql(desc = "End before this cursor.")] before: Option<String>,
                #[graphql(desc = "Pass over this many, up to 10,000. Prefer cursors: they stay quick.")]
                offset: Option<i32>,
            ) -> Result<PostConnection> {
                let arguments = PostsArguments {
                    filter,
                    order_by,
                    first,
                    after,
                    last,
                    before,
                    offset,
                };
                posts_of(context, $taxonomy, self.0.id, arguments).await
            }
        }
    };
}

term_type!(
    Tool,
    Taxonomy::Tool,
    NodeType::Tool,
    "Something that posts use or describe."
);
term_type!(
    Stack,
    Taxonomy::Stack,
    NodeType::Stack,
    "A technology stack that posts belong to."
);
term_type!(
    Entity,
    Taxonomy::Entity,
    NodeType::Entity,
    "A named thing that posts are about: a name and the type of thing it is.",
    /// What kind of thing it is, e.g. `problem`.
    #[graphql(name = "type")]
    async fn kind(&self) -> &str {
        &self.0.kind
    }
);

macro_rules! term_connection {
    ($connection:ident, $edge:ident, $node:ident, $taxonomy:expr, $page:literal, $row:literal) => {
        #[doc = $page]
        #[derive(SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// Where the page stands in the list.
            pub page_info: PageInfo,
            #[graphql(skip)]
            page: Page<Term>,
            #[graphql(skip)]
            filter: TermFilter,
        }

        #[doc = $row]
        #[derive(SimpleObject)]
        pub struct $edge {
            /// Its place: pass it as `after` or `before`.
            pub cursor: String,
            /// What is there.
            pub node: $node,
        }

        #[ComplexObject]
        impl $connection {
            /// What the page holds.
            async fn nodes(&self) -> Vec<$node> {
                let rows = self.page.rows.iter();
                rows.map(|(_, term)| $node(term.clone())).collect()
            }

            /// What the page holds, with its places.
            async fn edges(&self) -> Vec<$edge> {
                let rows = self.page.rows.iter();
                rows.map(|(cursor, term)| $edge {
                    cursor: cursor.encode(),
                    node: $node(term.clone()),
                })
                .collect()
            }

            /// How many the whole list has. Counted only when it is asked for.
            async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
                let count = taxonomy::count(reader(context), $taxonomy, &self.filter);
                count.await.or_graphql_error(context)
            }
        }

        impl $connection {
            /// A page of a list.
            pub(in crate::graphql) fn new(page: Page<Term>, filter: TermFilter) -> Self {
                Self {
                    page_info: PageInfo::from(&page),
                    page,
                    filter,
                }
            }
        }
    };
}

term_connection!(
    ToolConnection,
    ToolEdge,
    Tool,
    Taxonomy::Tool,
    "A page of tools.",
    "A tool and its place in the list."
);
term_connection!(
    StackConnection,
    StackEdge,
    Stack,
    Taxonomy::Stack,
    "A page of stacks.",
    "A stack and its place in the list."
);
term_connection!(
    EntityConnection,
    EntityEdge,
    Entity,
    Taxonomy::Entity,
    "A page of named entities.",
    "A named entity and its place in the list."
);
