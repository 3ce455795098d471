//! Revisions.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::error::Error;
use crate::domain::page::PageRequest;
use crate::domain::permission::{self, Action};
use crate::domain::post::{self, ReviewFilter};
use crate::graphql::context::{permit, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::limits::DEAR;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::review_request::ReviewRequestConnection;
use crate::graphql::types::revision_diff::RevisionDiff;

/// Revisions.
#[derive(Default)]
pub struct RevisionQuery;

#[Object]
impl RevisionQuery {
    /// What differs between two revisions of one post, field by field, for those who may read
    /// drafts. Null when one of the two is not there.
    #[graphql(complexity = "DEAR + child_complexity")]
    async fn revision_diff(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The revision to compare from, the older one for the most part.")]
        from: ID,
        #[graphql(desc = "The revision to compare with.")] to: ID,
    ) -> Result<Option<RevisionDiff>> {
        let actor = request(context).caller.actor;
        let diff = async {
            // Before anything is said about the ids.
            permission::check(actor, Action::ReadDrafts)?;
            let (from, to) = (NodeType::Revision.key(&from)?, NodeType::Revision.key(&to)?);
            post::diff(reader(context), actor, from, to).await
        };
        Ok(diff
            .await
            .or_graphql_error(context)?
            .map(RevisionDiff::from))
    }

    /// The revisions that wait for a reviewer, the newest first, for those who may read drafts.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    async fn review_requests(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that this user was asked for, and those that anybody may take.")]
        reviewer: Option<ID>,
        #[graphql(desc = "How many, from the start or after `after`: 20 when absent, up to 100.")]
        first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many, from the end or before `before`, up to 100.")] last: Option<
            i32,
        >,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ReviewRequestConnection> {
        permit(context, Action::ReadDrafts)?;
        let page = async {
            let reviewer_id = reviewer.map(|id| NodeType::User.key(&id)).transpose()?;
            let filter = ReviewFilter { reviewer_id };
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = post::review_requests(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(ReviewRequestConnection::new(page, filter))
    }
}
