//! Plans: a revision goes live, or a post out of sight, at a time to come.
//!
//! A plan is a row, and a job for each of its times that waits in the queue. The job carries its
//! time and does something only while the plan still has that very time: one that was called off
//! or moved, and one that runs twice, finds nothing to do. No clock is asked but the queue's.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use entity::{post_content, post_schedule, revision, user};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::lock::lock;
use super::publish::{IN_TRASH, ReviewStanding, publish, unpublish};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::permission::Role;
use crate::domain::transaction::Transaction;
use crate::queue::{NewJob, Priority};

/// How far ahead something can be planned.
pub(in crate::domain) const FURTHEST: TimeDelta = TimeDelta::days(3_650);

/// The kind of the jobs that carry out plans.
pub const JOB_KIND: &str = "scheduled_post";

/// What such a job is told.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct JobPayload {
    /// The post.
    pub post_id: i64,
    /// The time of the plan, in microseconds since 1970.
    pub time: i64,
}

/// Plans that a revision, the newest one unless another is named, goes live at `publish_at`, and
/// that the post goes out of sight at `unpublish_at`. It takes the place of an earlier plan.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post or revision, it may not go live, or the times are
/// not to come or in the wrong order.
pub async fn schedule(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    revision_id: Option<i64>,
    publish_at: Option<DateTime<Utc>>,
    unpublish_at: Option<DateTime<Utc>>,
) -> Result<()> {
    // The precision that both databases keep, so that the job finds the very same times.
    let [publish_at, unpublish_at] =
        [publish_at, unpublish_at].map(|time| time.map(|time| time.trunc_subsecs(6)));
    let post = lock(transaction, post_id).await?;
    let mut problems = Vec::new();
    if post.trashed_at.is_some() {
        problems.push(Problem::conflict("id", IN_TRASH));
    }
    problems.extend(check_times(
        transaction.now(),
        publish_at,
        unpublish_at,
        post.live_content.is_some(),
    ));
    let revision_id = revision_id.unwrap_or(post.head_content);
    let content = post_content::Entity::find_by_id(revision_id)
        .filter(post_content::Column::PostId.eq(post_id))
        .one(transaction.connection())
        .await?;
    match content {
        None => problems.push(Problem::not_found("revision", "revision of this post")),
        Some(content) if publish_at.is_some() => {
            let standing = ReviewStanding::of(transaction, &content).await?;
            let objection = standing.objection(transaction.review_required());
            problems
                .extend(objection.map(|(code, message)| Problem::new(code, "revision", message)));
        }
        Some(_) => {}
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    let row = post_schedule::ActiveModel {
        post_id: Set(post_id),
        revision_id: Set(revision_id),
        publish_at: Set(publish_at),
        unpublish_at: Set(unpublish_at),
        scheduled_by: Set(transaction.actor().user_id()),
        scheduled_at: Set(transaction.now()),
    };
    use post_schedule::Column;
    post_schedule::Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::PostId)
                .update_columns([
                    Column::RevisionId,
                    Column::PublishAt,
                    Column::UnpublishAt,
                    Column::ScheduledBy,
                    Column::ScheduledAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    for time in [publish_at, unpublish_at].into_iter().flatten() {
        let job = job(transaction.now(), post_id, time);
        transaction.enqueue(job);
    }
    transaction.record(AuditEvent {
        action: "schedule",
        subject: "post",
        subject_id: post_id,
        before: None,
        after: Some(json!({
            "revision": revision_id,
            "publishAt": publish_at,
            "unpublishAt": unpublish_at,
        })),
    });
    Ok(())
}

fn check_times(
    now: DateTime<Utc>,
    publish_at: Option<DateTime<Utc>>,
    unpublish_at: Option<DateTime<Utc>>,
    live: bool,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if publish_at.is_none() && unpublish_at.is_none() {
        problems.push(Problem::invalid(
            "at",
            "give a time to publish, to unpublish, or both",
        ));
    }
    if publish_at.is_some_and(|time| time <= now) {
        let message = "is in the past; give a time to come, or publish now";
        problems.push(Problem::invalid("at", message));
    }
    for (field, time) in [("at", publish_at), ("unpublishAt", unpublish_at)] {
        if time.is_some_and(|time| time > now + FURTHEST) {
            let message = format!("is more than {} days ahead", FURTHEST.num_days());
            problems.push(Problem::invalid(field, message));
        }
    }
    if let Some(until) = unpublish_at {
        if until <= publish_at.unwrap_or(now) {
            let message = "must come after now and after the time of publishing";
            problems.push(Problem::invalid("unpublishAt", message));
        } else if publish_at.is_none() && !live {
            let message = "the post is not live, so give a time to publish it, too";
            problems.push(Problem::conflict("unpublishAt", message));
        }
    }
    problems
}

fn job(now: DateTime<Utc>, post_id: i64, time: DateTime<Utc>) -> NewJob {
    let time_micros = time.timestamp_micros();
    NewJob {
        kind: JOB_KIND,
        payload: json!(JobPayload {
            post_id,
            time: time_micros
        }),
        unique_key: Some(format!("{post_id} {time_micros}")),
        // Ahead of what can wait: people look at the clock.
        priority: Priority::High,
        delay: (time - now).to_std().unwrap_or(Duration::ZERO),
    }
}

/// Calls off what is planned for a post. Nothing may be planned.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn cancel(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    lock(transaction, post_id).await?;
    if let Some(known) = find(transaction, post_id).await? {
        forget(transaction, &[post_id]).await?;
        transaction.record(AuditEvent {
            action: "cancel_schedule",
            subject: "post",
            subject_id: post_id,
            before: Some(json!({
                "revision": known.revision_id,
                "publishAt": known.publish_at,
                "unpublishAt": known.unpublish_at,
            })),
            after: None,
        });
    }
    Ok(())
}

/// Does what is planned for a post at exactly `time`, and answers whether there was anything.
///
/// # Errors
///
/// [`Error::Refused`] when it can't be done any more; then [`give_up`] says so.
pub async fn carry_out(
    transaction: &mut Transaction<'_>,
    JobPayload { post_id, time }: JobPayload,
) -> Result<bool> {
    if find(transaction, post_id).await?.is_none() {
        return Ok(false);
    }
    lock(transaction, post_id).await?;
    // Again, for it may have been moved while we waited for the post.
    let Some(known) = find(transaction, post_id).await? else {
        return Ok(false);
    };
    let is_due = |planned: Option<DateTime<Utc>>| {
        planned.is_some_and(|planned| planned.timestamp_micros() == time)
    };
    if is_due(known.publish_at) {
        check_planner(transaction, known.scheduled_by).await?;
        // Takes the time out of the plan, too.
        publish(transaction, post_id, known.revision_id).await?;
        Ok(true)
    } else if is_due(known.unpublish_at) {
        unpublish(transaction, post_id).await?;
        Ok(true)
    } else {
        Ok(false)
    }
}

/// Whoever planned it must still be trusted with it.
async fn check_planner(transaction: &Transaction<'_>, planner: Option<i64>) -> Result<()> {
    let Some(planner) = planner else {
        return Ok(());
    };
    let user = user::Entity::find_by_id(planner)
        .one(transaction.connection())
        .await?;
    if user.is_some_and(|user| is_trusted(&user)) {
        return Ok(());
    }
    let message = "whoever planned it may no longer publish; plan it again";
    Err(Problem::conflict("id", message).into())
}

/// Whether a user may publish at all.
pub(super) fn is_trusted(user: &user::Model) -> bool {
    user.disabled_at.is_none()
        && Role::from_word(&user.role).is_some_and(|role| role >= Role::Author)
}

/// Takes a plan away that can't be carried out, and says why in the log.
///
/// # Errors
///
/// Those of the database.
pub async fn give_up(transaction: &mut Transaction<'_>, post_id: i64, reason: &str) -> Result<()> {
    forget(transaction, &[post_id]).await?;
    transaction.record(AuditEvent {
        action: "schedule_failed",
        subject: "post",
        subject_id: post_id,
        before: None,
        after: Some(json!({ "reason": reason })),
    });
    Ok(())
}

async fn find(transaction: &Transaction<'_>, post_id: i64) -> Result<Option<post_schedule::Model>> {
    let found = post_schedule::Entity::find_by_id(post_id);
    Ok(found.one(transaction.connection()).await?)
}

/// Forgets everything that is planned for posts.
pub(super) async fn forget(transaction: &Transaction<'_>, post_ids: &[i64]) -> Result<()> {
    if post_ids.is_empty() {
        return Ok(());
    }
    post_schedule::Entity::delete_many()
        .filter(post_schedule::Column::PostId.is_in(post_ids.iter().copied()))
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// Takes the time of publishing out of the plans of posts that went live, by them or not.
pub(super) async fn published(transaction: &Transaction<'_>, post_ids: &[i64]) -> Result<()> {
    use post_schedule::Column::{PostId, PublishAt, UnpublishAt};
    if post_ids.is_empty() {
        return Ok(());
    }
    let planned = || PostId.is_in(post_ids.iter().copied());
    post_schedule::Entity::delete_many()
        .filter(planned())
        .filter(UnpublishAt.is_null())
        .exec(transaction.connection())
        .await?;
    post_schedule::Entity::update_many()
        .col_expr(PublishAt, Expr::val(None::<DateTime<Utc>>))
        .filter(planned())
        .filter(PublishAt.is_not_null())
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// Forgets that a revision was to go live.
pub(super) async fn forget_publication(
    transaction: &Transaction<'_>,
    revision: &revision::Model,
) -> Result<()> {
    let planned = find(transaction, revision.post_id).await?;
    if planned.is_some_and(|planned| planned.revision_id == revision.id) {
        forget(transaction, &[revision.post_id]).await?;
    }
    Ok(())
}
