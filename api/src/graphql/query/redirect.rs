//! Redirects.

use async_graphql::{Context, Object, Result};

use crate::domain::post;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::redirect::Redirect;

/// Redirects.
#[derive(Default)]
pub struct RedirectQuery;

#[Object]
impl RedirectQuery {
    /// Where a path of the site leads now. Null when it is no redirect: ask after `post` found
    /// nothing.
    async fn redirect(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The path without host and query, e.g. `/posts/old-slug`.")] path: String,
    ) -> Result<Option<Redirect>> {
        let found = post::redirect(reader(context), &path).await;
        Ok(found.or_graphql_error(context)?.map(Redirect))
    }
}
