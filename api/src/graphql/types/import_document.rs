//! What became of each document of an import.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::connection::connection;
use super::post::{Post, load_post, selection_of};
use super::release::load_revision;
use super::revision::Revision;
use super::revision_diff::RevisionDiff;
use crate::domain::import::{self, ReportFilter};
use crate::graphql::node_id::NodeType;

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::import::OutcomeKind")]
pub enum ImportOutcome {
    /// It is a new post.
    Created,
    /// A post that was there has changed.
    Updated,
    /// Its source is as it was at its last import.
    Skipped,
    /// Its source and its post have both changed: it is a revision beside the head, neither head nor
    /// live. Compare the two, or import again and overwrite.
    Conflicted,
    /// Nothing was written; `message` says why.
    Failed,
}

/// What taking a document back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::import::RevertOutcome")]
pub enum ImportRevertOutcome {
    /// The post that it made is in the trash.
    Trashed,
    /// Its post shows again what it showed before: as a new revision, live where it was live.
    Restored,
    /// Its post was changed since, and stays as it is; `message` says how.
    Kept,
    /// What it did shows nowhere: a revision beside the head, or figures that have no revisions.
    Nothing,
}

/// What taking a document back came to.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImportRevert {
    /// What it came to.
    pub outcome: ImportRevertOutcome,
    /// Why its post stays as it is; null unless it does.
    pub message: Option<String>,
}

/// What became of a document of an import.
pub struct ImportDocument(import::ReportedDocument);

/// What became of a document of an import.
#[Object]
impl ImportDocument {
    /// Its place in the import, from 1.
    async fn number(&self) -> i64 {
        self.0.number
    }

    /// The file it is in.
    async fn path(&self) -> &str {
        &self.0.path
    }

    /// The line of the file it starts on, from 1; null where there is none.
    async fn line(&self) -> Option<i64> {
        self.0.line.and_then(|line| i64::try_from(line).ok())
    }

    /// What became of it; in a dry run, what would.
    async fn outcome(&self) -> ImportOutcome {
        self.0.answer.outcome.kind().into()
    }

    /// Whether the public sees something new by it.
    async fn published(&self) -> bool {
        self.0.answer.published
    }

    /// Why it failed, or what it is in conflict with; null otherwise.
    async fn message(&self) -> Option<&str> {
        self.0.answer.outcome.reason()
    }

    /// What the file left open and the import decided, a sentence each.
    async fn inferred(&self) -> &[String] {
        &self.0.inferred
    }

    /// The id of its post, there even when the post is out of sight. Null when it failed, and for a post
    /// that a dry run would create.
    async fn post_id(&self) -> Option<ID> {
        self.0.answer.trace.post_id.map(|id| NodeType::Post.id(id))
    }

    /// Its post, as the request's perspective shows it; null when it is out of sight there.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        let Some(post_id) = self.0.answer.trace.post_id else {
            return Ok(None);
        };
        load_post(context, post_id, selection_of(context.look_ahead())).await
    }

    /// The revision that it is; null when there is none, or the request's perspective does not show it.
    async fn revision(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.answer.trace.revision_id).await
    }

    /// The head of its post before: pass it to `revisionDiff` to see what changed. Null for a new post,
    /// and one that was left alone.
    async fn revision_before(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.answer.trace.head_before).await
    }

    /// What it would change of the head of its post; null unless it is the document of a dry run that
    /// would change one. Nothing differs where only views, scores, redirects or dates would change.
    async fn diff(&self) -> Option<RevisionDiff> {
        self.0.diff.clone().map(RevisionDiff::from)
    }

    /// What taking it back came to; null unless that was done.
    async fn revert(&self) -> Option<ImportRevert> {
        Some(ImportRevert {
            outcome: self.0.revert?.into(),
            message: self.0.revert_message.clone(),
        })
    }
}

impl From<import::ReportedDocument> for ImportDocument {
    fn from(document: import::ReportedDocument) -> Self {
        Self(document)
    }
}

connection!(
    ImportDocumentConnection,
    ImportDocumentEdge,
    ImportDocument,
    import::ReportedDocument,
    ReportFilter,
    import::count_report,
    "A page of the report of an import.",
    "A document of an import and its place."
);
