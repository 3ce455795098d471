//! Revisions: numbered saves of a post.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};

use super::content::Content;
use crate::domain::post;
use crate::graphql::context::{loaders, may_read_drafts};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{ContentKey, TransitionsKey};
use crate::graphql::node_id::NodeType;

/// A numbered save of a post. Its content never changes; its status moves.
pub struct Revision(pub post::Revision);

/// Where a revision stands between being written and being replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::post::RevisionStatus")]
pub enum RevisionStatus {
    /// Written, seen by editors only.
    Drafted,
    /// Waiting for a reviewer.
    InReview,
    /// Reviewed, ready to publish.
    Approved,
    /// Live.
    Published,
    /// Was live; a later revision took its place.
    Superseded,
    /// Refused by a reviewer.
    Rejected,
}

/// A step of a revision from one status to the next.
#[derive(Clone, Debug, SimpleObject)]
pub struct RevisionTransition {
    /// The status it moved to.
    pub status: RevisionStatus,
    /// When.
    pub at: DateTime<Utc>,
    /// Who moved it, as the audit log names them; null unless the request may read drafts.
    pub actor: Option<String>,
    /// What they said about it; null unless the request may read drafts.
    pub comment: Option<String>,
}

/// A numbered save of a post. Its content never changes; its status moves.
#[Object]
impl Revision {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        NodeType::Revision.id(self.0.id)
    }

    /// 1 for the first revision of its post, then counting.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// Semantic version, e.g. `1.3.9`.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// Where it stands now.
    async fn status(&self) -> RevisionStatus {
        self.0.status.into()
    }

    /// Every status it had, oldest first: an imported draft that was published shows `DRAFTED`,
    /// then `PUBLISHED`.
    async fn transitions(&self, context: &Context<'_>) -> Result<Vec<RevisionTransition>> {
        let transitions = loaders(context)
            .load_one(TransitionsKey(self.0.id))
            .await
            .or_graphql_error(context)?;
        let transitions = transitions.unwrap_or_default().into_iter();
        let editor = may_read_drafts(context);
        Ok(transitions
            .map(|step| RevisionTransition {
                status: step.status.into(),
                at: step.at,
                actor: Some(step.actor).filter(|_| editor),
                comment: step.comment.filter(|_| editor),
            })
            .collect())
    }

    /// Who wrote it, as the source names them.
    async fn author(&self) -> Option<&str> {
        self.0.author.as_deref()
    }

    /// What changed, in a sentence.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The day a person last checked it.
    async fn last_reviewed(&self) -> Option<NaiveDate> {
        self.0.last_reviewed
    }

    /// SHA-256 of its content: two revisions with the same hash say the same.
    async fn content_hash(&self) -> &str {
        &self.0.content_hash
    }

    /// Everything it says; null unless the request may read drafts.
    async fn content(&self, context: &Context<'_>) -> Result<Option<Content>> {
        if !may_read_drafts(context) {
            return Ok(None);
        }
        let found = loaders(context).load_one(ContentKey(self.0.id)).await;
        Ok(found.or_graphql_error(context)?.map(Content::from))
    }

    /// When it was saved.
    async fn saved_at(&self) -> DateTime<Utc> {
        self.0.saved_at
    }
}
