//! Letting a release ship by itself at a set time.

use chrono::{DateTime, SubsecRound, Utc};
use entity::release;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::ReleaseStatus;
use super::edit::touch;
use super::lock::{lock, lock_named};
use super::ship::{go_live, prepare};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::post::FURTHEST;
use crate::domain::transaction::Transaction;
use crate::queue::{NewJob, Priority};

/// The kind of the jobs that ship scheduled releases.
pub const JOB_KIND: &str = "ship_release";

/// What such a job is told. It ships the release only while that is scheduled for exactly this
/// time, so a schedule that was moved or cancelled leaves a job behind that does nothing, and which
/// clock says that it is due does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobPayload {
    /// The release.
    pub release_id: i64,
    /// The time it was scheduled for, in microseconds since 1970.
    pub ship_at: i64,
}

/// Lets a release ship by itself at a time to come. One that is scheduled already gets the new time
/// instead. What stands in its way is looked for now, and again when it ships.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) with everything that would stand in its
/// way if it shipped now, and when the time is not to come.
pub async fn schedule(transaction: &mut Transaction<'_>, id: i64, at: DateTime<Utc>) -> Result<()> {
    // The precision that both databases keep, so that the job finds the very same time.
    let at = at.trunc_subsecs(6);
    let release = lock_named(transaction, id, "id").await?;
    let (plan, _) = prepare(transaction, release).await?;
    let mut problems = plan.problems();
    let delay = (at - transaction.now()).to_std().ok();
    let delay = delay.filter(|delay| !delay.is_zero());
    let Some(delay) = delay else {
        problems.push(Problem::new(
            ProblemCode::Invalid,
            "at",
            "has passed; give a time to come, or ship the release now",
        ));
        return Err(problems.into());
    };
    if at > transaction.now() + FURTHEST {
        let message = format!("is more than {} days ahead", FURTHEST.num_days());
        problems.push(Problem::invalid("at", message));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let row = release::ActiveModel {
        id: Set(id),
        status: Set(ReleaseStatus::Scheduled.as_str().to_owned()),
        ship_at: Set(Some(at)),
        ship_failed_at: Set(None),
        ship_problems: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    let payload = JobPayload {
        release_id: id,
        ship_at: at.timestamp_micros(),
    };
    transaction.enqueue(NewJob {
        kind: JOB_KIND,
        payload: serde_json::to_value(payload)?,
        unique_key: Some(format!("{id}:{}", payload.ship_at)),
        // People wait for it.
        priority: Priority::High,
        delay,
    });
    touch(transaction, id);
    transaction.record(AuditEvent {
        action: "schedule",
        subject: "release",
        subject_id: id,
        before: Some(json!({ "shipAt": plan.release.ship_at })),
        after: Some(json!({ "shipAt": at })),
    });
    Ok(())
}

/// Takes a scheduled release off its schedule; it is open again.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release, or it is
/// not scheduled.
pub async fn cancel(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let release = lock_named(transaction, id, "id").await?;
    if release.status != ReleaseStatus::Scheduled {
        let message = format!(
            "the release {}, so there is no schedule to cancel",
            release.status.in_words()
        );
        return Err(Problem::conflict("id", message).into());
    }
    let row = release::ActiveModel {
        id: Set(id),
        status: Set(ReleaseStatus::Open.as_str().to_owned()),
        ship_at: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    touch(transaction, id);
    transaction.record(AuditEvent {
        action: "cancel_schedule",
        subject: "release",
        subject_id: id,
        before: Some(json!({ "shipAt": release.ship_at })),
        after: Some(json!({ "shipAt": null })),
    });
    Ok(())
}

/// Ships a release whose time has come. When something stands in its way it is open again, and says
/// why. Does nothing when it is not scheduled for this very time any more.
///
/// # Errors
///
/// Those of the database.
pub async fn ship_as_scheduled(
    transaction: &mut Transaction<'_>,
    payload: &JobPayload,
) -> Result<()> {
    let Some(release) = lock(transaction, payload.release_id).await? else {
        return Ok(());
    };
    let planned = release.ship_at.map(|at| at.timestamp_micros());
    if release.status != ReleaseStatus::Scheduled || planned != Some(payload.ship_at) {
        return Ok(());
    }
    let (plan, posts) = prepare(transaction, release).await?;
    if plan.conflicts.is_empty() {
        return go_live(transaction, &plan, posts).await;
    }
    let problems: Vec<&str> = plan
        .conflicts
        .iter()
        .map(|conflict| conflict.message.as_str())
        .collect();
    let row = release::ActiveModel {
        id: Set(payload.release_id),
        status: Set(ReleaseStatus::Open.as_str().to_owned()),
        ship_at: Set(None),
        ship_failed_at: Set(Some(transaction.now())),
        ship_problems: Set(Some(json!(problems))),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    touch(transaction, payload.release_id);
    transaction.record(AuditEvent {
        action: "fail_to_ship",
        subject: "release",
        subject_id: payload.release_id,
        before: Some(json!({ "shipAt": plan.release.ship_at })),
        after: Some(json!({ "shipAt": null, "problems": problems })),
    });
    Ok(())
}
