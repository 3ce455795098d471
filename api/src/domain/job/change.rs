//! Stepping in: calling jobs off, trying them again, pausing kinds.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::kind::check_kind;
use super::{JobFilter, JobKind, Status};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;
use crate::domain::webhook;
use crate::queue::{self, Cancelled, Retried};

/// How many dead jobs are tried again at once.
pub const MOST_RETRIED: u64 = 1_000;

/// Calls a job off: one that waits at once, one that runs as soon as its handler ends. A dead one is
/// put aside: it counts as dead no more.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such job, or it was over
/// already.
pub async fn cancel(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let (connection, clock) = (transaction.connection(), transaction.clock());
    let after = match queue::cancel(connection, clock, id).await? {
        Cancelled::AtOnce => json!({ "status": Status::Cancelled.name() }),
        Cancelled::Requested => json!({ "cancelRequested": true }),
        Cancelled::Over(Status::Cancelled) => return Ok(()),
        Cancelled::Over(_) => {
            return Err(Problem::conflict("id", "the job has done its work already").into());
        }
        Cancelled::Unknown => return Err(Problem::not_found("id", "job").into()),
    };
    if let Some(delivery) = delivery_of(transaction, id).await? {
        webhook::call_off(transaction, delivery).await?;
    }
    record(transaction, "cancel", id, None, after);
    Ok(())
}

/// Lets a job be due now: one that is dead or cancelled, with all its attempts again, or that waits
/// for its next attempt.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such job, it runs, has
/// done its work, or waits for its first attempt.
pub async fn retry(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let (connection, clock) = (transaction.connection(), transaction.clock());
    let refuse = |message| Err(Problem::conflict("id", message).into());
    match queue::retry_now(connection, clock, id).await? {
        Retried::Due => {}
        Retried::NotTried => {
            return refuse("the job has not been tried yet; it runs when it is due");
        }
        Retried::Running => return refuse("the job runs at this moment"),
        Retried::Done => return refuse("the job has done its work, which is not done again"),
        Retried::Unknown => return Err(Problem::not_found("id", "job").into()),
    }
    if let Some(delivery) = delivery_of(transaction, id).await? {
        webhook::take_up(transaction, delivery).await?;
    }
    transaction.wake_workers();
    let after = json!({ "status": Status::Waiting.name() });
    record(transaction, "retry", id, None, after);
    Ok(())
}

/// The attempt at a delivery that a job is for, if it is for one.
async fn delivery_of(
    transaction: &Transaction<'_>,
    id: i64,
) -> Result<Option<webhook::JobPayload>> {
    let job = queue::read(transaction.connection(), id).await?;
    let job = job.filter(|job| job.kind == webhook::JOB_KIND);
    Ok(job
        .map(|job| serde_json::from_value(job.payload))
        .transpose()?)
}

/// What came of trying dead jobs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetriedDead {
    /// How many are due now.
    pub retried: u64,
    /// How many more there are.
    pub left: u64,
}

/// Lets the dead jobs of a kind be due now, those that died at `since` or later, or all of them; the
/// oldest first, [`MOST_RETRIED`] at a time.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such kind.
pub async fn retry_dead(
    transaction: &mut Transaction<'_>,
    known: &[JobKind],
    kind: &str,
    since: Option<DateTime<Utc>>,
) -> Result<RetriedDead> {
    check_kind(transaction.connection(), known, kind).await?;
    let (connection, clock) = (transaction.connection(), transaction.clock());
    let ids = queue::retry_dead(connection, clock, kind, since, MOST_RETRIED).await?;
    let dead = JobFilter {
        kinds: vec![kind.to_owned()],
        statuses: vec![Status::Dead],
        finished_from: since,
        ..JobFilter::default()
    };
    let left = queue::count(connection, &dead).await?;
    let before = json!({ "status": Status::Dead.name() });
    let after = json!({ "status": Status::Waiting.name() });
    for id in &ids {
        record(
            transaction,
            "retry",
            *id,
            Some(before.clone()),
            after.clone(),
        );
    }
    if !ids.is_empty() {
        transaction.wake_workers();
    }
    Ok(RetriedDead {
        retried: u64::try_from(ids.len()).unwrap_or(u64::MAX),
        left,
    })
}

/// Lets no worker begin jobs of this kind until it is resumed. They are kept, those that run go on,
/// and new ones are written as ever. A kind that is paused stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such kind.
pub async fn pause_kind(
    transaction: &mut Transaction<'_>,
    known: &[JobKind],
    kind: &str,
) -> Result<()> {
    check_kind(transaction.connection(), known, kind).await?;
    let by = transaction.actor().to_string();
    let (connection, clock) = (transaction.connection(), transaction.clock());
    if queue::pause(connection, clock, kind, &by).await? {
        record_kind(transaction, "pause", kind, true);
    }
    Ok(())
}

/// Lets workers begin jobs of this kind again. A kind that is not paused stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such kind.
pub async fn resume_kind(
    transaction: &mut Transaction<'_>,
    known: &[JobKind],
    kind: &str,
) -> Result<()> {
    if queue::resume(transaction.connection(), kind).await? {
        transaction.wake_workers();
        record_kind(transaction, "resume", kind, false);
        return Ok(());
    }
    check_kind(transaction.connection(), known, kind).await
}

fn record(
    transaction: &mut Transaction<'_>,
    action: &'static str,
    id: i64,
    before: Option<Value>,
    after: Value,
) {
    transaction.record(AuditEvent {
        action,
        subject: "job",
        subject_id: id,
        before,
        after: Some(after),
    });
}

/// Kinds have names and no keys.
fn record_kind(transaction: &mut Transaction<'_>, action: &'static str, kind: &str, paused: bool) {
    transaction.record(AuditEvent {
        action,
        subject: "job_kind",
        subject_id: 0,
        before: Some(json!({ "kind": kind, "paused": !paused })),
        after: Some(json!({ "kind": kind, "paused": paused })),
    });
}
