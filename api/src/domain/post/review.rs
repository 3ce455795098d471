//! Reviews: a revision is looked at by somebody before it goes live.

use entity::{post, revision, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::content::RevisionStatus;
use super::create::SavedPost;
use super::lock::lock;
use super::schedule;
use super::switch::move_to;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::permission::Role;
use crate::domain::transaction::Transaction;

/// What a reviewer says of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may go live.
    Approve,
    /// It may not, and the comment says why.
    Reject,
}

/// Asks for a review of a revision, the newest one unless another is named, by `reviewer_id` or by
/// whoever gets to it first.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post, revision or reviewer, or the revision was live.
pub async fn request_review(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    revision_id: Option<i64>,
    reviewer_id: Option<i64>,
    comment: Option<String>,
) -> Result<SavedPost> {
    let post = lock(transaction, post_id).await?;
    let found = find(transaction, &post, revision_id.unwrap_or(post.head_content)).await?;
    let mut problems = Vec::new();
    problems.extend(check_status(&found));
    if let Some(reviewer_id) = reviewer_id {
        let reviewer = user::Entity::find_by_id(reviewer_id)
            .one(transaction.connection())
            .await?;
        let may_review = reviewer.is_some_and(|user| {
            user.disabled_at.is_none()
                && Role::from_word(&user.role).is_some_and(|role| role >= Role::Editor)
        });
        if !may_review {
            let message = "name a user who is an editor or an admin, or leave it to anyone";
            problems.push(Problem::invalid("reviewer", message));
        }
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    revision::ActiveModel {
        id: Set(found.id),
        reviewer_id: Set(reviewer_id),
        ..Default::default()
    }
    .update(transaction.connection())
    .await?;
    let status = RevisionStatus::InReview;
    step(transaction, &found, status, "request_review", comment).await
}

/// Approves or rejects a revision. A rejected one that was to go live by itself no longer will.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such revision, it was live, nothing is said about why it is
/// rejected, or its author approves it where reviews are required.
pub async fn review(
    transaction: &mut Transaction<'_>,
    revision_id: i64,
    verdict: Verdict,
    comment: Option<String>,
) -> Result<SavedPost> {
    let post_id = revision::Entity::find_by_id(revision_id)
        .one(transaction.connection())
        .await?
        .ok_or_else(|| Problem::not_found("revision", "revision"))?
        .post_id;
    let post = lock(transaction, post_id).await?;
    let found = find(transaction, &post, revision_id).await?;
    let mut problems = Vec::new();
    problems.extend(check_status(&found));
    let comment = comment.filter(|comment| !comment.trim().is_empty());
    match verdict {
        Verdict::Approve => {
            let own = found.author_id.is_some() && found.author_id == transaction.actor().user_id();
            if own && transaction.review_required() {
                let message = "somebody other than its author has to approve a revision here";
                problems.push(Problem::conflict("revision", message));
            }
        }
        Verdict::Reject if comment.is_none() => {
            problems.push(Problem::invalid("comment", "say what has to change"));
        }
        Verdict::Reject => {}
    }
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    match verdict {
        Verdict::Approve => {
            let status = RevisionStatus::Approved;
            step(transaction, &found, status, "approve", comment).await
        }
        Verdict::Reject => {
            schedule::forget_publication(transaction, &found).await?;
            let status = RevisionStatus::Rejected;
            step(transaction, &found, status, "reject", comment).await
        }
    }
}

/// The revision, which must be one of the post.
async fn find(
    transaction: &Transaction<'_>,
    post: &post::Model,
    revision_id: i64,
) -> Result<revision::Model> {
    revision::Entity::find_by_id(revision_id)
        .filter(revision::Column::PostId.eq(post.id))
        .one(transaction.connection())
        .await?
        .ok_or_else(|| Problem::not_found("revision", "revision of this post").into())
}

/// Only what was never live is reviewed.
fn check_status(revision: &revision::Model) -> Option<Problem> {
    use RevisionStatus::{Approved, Drafted, InReview, Rejected};
    let status = RevisionStatus::from_word(&revision.status)?;
    if [Drafted, InReview, Approved, Rejected].contains(&status) {
        return None;
    }
    let message = format!(
        "revision {} is or was live; review a newer one",
        revision.number
    );
    Some(Problem::conflict("revision", message))
}

/// Moves a revision on, and tells the log.
async fn step(
    transaction: &mut Transaction<'_>,
    revision: &revision::Model,
    status: RevisionStatus,
    action: &'static str,
    comment: Option<String>,
) -> Result<SavedPost> {
    move_to(transaction, revision.id, status, comment.clone()).await?;
    transaction.record(AuditEvent {
        action,
        subject: "post",
        subject_id: revision.post_id,
        before: Some(json!({ "revision": revision.id, "status": revision.status })),
        after: Some(json!({
            "revision": revision.id,
            "status": status.as_str(),
            "comment": comment,
        })),
    });
    Ok(SavedPost {
        post_id: revision.post_id,
        revision_id: revision.id,
    })
}
