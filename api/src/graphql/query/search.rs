//! Search.

use async_graphql::{Context, Object, Result};

use crate::domain::page::PageRequest;
use crate::domain::post;
use crate::domain::search;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::limits::DEAR;
use crate::graphql::pagination::rows;
use crate::graphql::types::post_filter::PostFilterInput;
use crate::graphql::types::search::SearchConnection;

/// Search.
#[derive(Default)]
pub struct SearchQuery;

#[Object]
impl SearchQuery {
    /// Posts by the words in their title, summary, body, tools, stack and entities, best first.
    #[graphql(complexity = "DEAR + rows(first, None) * child_complexity")]
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(
            desc = "Words that must all occur, in any form and order. `\"in this order\"` \
            holds words together, `-without` excludes one. Up to 500 bytes."
        )]
        query: String,
        #[graphql(desc = "Which posts; every post when absent.")] filter: Option<
            Box<PostFilterInput>,
        >,
        #[graphql(desc = "How many: 20 when absent, up to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Pass over this many, up to 10,000.")] offset: Option<i32>,
    ) -> Result<SearchConnection> {
        let query = search::SearchQuery::parse(&query).or_graphql_error(context)?;
        let filter = filter.unwrap_or_default().into_domain();
        let filter = filter.or_graphql_error(context)?;
        let request = PageRequest::new(first, after, None, None, offset);
        let request = request.or_graphql_error(context)?;
        let selection = SearchConnection::selection(context);
        let page = post::search(reader(context), &query, &filter, &request, selection).await;
        Ok(SearchConnection::new(
            page.or_graphql_error(context)?,
            query,
            filter,
        ))
    }
}
