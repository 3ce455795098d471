//! Reviewing revisions.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::answer::revision_payload;
use super::change;
use crate::domain::permission::Action;
use crate::domain::post::{self, Verdict};
use crate::graphql::node_id::NodeType::{Post, Revision, User};
use crate::graphql::types::payload::RevisionPayload;

/// Reviewing revisions.
#[derive(Default)]
pub struct RevisionMutation;

/// Who is asked to review what.
#[derive(Clone, Debug, InputObject)]
pub struct RequestReviewInput {
    /// The post.
    pub id: ID,
    /// The revision to be reviewed; the newest one when absent.
    pub revision: Option<ID>,
    /// The editor or admin who is asked; whoever gets to it first when absent.
    pub reviewer: Option<ID>,
    /// What the reviewer should know.
    pub comment: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A revision that may go live.
#[derive(Clone, Debug, InputObject)]
pub struct ApproveRevisionInput {
    /// The revision.
    pub revision: ID,
    /// What its author should know.
    pub comment: Option<String>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A revision that may not go live.
#[derive(Clone, Debug, InputObject)]
pub struct RejectRevisionInput {
    /// The revision.
    pub revision: ID,
    /// What has to change.
    pub comment: String,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

#[Object]
impl RevisionMutation {
    /// Asks for a review of a revision that was never live.
    async fn request_review(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be reviewed, and by whom.")] input: RequestReviewInput,
    ) -> Result<RevisionPayload> {
        let key = input.idempotency_key.as_deref();
        let requested = change(context, Action::RequestReview, key, async |change| {
            let post_id = Post.key(&input.id)?;
            let revision = input.revision.as_ref().map(|id| Revision.key(id));
            let reviewer = input.reviewer.as_ref().map(|id| User.key(id));
            let (revision, reviewer) = (revision.transpose()?, reviewer.transpose()?);
            post::request_review(change, post_id, revision, reviewer, input.comment).await
        })
        .await?;
        revision_payload(context, requested).await
    }

    /// Says that a revision may go live. Where every revision has to be reviewed, somebody other
    /// than its author has to say so.
    async fn approve_revision(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which revision.")] input: ApproveRevisionInput,
    ) -> Result<RevisionPayload> {
        let key = input.idempotency_key.as_deref();
        let approved = change(context, Action::ReviewRevision, key, async |change| {
            let revision_id = Revision.key(&input.revision)?;
            post::review(change, revision_id, Verdict::Approve, input.comment).await
        })
        .await?;
        revision_payload(context, approved).await
    }

    /// Says that a revision may not go live, and why. If it was to go live by itself, it no longer
    /// is.
    async fn reject_revision(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which revision, and why.")] input: RejectRevisionInput,
    ) -> Result<RevisionPayload> {
        let key = input.idempotency_key.as_deref();
        let rejected = change(context, Action::ReviewRevision, key, async |change| {
            let revision_id = Revision.key(&input.revision)?;
            post::review(change, revision_id, Verdict::Reject, Some(input.comment)).await
        })
        .await?;
        revision_payload(context, rejected).await
    }
}
