//! Exports: posts as files that can be fetched.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::connection::connection;
use super::post_filter::PostFilterInput;
use super::user::User;
use super::user_error::UserError;
use crate::domain::export::{self, ExportFilter, ExportStatus as Status};
use crate::graphql::context::Links;
use crate::graphql::node_id::NodeType;

/// What an export is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::export::ExportFormat")]
pub enum ExportFormat {
    /// One JSON document a line, with every revision. An import of it gives the same content.
    Ndjson,
    /// A tar archive of Markdown files with front matter, one a post, with every revision. Unpacked, an
    /// import of the folder gives the same content.
    Markdown,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::export::ExportStatus")]
pub enum ExportStatus {
    /// It waits for a worker.
    Waiting,
    /// Its file is being written.
    Running,
    /// Its file can be fetched at `url`.
    Finished,
    /// It gave up; `failure` says why, and `retryExport` goes on.
    Failed,
    /// Its file is not kept any more: its week is over, or somebody dropped it.
    Expired,
}

/// An export: posts, drafts included, as a file that can be fetched.
pub struct ExportRun(pub export::ExportRun);

/// An export: posts, drafts included, as a file that can be fetched.
#[Object]
impl ExportRun {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        NodeType::ExportRun.id(self.0.id)
    }

    /// What its file is written as.
    async fn format(&self) -> ExportFormat {
        self.0.format.into()
    }

    /// Where it stands.
    async fn status(&self) -> ExportStatus {
        self.0.status.into()
    }

    /// Posts that are in the file so far.
    async fn posts(&self) -> i64 {
        self.0.posts
    }

    /// How many posts there were when it was started.
    async fn total_posts(&self) -> Option<i64> {
        self.0.total_posts
    }

    /// How long the file is so far, in bytes.
    async fn bytes(&self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "people look at it")]
        {
            self.0.bytes as f64
        }
    }

    /// Where its file is: fetch it with the token that asks here. Null unless it is finished.
    async fn url(&self, context: &Context<'_>) -> Option<String> {
        let links = context.data_opt::<Links>()?;
        let id = NodeType::ExportRun.id(self.0.id);
        (self.0.status == Status::Finished).then(|| links.export(&id))
    }

    /// Why it gave up, or why its last attempt failed; null otherwise.
    async fn failure(&self) -> Option<&str> {
        self.0.failure.as_deref()
    }

    /// Who started it, in words, e.g. `user 7`, `token 3 of user 7`.
    async fn started_by(&self) -> &str {
        &self.0.actor
    }

    /// The user who started it, or for whom a script did.
    async fn user(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.user_id).await
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its file was whole.
    async fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.0.finished_at
    }

    /// Until when its file is kept.
    async fn expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.expires_at
    }
}

impl From<export::ExportRun> for ExportRun {
    fn from(run: export::ExportRun) -> Self {
        Self(run)
    }
}

connection!(
    ExportRunConnection,
    ExportRunEdge,
    ExportRun,
    export::ExportRun,
    ExportFilter,
    export::count,
    "A page of exports.",
    "An export and its place."
);

/// What to export.
#[derive(Clone, Debug, InputObject)]
pub struct StartExportInput {
    /// What the file is written as.
    pub format: ExportFormat,
    /// Which posts, by what their newest revision says; those in the trash are left out. All of them
    /// when absent.
    pub filter: Option<PostFilterInput>,
    /// Makes the change safe to send again for a day.
    pub idempotency_key: Option<String>,
}

/// Which export.
#[derive(Clone, Debug, InputObject)]
pub struct ExportRunInput {
    /// Its id.
    pub id: ID,
}

/// The export that was started, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct ExportRunPayload {
    /// The export as it is now; null when nothing was changed.
    pub export_run: Option<ExportRun>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}
