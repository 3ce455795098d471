//! Publishing: one revision becomes what the public sees, the one before it becomes history.

use entity::{post_content, publication, revision};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::content::RevisionStatus;
use super::lock::lock;
use super::schedule;
use super::switch::{Switch, switch};
use crate::domain::actor::Actor;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::transaction::Transaction;

/// Makes a revision live. A post that was live under another slug leaves a redirect behind. A
/// revision that is live already stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such revision of this
/// post, the post is in the trash, or the revision was rejected or has to be reviewed first.
pub async fn publish(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    revision_id: i64,
) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    let content = post_content::Entity::find_by_id(revision_id)
        .filter(post_content::Column::PostId.eq(post_id))
        .one(transaction.connection())
        .await?
        .ok_or_else(|| Problem::not_found("revision", "revision of this post"))?;
    if post.trashed_at.is_some() {
        return Err(Problem::conflict("id", IN_TRASH).into());
    }
    if post.live_content == Some(revision_id) {
        return schedule::published(transaction, &[post_id]).await;
    }
    // The command line and imports are the operator's own decision.
    if transaction.actor() != Actor::CommandLine {
        let standing = ReviewStanding::of(transaction, &content).await?;
        if let Some((code, message)) = standing.objection(transaction.review_required()) {
            return Err(Problem::new(code, "revision", message).into());
        }
    }
    let to = Some(revision_id);
    switch(transaction, &[Switch { post, to }]).await
}

/// Takes a post out of the public's sight and calls off what is planned for it; its revisions stay.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post.
pub async fn unpublish(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    schedule::forget(transaction, &[post_id]).await?;
    switch(transaction, &[Switch { post, to: None }]).await
}

/// What is said of a post that can't go live because it is in the trash.
pub(in crate::domain) const IN_TRASH: &str = "the post is in the trash; restore it first";

/// What decides whether a revision may go live as far as reviewers are concerned.
#[derive(Clone, Copy, Debug)]
pub(in crate::domain) struct ReviewStanding {
    pub(in crate::domain) status: RevisionStatus,
    pub(in crate::domain) needs_human_review: bool,
    /// Whether it was live before.
    pub(in crate::domain) was_live: bool,
}

impl ReviewStanding {
    pub(super) async fn of(
        transaction: &Transaction<'_>,
        content: &post_content::Model,
    ) -> Result<Self> {
        let revision = revision::Entity::find_by_id(content.id)
            .one(transaction.connection())
            .await?;
        let publications = publication::Entity::find()
            .filter(publication::Column::ContentId.eq(content.id))
            .count(transaction.connection())
            .await?;
        let status = revision.and_then(|revision| RevisionStatus::from_word(&revision.status));
        Ok(Self {
            status: status.unwrap_or_default(),
            needs_human_review: content.needs_human_review,
            was_live: publications > 0,
        })
    }

    /// Why the revision may not go live, and what to do; nothing when it may. It may unless
    /// somebody rejected it, when it was approved or live before, or when nobody has to look at it.
    pub(in crate::domain) fn objection(
        self,
        review_required: bool,
    ) -> Option<(ProblemCode, &'static str)> {
        if self.status == RevisionStatus::Rejected {
            Some((
                ProblemCode::Conflict,
                "a reviewer rejected the revision; save another one, or have this one approved",
            ))
        } else if self.was_live || self.status == RevisionStatus::Approved {
            None
        } else if self.needs_human_review {
            Some((
                ProblemCode::ReviewRequired,
                "the post is marked as needing human review; ask for one and have the revision \
                 approved",
            ))
        } else if review_required {
            Some((
                ProblemCode::ReviewRequired,
                "revisions are reviewed here before they go live; ask for a review first",
            ))
        } else {
            None
        }
    }
}
