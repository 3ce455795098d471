//! Runs: what was read, how far it is, and how much of it became what.

use chrono::{DateTime, Utc};
use entity::import_run;
use sea_orm::sea_query::{Expr, ExprTrait, LockType};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
};

use super::report::{self, Reported};
use super::{Answer, Manner, Outcome, RunStatus};
use crate::domain::actor::{Actor, Caller};
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;

/// What runs are called in the log and by caches.
pub(super) const NOUN: &str = "import_run";

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What is read, e.g. the paths that were given.
    pub source: String,
    /// What it is read as.
    pub format: String,
    /// How documents are taken in.
    pub manner: Manner,
    /// Whether only the report is written.
    pub dry_run: bool,
    /// How many bytes there are to read, where that is known.
    pub total_bytes: Option<u64>,
}

/// How many documents became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New posts.
    pub created: u64,
    /// Posts that changed.
    pub updated: u64,
    /// Sources that are as they were.
    pub skipped: u64,
    /// Revisions beside the head.
    pub conflicted: u64,
    /// Documents that were not imported.
    pub failed: u64,
    /// Documents that made something live, of all the above.
    pub published: u64,
}

impl Counts {
    /// Counts a document.
    pub fn add(&mut self, answer: &Answer) {
        let count = match answer.outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Conflicted(_) => &mut self.conflicted,
            Outcome::Failed(_) => &mut self.failed,
        };
        *count += 1;
        self.published += u64::from(answer.published);
    }

    /// All documents.
    pub fn documents(&self) -> u64 {
        self.created + self.updated + self.skipped + self.conflicted + self.failed
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.skipped += other.skipped;
        self.conflicted += other.conflicted;
        self.failed += other.failed;
        self.published += other.published;
    }
}

/// How far a run is in its files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Files that are done.
    pub file: u64,
    /// Documents that are done of the file after them.
    pub document: u64,
}

/// A run of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRun {
    /// Its key.
    pub id: i64,
    /// What is read, e.g. the names of the files.
    pub source: String,
    /// What it is read as: a word of [`super::Format`], or `documents` for what was not read at all.
    pub format: String,
    /// How documents are taken in.
    pub manner: Manner,
    /// Whether only the report is written.
    pub dry_run: bool,
    /// Whether workers carry it out, from files that are kept in the database.
    pub stored: bool,
    /// Where it stands.
    pub status: RunStatus,
    /// How many documents became what, so far.
    pub counts: Counts,
    /// How far it is.
    pub place: Place,
    /// Bytes that are read, as far as documents are in.
    pub done_bytes: u64,
    /// Bytes there are to read, where that is known.
    pub total_bytes: Option<u64>,
    /// How many documents of the report a revert has dealt with.
    pub reverted: u64,
    /// When the attempt under way began, and how many bytes were read by then.
    pub resumed: Option<(DateTime<Utc>, u64)>,
    /// Why it gave up, or why its last attempt failed.
    pub failure: Option<String>,
    /// Who started it, in words.
    pub actor: String,
    /// The user who started it, or for whom a script did.
    pub user_id: Option<i64>,
    /// The request that started it; what the run changes has it in the log, too.
    pub request_id: Option<String>,
    /// When it was started.
    pub started_at: DateTime<Utc>,
    /// When it last went on.
    pub touched_at: Option<DateTime<Utc>>,
    /// When it came to rest.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How much of a run is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done; documents of the report while it is being taken back.
    pub done: u64,
    /// All of them, where that is known.
    pub total: Option<u64>,
    /// When it will be done, if it goes on as it did so far.
    pub finished_at: Option<DateTime<Utc>>,
}

impl ImportRun {
    /// Who the changes of its batches are made by: a worker, in the request that started the run; or
    /// the command line that did.
    pub fn caller(&self) -> Caller {
        let actor = match self.is_the_operators() {
            true => Actor::CommandLine,
            false => Actor::Worker,
        };
        Caller {
            request_id: self.request_id.clone(),
            ..actor.into()
        }
    }

    /// Whether it was started by the operator of the machine, who is not held to review.
    pub fn is_the_operators(&self) -> bool {
        self.user_id.is_none()
    }

    /// How much of it is done at this time.
    pub fn progress(&self, now: DateTime<Utc>) -> Progress {
        if matches!(self.status, RunStatus::Reverting | RunStatus::Reverted) {
            return Progress {
                done: self.reverted,
                total: Some(self.counts.documents()),
                finished_at: None,
            };
        }
        Progress {
            done: self.done_bytes,
            total: self.total_bytes,
            finished_at: self.estimate(now),
        }
    }

    /// When it will be done, if the attempt under way goes on as it did so far.
    fn estimate(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let ((began, at), total) = (self.resumed?, self.total_bytes?);
        let done = self.done_bytes.checked_sub(at).filter(|done| *done > 0)?;
        if self.status != RunStatus::Running {
            return None;
        }
        let last = self.touched_at.unwrap_or(now);
        let took = u128::try_from((last - began).num_milliseconds()).ok()?;
        let left = u128::from(total.saturating_sub(self.done_bytes));
        let left = i64::try_from(took * left / u128::from(done)).ok()?;
        last.checked_add_signed(chrono::TimeDelta::milliseconds(left))
    }
}

impl From<import_run::Model> for ImportRun {
    fn from(row: import_run::Model) -> Self {
        let count = |value: i32| u64::try_from(value).unwrap_or_default();
        Self {
            id: row.id,
            source: row.source,
            format: row.format,
            manner: Manner {
                publish: row.publish,
                overwrite: row.overwrite,
            },
            dry_run: row.dry_run,
            stored: row.stored,
            status: RunStatus::from_word(&row.status).unwrap_or(RunStatus::Interrupted),
            counts: Counts {
                created: count(row.created),
                updated: count(row.updated),
                skipped: count(row.skipped),
                conflicted: count(row.conflicted),
                failed: count(row.failed),
                published: count(row.published),
            },
            place: Place {
                file: unsigned(row.cursor_file),
                document: unsigned(row.cursor_document),
            },
            done_bytes: unsigned(row.done_bytes),
            total_bytes: row.total_bytes.map(unsigned),
            reverted: unsigned(row.reverted),
            resumed: row.resumed_at.map(|at| (at, unsigned(row.resumed_bytes))),
            failure: row.failure,
            actor: row.actor,
            user_id: row.user_id,
            request_id: row.request_id,
            started_at: row.started_at,
            touched_at: row.touched_at,
            finished_at: row.finished_at,
        }
    }
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Begins a run over files of this machine. One of the same source that is still said to be running
/// was killed, or will find at worst that its documents are in already: it is marked as interrupted.
///
/// # Errors
///
/// Those of the database.
pub async fn begin(store: &Store, run: &NewRun) -> Result<i64> {
    let transaction = Transaction::begin(store, Actor::CommandLine, Action::Import).await?;
    import_run::Entity::update_many()
        .col_expr(
            import_run::Column::Status,
            Expr::value(RunStatus::Interrupted.as_str()),
        )
        .col_expr(
            import_run::Column::FinishedAt,
            Expr::value(transaction.now()),
        )
        .filter(import_run::Column::Status.eq(RunStatus::Running.as_str()))
        .filter(import_run::Column::Source.eq(&run.source))
        .filter(import_run::Column::Stored.eq(false))
        .exec(transaction.connection())
        .await?;
    let id = insert(&transaction, run).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Writes the row of a run that begins.
///
/// # Errors
///
/// Those of the database.
pub async fn insert(transaction: &Transaction<'_>, run: &NewRun) -> Result<i64> {
    let row = row_of(transaction, run, RunStatus::Running);
    Ok(row.insert(transaction.connection()).await?.id)
}

/// The row of a run that the caller of this transaction starts.
pub(super) fn row_of(
    transaction: &Transaction<'_>,
    run: &NewRun,
    status: RunStatus,
) -> import_run::ActiveModel {
    let now = transaction.now();
    import_run::ActiveModel {
        source: Set(run.source.clone()),
        format: Set(run.format.clone()),
        publish: Set(run.manner.publish),
        overwrite: Set(run.manner.overwrite),
        dry_run: Set(run.dry_run),
        status: Set(status.as_str().to_owned()),
        total_bytes: Set(run.total_bytes.map(signed)),
        resumed_at: Set((status == RunStatus::Running).then_some(now)),
        actor: Set(transaction.actor().to_string()),
        user_id: Set(transaction.actor().user_id()),
        request_id: Set(transaction.caller().request_id.clone()),
        started_at: Set(now),
        touched_at: Set(Some(now)),
        ..Default::default()
    }
}

/// The run, which nobody else changes until the transaction ends.
pub(super) async fn lock(transaction: &Transaction<'_>, run_id: i64) -> Result<Option<ImportRun>> {
    let row = import_run::Entity::find_by_id(run_id)
        // Rows that only point at it, as sources do, are not kept waiting.
        .lock(LockType::NoKeyUpdate)
        .one(transaction.connection())
        .await?;
    Ok(row.map(ImportRun::from))
}

/// Takes hold of a run for a batch: nobody else changes it until the transaction ends. Nothing when
/// whoever asks must not go on: the run was cancelled, or it is carried out by workers and another
/// one has gone on from `place` already.
///
/// # Errors
///
/// Those of the database.
pub async fn hold(
    transaction: &Transaction<'_>,
    run_id: i64,
    place: Place,
) -> Result<Option<ImportRun>> {
    let run = lock(transaction, run_id).await?;
    Ok(run.filter(|run| match run.stored {
        true => run.status == RunStatus::Running && run.place == place,
        // One that another of the same source took for dead is alive after all.
        false => matches!(run.status, RunStatus::Running | RunStatus::Interrupted),
    }))
}

/// What a batch adds to its run.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its documents, in their order.
    pub documents: Vec<Reported>,
    /// How far the run is with it.
    pub place: Place,
    /// Bytes that are read with it.
    pub done_bytes: u64,
}

/// Adds a batch to a run that the transaction holds: its counts, its report, and how far the run is.
///
/// # Errors
///
/// Those of the database.
pub async fn record(
    transaction: &mut Transaction<'_>,
    run: &ImportRun,
    batch: &Batch,
) -> Result<()> {
    use import_run::Column;
    let mut counts = Counts::default();
    for document in &batch.documents {
        counts.add(&document.answer);
    }
    let added = [
        (Column::Created, counts.created),
        (Column::Updated, counts.updated),
        (Column::Skipped, counts.skipped),
        (Column::Conflicted, counts.conflicted),
        (Column::Failed, counts.failed),
        (Column::Published, counts.published),
    ];
    let mut update = import_run::Entity::update_many()
        .col_expr(Column::CursorFile, Expr::value(signed(batch.place.file)))
        .col_expr(
            Column::CursorDocument,
            Expr::value(signed(batch.place.document)),
        )
        .col_expr(Column::DoneBytes, Expr::value(signed(batch.done_bytes)))
        .col_expr(Column::TouchedAt, Expr::value(transaction.now()))
        .col_expr(Column::Failures, Expr::value(0))
        .filter(Column::Id.eq(run.id));
    for (column, count) in added {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        update = update.col_expr(column, Expr::col(column).add(count));
    }
    update.exec(transaction.connection()).await?;
    report::write(transaction, run, &batch.documents).await?;
    transaction.touch(CacheTag::Row(NOUN, run.id));
    Ok(())
}

/// Ends a run that came to its end, or was stopped. One that was cancelled meanwhile stays so.
///
/// # Errors
///
/// Those of the database.
pub async fn finish(store: &Store, caller: Caller, run_id: i64, status: RunStatus) -> Result<()> {
    let mut transaction = Transaction::begin(store, caller, Action::Import).await?;
    let going = [RunStatus::Running, RunStatus::Interrupted].map(RunStatus::as_str);
    import_run::Entity::update_many()
        .col_expr(import_run::Column::Status, Expr::value(status.as_str()))
        .col_expr(
            import_run::Column::FinishedAt,
            Expr::value(transaction.now()),
        )
        .col_expr(
            import_run::Column::TouchedAt,
            Expr::value(transaction.now()),
        )
        .col_expr(import_run::Column::Failure, Expr::value(None::<String>))
        .filter(import_run::Column::Id.eq(run_id))
        .filter(import_run::Column::Status.is_in(going))
        .exec(transaction.connection())
        .await?;
    transaction.touch(CacheTag::Row(NOUN, run_id));
    transaction.touch(CacheTag::List(NOUN));
    transaction.commit().await
}
