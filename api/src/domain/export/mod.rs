//! Exports to a file: posts, as documents, that anybody may fetch who may export.
//!
//! A worker writes the file into the database, some posts at a time: each transaction adds a piece and
//! says how far the export is, so that one that is cut off goes on where it was. Each piece is as the
//! database is when it is read: who wants one moment for all posts exports while nobody writes.

mod list;
mod write;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::export_run;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use list::{ExportFilter, count, find, list, piece};
pub use write::{Piece, add, begin, fail, purge};

use super::audit::AuditEvent;
use super::error::{Problem, Result};
use super::post::PostFilter;
use super::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;
use crate::queue::{NewJob, Priority};

/// The kind of jobs that write exports.
pub const JOB_KIND: &str = "export";

/// What exports are called in the log and by caches.
const NOUN: &str = "export_run";

/// The most exports whose files are kept, or are being written.
const MOST_KEPT: usize = 10;

/// For how long a file is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

/// What such a job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPayload {
    /// The export.
    pub export_id: i64,
}

/// What a file is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON document a line.
    Ndjson,
    /// A tar archive of Markdown files, one a post.
    Markdown,
}

/// Where an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportStatus {
    /// It waits for a worker.
    Waiting,
    /// Its file is being written.
    Running,
    /// Its file can be fetched.
    Finished,
    /// It gave up.
    Failed,
    /// Its file is not kept any more.
    Expired,
}

/// An export.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRun {
    /// Its key.
    pub id: i64,
    /// What its file is written as.
    pub format: ExportFormat,
    /// Which posts it holds, of those that are not in the trash.
    pub filter: PostFilter,
    /// Where it stands.
    pub status: ExportStatus,
    /// Posts that are in the file.
    pub posts: i64,
    /// How many there were when it was started.
    pub total_posts: Option<i64>,
    /// How long the file is.
    pub bytes: i64,
    /// In how many pieces it is kept.
    pub pieces: i64,
    /// The key of the last post that is in it.
    pub cursor: i64,
    /// Why it gave up, or why its last attempt failed.
    pub failure: Option<String>,
    /// Who started it, in words.
    pub actor: String,
    /// The user who started it, or for whom a script did.
    pub user_id: Option<i64>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it came to rest.
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when its file is kept.
    pub expires_at: Option<DateTime<Utc>>,
}

impl ExportFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Ndjson, Self::Markdown]
            .into_iter()
            .find(|format| format.as_str() == word)
    }

    /// What the name of its file ends in.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Markdown => "tar",
        }
    }

    /// The media type of its file.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Markdown => "application/x-tar",
        }
    }
}

impl ExportStatus {
    const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Running,
        Self::Finished,
        Self::Failed,
        Self::Expired,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl TryFrom<export_run::Model> for ExportRun {
    type Error = super::error::Error;

    fn try_from(row: export_run::Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            format: ExportFormat::from_word(&row.format).unwrap_or(ExportFormat::Ndjson),
            filter: serde_json::from_value(row.filter)?,
            status: ExportStatus::from_word(&row.status).unwrap_or(ExportStatus::Failed),
            posts: row.posts,
            total_posts: row.total_posts,
            bytes: row.bytes,
            pieces: row.chunks,
            cursor: row.cursor,
            failure: row.failure,
            actor: row.actor,
            user_id: row.user_id,
            created_at: row.created_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
        })
    }
}

/// Starts an export, which a worker writes. `total_posts` is how many there are to write. While one of
/// the same posts in the same format is not finished, that is answered instead. (Two that come at the
/// very same moment to PostgreSQL may both be started.)
///
/// # Errors
///
/// [`Error::Refused`](super::error::Error::Refused) when too many are kept; those of the database.
pub async fn start(
    transaction: &mut Transaction<'_>,
    format: ExportFormat,
    filter: &PostFilter,
    total_posts: i64,
) -> Result<i64> {
    let kept = kept(transaction).await?;
    let is_the_same = |run: &&ExportRun| {
        let is_under_way = matches!(run.status, ExportStatus::Waiting | ExportStatus::Running);
        is_under_way && run.format == format && run.filter == *filter
    };
    if let Some(same) = kept.iter().find(is_the_same) {
        return Ok(same.id);
    }
    if kept.len() >= MOST_KEPT {
        let message = format!(
            "{MOST_KEPT} exports are kept at most, each for a week; drop one that you have fetched \
             with `dropExport`"
        );
        return Err(Problem::conflict("format", message).into());
    }
    let row = export_run::ActiveModel {
        format: Set(format.as_str().to_owned()),
        filter: Set(serde_json::to_value(filter)?),
        status: Set(ExportStatus::Waiting.as_str().to_owned()),
        total_posts: Set(Some(total_posts)),
        actor: Set(transaction.actor().to_string()),
        user_id: Set(transaction.actor().user_id()),
        created_at: Set(transaction.now()),
        ..Default::default()
    };
    let id = row.insert(transaction.connection()).await?.id;
    transaction.enqueue(job(id));
    transaction.record(AuditEvent {
        action: "start",
        subject: NOUN,
        subject_id: id,
        before: None,
        after: Some(json!({ "format": format.as_str(), "posts": total_posts })),
    });
    transaction.touch(CacheTag::List(NOUN));
    Ok(id)
}

/// The exports that have a file, or are to have one.
async fn kept(transaction: &Transaction<'_>) -> Result<Vec<ExportRun>> {
    let rows = export_run::Entity::find()
        .filter(export_run::Column::Status.ne(ExportStatus::Expired.as_str()))
        .order_by_desc(export_run::Column::Id)
        // Those of earlier versions may be more.
        .limit(2 * MOST_KEPT as u64)
        .all(transaction.connection())
        .await?;
    rows.into_iter().map(ExportRun::try_from).collect()
}

/// Drops the file of an export, which can't be fetched from now on, and ends its writing. A job
/// deletes what there is of it. One that is dropped already stays so.
///
/// # Errors
///
/// [`Error::Refused`](super::error::Error::Refused) when there is no such export; those of the
/// database.
pub async fn discard(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let row = export_run::Entity::find_by_id(id)
        .one(transaction.connection())
        .await?;
    let run = row.map(ExportRun::try_from).transpose()?;
    let run = run.ok_or_else(|| Problem::not_found("id", "export"))?;
    if run.status == ExportStatus::Expired {
        return Ok(());
    }
    write::expire(transaction, id).await?;
    transaction.record(AuditEvent {
        action: "drop",
        subject: NOUN,
        subject_id: id,
        before: Some(json!({ "status": run.status.as_str() })),
        after: None,
    });
    Ok(())
}

/// Tries an export that gave up again, from where it is. One that waits or is being written gets
/// another job, which does nothing while there is a worker at it.
///
/// # Errors
///
/// [`Error::Refused`](super::error::Error::Refused) when there is no such export, or it is at its end.
pub async fn retry(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let row = export_run::Entity::find_by_id(id)
        .one(transaction.connection())
        .await?;
    let run = row.map(ExportRun::try_from).transpose()?;
    let run = run.ok_or_else(|| Problem::not_found("id", "export"))?;
    match run.status {
        ExportStatus::Finished => {
            return Err(Problem::conflict("id", "the export is finished").into());
        }
        ExportStatus::Expired => {
            let message = "its file is not kept any more; start another export";
            return Err(Problem::conflict("id", message).into());
        }
        ExportStatus::Failed => write::wait_again(transaction, id).await?,
        ExportStatus::Waiting | ExportStatus::Running => {}
    }
    transaction.enqueue(job(id));
    Ok(())
}

fn job(export_id: i64) -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!(JobPayload { export_id }),
        unique_key: Some(export_id.to_string()),
        priority: Priority::Normal,
        delay: Duration::ZERO,
    }
}
