//! Imports: runs, and how far they are.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::connection::connection;
use super::import_document::{ImportDocumentConnection, ImportOutcome, ImportRevertOutcome};
use super::job::Job;
use super::user::User;
use super::user_error::UserError;
use crate::domain::error;
use crate::domain::import::{self, ReportFilter, RunFilter};
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::graphql::context::{loaders, permit, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::ImportJobKey;
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

    /// The job that carries it out or takes it back, or did so last. Null for an import from the command
    /// line that reads files where it was run, and once the job is forgotten.
    async fn job(&self, context: &Context<'_>) -> Result<Option<Job>> {
        permit(context, Action::ReadJobs)?;
        let job = loaders(context).load_one(ImportJobKey(self.0.id)).await;
        Ok(job.or_graphql_error(context)?.map(Job))
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
