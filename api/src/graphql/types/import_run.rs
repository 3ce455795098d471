//! Imports: runs, and what became of each of their documents.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::connection::connection;
use super::post::{Post, load_post, selection_of};
use super::release::load_revision;
use super::revision::Revision;
use super::revision_diff::RevisionDiff;
use super::user::User;
use super::user_error::UserError;
use crate::domain::error;
use crate::domain::import::{self, ReportFilter, RunFilter};
use crate::domain::page::PageRequest;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::import::RunStatus")]
pub enum ImportStatus {
    /// Its files are on their way.
    Uploading,
    /// Its files are in, and it waits for a worker.
    Waiting,
    /// Documents are being taken in.
    Running,
    /// Everything was read. Documents may have failed or be in conflict all the same: `counts` says so.
    Finished,
    /// It was stopped before its end: from the command line, or because its job was cancelled. What is
    /// in stays.
    Interrupted,
    /// It gave up before its end, after ten attempts without a document getting in; `failure` says why.
    /// What is in stays, and `resumeImport` goes on.
    Failed,
    /// Somebody stopped it before its end. What is in stays, and `resumeImport` goes on.
    Cancelled,
    /// What it did is being taken back.
    Reverting,
    /// What it did was taken back, but for posts that were changed since.
    Reverted,
}

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

/// How many documents became what.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ImportCounts {
    /// All documents so far.
    pub documents: i64,
    /// New posts.
    pub created: i64,
    /// Posts that changed.
    pub updated: i64,
    /// Sources that are as they were.
    pub skipped: i64,
    /// Revisions beside the head.
    pub conflicted: i64,
    /// Documents that were not imported.
    pub failed: i64,
    /// Documents that made something live, of all the above.
    pub published: i64,
}

/// How far an import is.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ImportProgress {
    /// Bytes of its files that are done; documents while it is being taken back.
    pub done: f64,
    /// All of them; null where that is not known.
    pub total: Option<f64>,
    /// When it will be done, if it goes on as it did so far; null while that can't be said.
    pub estimated_finish: Option<DateTime<Utc>>,
}

/// What taking an import back came to, so far.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct ImportRevertCounts {
    /// Posts that are in the trash by it.
    pub trashed: i64,
    /// Posts that show again what they showed before.
    pub restored: i64,
    /// Posts that were changed since and stay as they are: ask for `documents(revert: [KEPT])`.
    pub kept: i64,
}

/// What taking a document back came to.
#[derive(Clone, Debug, SimpleObject)]
pub struct ImportRevert {
    /// What it came to.
    pub outcome: ImportRevertOutcome,
    /// Why its post stays as it is; null unless it does.
    pub message: Option<String>,
}

/// A run of an import: its files, how far it is, and what became of every document.
pub struct ImportRun(pub import::ImportRun);

/// A run of an import: its files, how far it is, and what became of every document. Upload files to
/// `POST /imports` to start one.
#[Object]
impl ImportRun {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        NodeType::ImportRun.id(self.0.id)
    }

    /// Its number, by which the command line knows it: `alphanode import status 7`.
    async fn number(&self) -> i64 {
        self.0.id
    }

    /// What is read: the name of the file, or of the first of several; the paths of an import from the
    /// command line.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// What it is read as: `auto`, `page-text`, `json`, `ndjson` or `markdown`; `documents` for what was
    /// made and not read.
    async fn format(&self) -> &str {
        &self.0.format
    }

    /// Whether every document is made live, whatever it says.
    async fn publish(&self) -> bool {
        self.0.manner.publish
    }

    /// Whether documents in conflict become the head of their posts.
    async fn overwrite(&self) -> bool {
        self.0.manner.overwrite
    }

    /// Whether it writes nothing but its report, in which `diff` says what would change.
    async fn dry_run(&self) -> bool {
        self.0.dry_run
    }

    /// Whether workers carry it out. The others are read where `alphanode import` was run.
    async fn background(&self) -> bool {
        self.0.stored
    }

    /// Where it stands.
    async fn status(&self) -> ImportStatus {
        self.0.status.into()
    }

    /// How many documents became what, so far.
    async fn counts(&self) -> ImportCounts {
        let counts = self.0.counts;
        let count = |value| i64::try_from(value).unwrap_or(i64::MAX);
        ImportCounts {
            documents: count(counts.documents()),
            created: count(counts.created),
            updated: count(counts.updated),
            skipped: count(counts.skipped),
            conflicted: count(counts.conflicted),
            failed: count(counts.failed),
            published: count(counts.published),
        }
    }

    /// How far it is.
    async fn progress(&self, context: &Context<'_>) -> ImportProgress {
        let progress = self.0.progress(request(context).store.clock.now());
        #[allow(clippy::cast_precision_loss, reason = "people look at it")]
        ImportProgress {
            done: progress.done as f64,
            total: progress.total.map(|total| total as f64),
            estimated_finish: progress.finished_at,
        }
    }

    /// Why it gave up, or why its last attempt failed; null otherwise.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// Who started it, in words, e.g. `user 7`, `token 3 of user 7`, `command line`.
    async fn started_by(&self) -> &str {
        &self.0.actor
    }

    /// The user who started it, or for whom a script did. Null when it was the command line.
    async fn user(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.user_id).await
    }

    /// The id of the request that started it. What the import changes has it in the log, too:
    /// `auditEvents(filter: { requestId: … })`.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// When it was started.
    async fn started_at(&self) -> DateTime<Utc> {
        self.0.started_at
    }

    /// When it came to rest; null while it has not.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// What taking it back came to, so far; null unless that was asked for.
    async fn revert_counts(&self, context: &Context<'_>) -> Result<Option<ImportRevertCounts>> {
        use import::RunStatus::{Reverted, Reverting};
        if !matches!(self.0.status, Reverting | Reverted) {
            return Ok(None);
        }
        let counts = import::revert_counts(reader(context), self.0.id).await;
        let counts = counts.or_graphql_error(context)?;
        Ok(Some(ImportRevertCounts {
            trashed: counts.trashed,
            restored: counts.restored,
            kept: counts.kept,
        }))
    }

    /// The report: what became of each document, in the order of the files. Ask for it of one run at a
    /// time.
    #[graphql(complexity = "rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn documents(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Those that became one of these; all of them when absent.")]
        outcome: Option<Vec<ImportOutcome>>,
        #[graphql(desc = "Those that taking back came to one of these.")] revert: Option<
            Vec<ImportRevertOutcome>,
        >,
        #[graphql(desc = "The first so many, 20 when nothing is said, up to 100.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many, up to 100.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<ImportDocumentConnection> {
        let filter = ReportFilter {
            run_id: self.0.id,
            outcomes: outcome.map(|kinds| kinds.into_iter().map(Into::into).collect()),
            reverts: revert.map(|kinds| kinds.into_iter().map(Into::into).collect()),
        };
        let page = async {
            let request = PageRequest::new(first, after, last, before, None)?;
            import::report(reader(context), &filter, &request).await
        };
        let page = page.await.or_graphql_error(context)?;
        Ok(ImportDocumentConnection::new(page, filter))
    }
}

impl From<import::ImportRun> for ImportRun {
    fn from(run: import::ImportRun) -> Self {
        Self(run)
    }
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
    ImportRunConnection,
    ImportRunEdge,
    ImportRun,
    import::ImportRun,
    RunFilter,
    import::count,
    "A page of imports.",
    "An import and its place."
);

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

/// Which imports are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ImportRunFilter")]
pub struct ImportRunFilterInput {
    /// At one of these.
    pub status: Option<Vec<ImportStatus>>,
    /// Dry runs only, or none of them.
    pub dry_run: Option<bool>,
    /// Started by this user, or for them by a script.
    pub user: Option<ID>,
}

impl TryFrom<ImportRunFilterInput> for RunFilter {
    type Error = error::Error;

    fn try_from(input: ImportRunFilterInput) -> error::Result<Self> {
        Ok(Self {
            statuses: input
                .status
                .map(|statuses| statuses.into_iter().map(Into::into).collect()),
            dry_run: input.dry_run,
            user_id: input.user.map(|id| NodeType::User.key(&id)).transpose()?,
        })
    }
}

/// Which import.
#[derive(Clone, Debug, InputObject)]
pub struct ImportRunInput {
    /// Its id.
    pub id: ID,
}

/// The import that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct ImportRunPayload {
    /// The import as it is now; null when nothing was changed.
    pub import_run: Option<ImportRun>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}
