//! Releases.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::page::PageRequest;
use crate::domain::permission::{self, Action};
use crate::domain::release;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::release::{Release, ReleaseConnection, ReleaseFilterInput};
use crate::graphql::types::release_preview::ReleasePreview;

/// Releases.
#[derive(Default)]
pub struct ReleaseQuery;

/// Releases are for whoever may read drafts.
fn check_permission(context: &Context<'_>) -> Result<()> {
    let actor = request(context).caller.actor;
    permission::check(actor, Action::ReadDrafts).or_graphql_error(context)?;
    Ok(())
}

#[Object]
impl ReleaseQuery {
    /// One release, or null when there is no such release. For whoever may read drafts; ask in the
    /// `draft` perspective to see the posts and revisions of one that has not shipped.
    async fn release(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Release>> {
        check_permission(context)?;
        let id = NodeType::Release.key(&id).or_graphql_error(context)?;
        let found = release::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(Release))
    }

    /// Releases, the newest first. For whoever may read drafts.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn releases(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which releases; every release when absent.")] filter: Option<
            ReleaseFilterInput,
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
    ) -> Result<ReleaseConnection> {
        check_permission(context)?;
        let page = PageRequest::new(first, after, last, before, offset);
        let page = page.or_graphql_error(context)?;
        let filter = filter.unwrap_or_default().into();
        let found = release::list(reader(context), &filter, &page).await;
        Ok(ReleaseConnection::new(
            found.or_graphql_error(context)?,
            filter,
        ))
    }

    /// What shipping a release would do now, and what stands in its way; null when there is no such
    /// release. For whoever may read drafts.
    async fn release_preview(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The id of the release.")] id: ID,
    ) -> Result<Option<ReleasePreview>> {
        check_permission(context)?;
        let id = NodeType::Release.key(&id).or_graphql_error(context)?;
        let review_required = request(context).store.review_required;
        let preview = release::preview(reader(context), id, review_required).await;
        Ok(preview.or_graphql_error(context)?.map(ReleasePreview))
    }
}
