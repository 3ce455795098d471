//! What people do with a run, and what workers do with it between batches.

use std::time::Duration;

use entity::{import_chunk, import_run};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RunStatus;
use super::run::{ImportRun, NOUN, lock};
use super::stored::DAYS_KEPT;
use crate::domain::actor::Actor;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;
use crate::queue::{self, NewJob, Priority};

/// The kind of jobs that carry out a run.
pub const JOB_KIND: &str = "import";

/// The kind of jobs that take a run back.
pub const REVERT_JOB_KIND: &str = "revert_import";

/// Attempts that may fail one after the other, without a document getting in, before a run gives up.
const MOST_FAILURES: i32 = 10;

/// What such a job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPayload {
    /// The run.
    pub run_id: i64,
}

/// The job that carries out a run, from where it is.
pub fn job(run_id: i64) -> NewJob {
    new_job(JOB_KIND, run_id)
}

fn new_job(kind: &'static str, run_id: i64) -> NewJob {
    NewJob {
        kind,
        payload: json!(JobPayload { run_id }),
        unique_key: Some(run_id.to_string()),
        priority: Priority::Normal,
        delay: Duration::ZERO,
    }
}

/// Stops a run before its end. What is in stays. One that was cancelled already stays so.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such run, or nothing to
/// stop.
pub async fn cancel(transaction: &mut Transaction<'_>, run_id: i64) -> Result<()> {
    let run = existing(transaction, run_id).await?;
    let objection = match run.status {
        RunStatus::Cancelled => return Ok(()),
        RunStatus::Waiting | RunStatus::Running => None,
        RunStatus::Uploading => Some("the files are still on their way; break off the upload"),
        RunStatus::Finished => Some("the import is finished; revert it to take it back"),
        RunStatus::Failed | RunStatus::Interrupted => Some("the import has stopped already"),
        RunStatus::Reverting => Some("the import is being taken back, and that is done to its end"),
        RunStatus::Reverted => Some("the import was taken back already"),
    };
    refuse(objection)?;
    put(transaction, &run, RunStatus::Cancelled, "cancel").await?;
    let key = run_id.to_string();
    let jobs = queue::find_by_key(transaction.connection(), &[JOB_KIND], &[key]).await?;
    for job in jobs.iter().filter(|job| !job.status.is_over()) {
        queue::cancel(transaction.connection(), transaction.clock(), job.id).await?;
    }
    Ok(())
}

/// Whether somebody has stopped a run.
///
/// # Errors
///
/// Those of the database.
pub async fn is_cancelled(store: &Store, run_id: i64) -> Result<bool> {
    let run = import_run::Entity::find_by_id(run_id)
        .one(store.database.reader())
        .await?;
    Ok(run.is_some_and(|run| run.status == RunStatus::Cancelled.as_str()))
}

/// Goes on with a run that was stopped, from where it stopped. One that waits or runs gets another
/// job, which does nothing while there is a worker at it.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such run, it is at its
/// end, or its files are gone.
pub async fn resume(transaction: &mut Transaction<'_>, run_id: i64) -> Result<()> {
    let run = existing(transaction, run_id).await?;
    let objection = match run.status {
        RunStatus::Waiting
        | RunStatus::Running
        | RunStatus::Cancelled
        | RunStatus::Failed
        | RunStatus::Interrupted => None,
        RunStatus::Uploading => Some("the files are still on their way"),
        RunStatus::Finished => Some("the import is finished"),
        RunStatus::Reverting | RunStatus::Reverted => {
            Some("the import was taken back; upload its files again")
        }
    };
    refuse(objection)?;
    if !run.stored {
        let message = "the files are on the machine where the import was started; run `alphanode \
                       import` there again, what is in is skipped";
        return Err(Problem::conflict("id", message).into());
    }
    let chunks = import_chunk::Entity::find()
        .filter(import_chunk::Column::ImportRunId.eq(run_id))
        .count(transaction.connection())
        .await?;
    if chunks == 0 {
        let message = format!("its files were kept for {DAYS_KEPT} days; upload them again");
        return Err(Problem::conflict("id", message).into());
    }
    if run.status.is_at_rest() {
        put(transaction, &run, RunStatus::Waiting, "resume").await?;
    }
    transaction.enqueue(job(run_id));
    Ok(())
}

/// Takes a run back: workers put the posts that it made into the trash, and let those that it changed
/// show what they showed before, but for those that were changed since. One that was taken back
/// already stays so.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such run, or it has not
/// come to rest, or it wrote nothing.
pub async fn revert(transaction: &mut Transaction<'_>, run_id: i64) -> Result<()> {
    let run = existing(transaction, run_id).await?;
    let objection = match run.status {
        _ if run.dry_run => Some("a dry run writes nothing, so there is nothing to take back"),
        RunStatus::Reverted => return Ok(()),
        RunStatus::Reverting
        | RunStatus::Finished
        | RunStatus::Failed
        | RunStatus::Interrupted
        | RunStatus::Cancelled => None,
        RunStatus::Uploading | RunStatus::Waiting | RunStatus::Running => {
            Some("the import is not at its end; cancel it first")
        }
    };
    refuse(objection)?;
    if run.status != RunStatus::Reverting {
        put(transaction, &run, RunStatus::Reverting, "revert").await?;
    }
    transaction.enqueue(new_job(REVERT_JOB_KIND, run_id));
    Ok(())
}

/// Begins an attempt at a run. Nothing when there is nothing to do: it is at its end, or was
/// cancelled.
///
/// # Errors
///
/// Those of the database.
pub async fn start(store: &Store, run_id: i64) -> Result<Option<ImportRun>> {
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Import).await?;
    let run = lock(&transaction, run_id).await?;
    let going = |run: &ImportRun| matches!(run.status, RunStatus::Waiting | RunStatus::Running);
    let Some(mut run) = run.filter(|run| run.stored && going(run)) else {
        transaction.roll_back().await?;
        return Ok(None);
    };
    run.status = RunStatus::Running;
    run.resumed = Some((transaction.now(), run.done_bytes));
    use import_run::Column;
    import_run::Entity::update_many()
        .col_expr(Column::Status, Expr::value(run.status.as_str()))
        .col_expr(Column::ResumedAt, Expr::value(transaction.now()))
        .col_expr(Column::ResumedBytes, Expr::col(Column::DoneBytes))
        .col_expr(Column::TouchedAt, Expr::value(transaction.now()))
        .filter(Column::Id.eq(run_id))
        .exec(transaction.connection())
        .await?;
    told(&mut transaction, run_id);
    transaction.commit().await?;
    Ok(Some(run))
}

/// Notes that an attempt at a run failed. Answers how long the next one waits; nothing when the run has
/// given up by that.
///
/// # Errors
///
/// Those of the database.
pub async fn fail(store: &Store, run_id: i64, reason: &str) -> Result<Option<Duration>> {
    use import_run::Column;
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Import).await?;
    let row = import_run::Entity::find_by_id(run_id)
        .one(transaction.connection())
        .await?;
    let Some(row) = row.filter(|row| row.status == RunStatus::Running.as_str()) else {
        return Ok(None);
    };
    let failures = row.failures + 1;
    let gives_up = failures >= MOST_FAILURES;
    let mut update = import_run::Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures))
        .col_expr(Column::Failure, Expr::value(reason))
        .filter(Column::Id.eq(run_id));
    if gives_up {
        update = update
            .col_expr(Column::Status, Expr::value(RunStatus::Failed.as_str()))
            .col_expr(Column::FinishedAt, Expr::value(transaction.now()))
            .col_expr(Column::TouchedAt, Expr::value(transaction.now()));
    }
    update.exec(transaction.connection()).await?;
    told(&mut transaction, run_id);
    transaction.commit().await?;
    Ok((!gives_up).then(|| wait_after(failures)))
}

/// How long the next attempt waits when so many have failed one after the other: ten seconds, doubled
/// with each. Workers that were killed count for nothing here.
pub(in crate::domain) fn wait_after(failures: i32) -> Duration {
    let doubled = u32::try_from(failures - 1).unwrap_or_default().min(12);
    Duration::from_secs(10 << doubled)
}

async fn existing(transaction: &Transaction<'_>, run_id: i64) -> Result<ImportRun> {
    let run = lock(transaction, run_id).await?;
    run.ok_or_else(|| Problem::not_found("id", "import").into())
}

fn refuse(objection: Option<&str>) -> Result<()> {
    match objection {
        Some(message) => Err(Problem::conflict("id", message).into()),
        None => Ok(()),
    }
}

/// Puts a run at another status, and says so.
async fn put(
    transaction: &mut Transaction<'_>,
    run: &ImportRun,
    status: RunStatus,
    action: &'static str,
) -> Result<()> {
    use import_run::Column;
    let now = transaction.now();
    import_run::Entity::update_many()
        .col_expr(Column::Status, Expr::value(status.as_str()))
        .col_expr(
            Column::FinishedAt,
            Expr::value(status.is_at_rest().then_some(now)),
        )
        .col_expr(Column::TouchedAt, Expr::value(now))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::Failure, Expr::value(None::<String>))
        .filter(Column::Id.eq(run.id))
        .exec(transaction.connection())
        .await?;
    transaction.record(AuditEvent {
        action,
        subject: NOUN,
        subject_id: run.id,
        before: Some(json!({ "status": run.status.as_str() })),
        after: Some(json!({ "status": status.as_str() })),
    });
    told(transaction, run.id);
    Ok(())
}

fn told(transaction: &mut Transaction<'_>, run_id: i64) {
    transaction.touch(CacheTag::Row(NOUN, run_id));
    transaction.touch(CacheTag::List(NOUN));
}
