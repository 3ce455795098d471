//! What a search found.

use async_graphql::{ComplexObject, Context, Result, SimpleObject};

use super::connection::PageInfo;
use super::post::Post;
use crate::domain::page::Page;
use crate::domain::post::{self, PostFilter, PostSelection, SearchHit};
use crate::domain::search::SearchQuery;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;

/// A page of what a search found, best first.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct SearchConnection {
    /// Where the page stands in the list.
    pub page_info: PageInfo,
    #[graphql(skip)]
    page: Page<SearchHit>,
    #[graphql(skip)]
    query: SearchQuery,
    #[graphql(skip)]
    filter: PostFilter,
}

/// A post that a search found.
#[derive(SimpleObject)]
pub struct SearchResult {
    /// The post.
    pub post: Post,
    /// How well it matches; larger is better, comparable within one search only.
    pub relevance: f64,
    /// Its title as HTML, what matched in `<mark>`, everything else escaped.
    pub title_html: String,
    /// The part of its body that matches best as HTML, what matched in `<mark>`, everything else
    /// escaped.
    pub excerpt_html: String,
}

/// A result and its place in the list.
#[derive(SimpleObject)]
pub struct SearchEdge {
    /// Its place: pass it as `after`.
    pub cursor: String,
    /// The result.
    pub node: SearchResult,
}

impl From<&SearchHit> for SearchResult {
    fn from(hit: &SearchHit) -> Self {
        Self {
            post: hit.post.clone().into(),
            relevance: hit.relevance,
            title_html: hit.title_html.clone(),
            excerpt_html: hit.excerpt_html.clone(),
        }
    }
}

#[ComplexObject]
impl SearchConnection {
    /// The results of the page.
    async fn nodes(&self) -> Vec<SearchResult> {
        let rows = self.page.rows.iter();
        rows.map(|(_, hit)| SearchResult::from(hit)).collect()
    }

    /// The results of the page with their places.
    async fn edges(&self) -> Vec<SearchEdge> {
        let rows = self.page.rows.iter();
        rows.map(|(cursor, hit)| SearchEdge {
            cursor: cursor.encode(),
            node: SearchResult::from(hit),
        })
        .collect()
    }

    /// How many posts match. Counted only when it is asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let count = post::count_hits(reader(context), &self.query, &self.filter);
        count.await.or_graphql_error(context)
    }
}

impl SearchConnection {
    pub(in crate::graphql) fn new(
        page: Page<SearchHit>,
        query: SearchQuery,
        filter: PostFilter,
    ) -> Self {
        Self {
            page_info: PageInfo::from(&page),
            page,
            query,
            filter,
        }
    }

    /// The parts of a post that a field of this type wants.
    pub(in crate::graphql) fn selection(context: &Context<'_>) -> PostSelection {
        let mut selection = PostSelection::default();
        for connection in context.look_ahead().selection_fields() {
            for field in connection.selection_set() {
                match field.name() {
                    "nodes" => super::post::add_parts_of_post(field, &mut selection),
                    "edges" => {
                        let nodes = field.selection_set().filter(|field| field.name() == "node");
                        nodes.for_each(|node| {
                            super::post::add_parts_of_post(node, &mut selection);
                        });
                    }
                    _ => {}
                }
            }
        }
        selection
    }
}
