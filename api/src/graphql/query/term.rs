//! Tools, stacks and named entities.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};

use crate::domain::page::{Direction, Page, PageRequest};
use crate::domain::post::TermFilter;
use crate::domain::taxonomy::{self, Taxonomy, Term, TermOrder};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::term::{
    Entity, EntityConnection, Stack, StackConnection, TermOrderInput, Tool, ToolConnection,
};
use crate::graphql::types::term_filter::{EntityFilter, StackFilter, ToolFilter};

/// Tools, stacks and named entities.
#[derive(Default)]
pub struct TermQuery;

/// What a tool or a stack is found by: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum TermBy {
    /// Its id.
    Id(ID),
    /// Its slug.
    Slug(String),
}

/// What a named entity is found by: exactly one of these.
#[derive(Clone, Debug, OneofObject)]
pub enum EntityBy {
    /// Its id.
    Id(ID),
    /// Its type and slug.
    Name(EntityByName),
}

/// The type and the slug of a named entity.
#[derive(Clone, Debug, InputObject)]
pub struct EntityByName {
    /// Its type, e.g. `problem`.
    #[graphql(name = "type")]
    pub kind: String,
    /// Its slug.
    pub slug: String,
}

async fn find(
    context: &Context<'_>,
    taxonomy: Taxonomy,
    node: NodeType,
    by: TermBy,
) -> Result<Option<Term>> {
    match by {
        TermBy::Id(id) => {
            let id = node.key(&id).or_graphql_error(context)?;
            let found = taxonomy::find(reader(context), taxonomy, &[id]).await;
            Ok(found.or_graphql_error(context)?.pop())
        }
        TermBy::Slug(slug) => {
            let found = taxonomy::find_by_slug(reader(context), taxonomy, None, &slug).await;
            found.or_graphql_error(context)
        }
    }
}

/// The page arguments of a list of words.
struct Arguments {
    first: Option<i32>,
    after: Option<String>,
    last: Option<i32>,
    before: Option<String>,
    offset: Option<i32>,
}

async fn list(
    context: &Context<'_>,
    taxonomy: Taxonomy,
    filter: &TermFilter,
    order_by: Option<TermOrderInput>,
    arguments: Arguments,
) -> Result<Page<Term>> {
    let Arguments {
        first,
        after,
        last,
        before,
        offset,
    } = arguments;
    let request = PageRequest::new(first, after, last, before, offset);
    let request = request.or_graphql_error(context)?;
    let order = order_by.map_or(TermOrder::Name(Direction::Ascending), Into::into);
    let page = taxonomy::list(reader(context), taxonomy, filter, order, &request).await;
    page.or_graphql_error(context)
}

#[Object]
impl TermQuery {
    /// One tool, or null when no post in sight uses it. A merged tool answers with the one that took
    /// its place.
    async fn tool(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is found by.")] by: TermBy,
    ) -> Result<Option<Tool>> {
        let found = find(context, Taxonomy::Tool, NodeType::Tool, by).await?;
        Ok(found.map(Tool))
    }

    /// Tools that posts use, by name unless told otherwise.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn tools(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which tools.")] filter: Option<ToolFilter>,
        #[graphql(desc = "In which order; by name when absent.")] order_by: Option<TermOrderInput>,
        #[graphql(desc = "How many: 20 when absent, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, up to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Pass over this many, up to 10,000.")] offset: Option<i32>,
    ) -> Result<ToolConnection> {
        let filter = filter.unwrap_or_default().into_domain();
        let filter = filter.or_graphql_error(context)?;
        let arguments = Arguments {
            first,
            after,
            last,
            before,
            offset,
        };
        let page = list(context, Taxonomy::Tool, &filter, order_by, arguments).await?;
        Ok(ToolConnection::new(page, filter))
    }

    /// One stack, or null when no post in sight belongs to it. A merged stack answers with the one
    /// that took its place.
    async fn stack(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is found by.")] by: TermBy,
    ) -> Result<Option<Stack>> {
        let found = find(context, Taxonomy::Stack, NodeType::Stack, by).await?;
        Ok(found.map(Stack))
    }

    /// Stacks that posts belong to, by name unless told otherwise.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn stacks(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which stacks.")] filter: Option<StackFilter>,
        #[graphql(desc = "In which order; by name when absent.")] order_by: Option<TermOrderInput>,
        #[graphql(desc = "How many: 20 when absent, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, up to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Pass over this many, up to 10,000.")] offset: Option<i32>,
    ) -> Result<StackConnection> {
        let filter = filter.unwrap_or_default().into_domain();
        let filter = filter.or_graphql_error(context)?;
        let arguments = Arguments {
            first,
            after,
            last,
            before,
            offset,
        };
        let page = list(context, Taxonomy::Stack, &filter, order_by, arguments).await?;
        Ok(StackConnection::new(page, filter))
    }

    /// One named entity, or null when no post in sight is about it. A merged entity answers with
    /// the one that took its place.
    async fn entity(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What it is found by.")] by: EntityBy,
    ) -> Result<Option<Entity>> {
        let found = match by {
            EntityBy::Id(id) => {
                find(context, Taxonomy::Entity, NodeType::Entity, TermBy::Id(id)).await?
            }
            EntityBy::Name(EntityByName { kind, slug }) => {
                let taxonomy = Taxonomy::Entity;
                let found = taxonomy::find_by_slug(reader(context), taxonomy, Some(&kind), &slug);
                found.await.or_graphql_error(context)?
            }
        };
        Ok(found.map(Entity))
    }

    /// Named entities that posts are about, by name unless told otherwise.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn entities(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which entities.")] filter: Option<EntityFilter>,
        #[graphql(desc = "In which order; by name when absent.")] order_by: Option<TermOrderInput>,
        #[graphql(desc = "How many: 20 when absent, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, up to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Pass over this many, up to 10,000.")] offset: Option<i32>,
    ) -> Result<EntityConnection> {
        let filter = filter.unwrap_or_default().into_domain();
        let filter = filter.or_graphql_error(context)?;
        let arguments = Arguments {
            first,
            after,
            last,
            before,
            offset,
        };
        let page = list(context, Taxonomy::Entity, &filter, order_by, arguments).await?;
        Ok(EntityConnection::new(page, filter))
    }
}
