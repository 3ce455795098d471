//! Revisions.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::permission::{self, Action};
use crate::domain::post;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::revision_diff::RevisionDiff;

/// Revisions.
#[derive(Default)]
pub struct RevisionQuery;

#[Object]
impl RevisionQuery {
    /// What differs between two revisions of one post, field by field, for those who may read
    /// drafts. Null when one of the two is not there.
    #[graphql(complexity = "1_000 + child_complexity")]
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
}
