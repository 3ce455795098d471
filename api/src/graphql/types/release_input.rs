//! What mutations of releases take.

use async_graphql::{ID, InputObject, MaybeUndefined};
use chrono::{DateTime, Utc};

use super::release_rollback::LaterEditChoice;
use crate::domain::error::{Error, Result};
use crate::domain::patch::Patch;
use crate::domain::release::DetailsPatch;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::time::check_time;

/// A release to be put together. Whoever makes it owns it.
#[derive(Clone, Debug, InputObject)]
pub struct CreateReleaseInput {
    /// What it is called.
    pub name: String,
    /// Why it is made. Needed to ship.
    pub reason: Option<String>,
    /// What is expected to come of it. Needed to ship.
    pub expected_result: Option<String>,
    /// When and how to take it back. Needed to ship.
    pub rollback_note: Option<String>,
    /// Files that were changed for it.
    pub files_touched: Option<Vec<String>>,
    /// The command that was run for it.
    pub command_used: Option<String>,
    /// What is measured, e.g. `sign-ups a day`.
    pub metric_name: Option<String>,
    /// What was measured before.
    pub metric_before: Option<f64>,
    /// What was measured after; mostly set later.
    pub metric_after: Option<f64>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What to change about a release. A field that is absent is left alone, null empties it. Once it
/// has shipped, name, reason, expected result and rollback note stay as they were; the rest may
/// follow.
#[derive(Clone, Debug, InputObject)]
pub struct UpdateReleaseInput {
    /// The release.
    pub id: ID,
    /// What it is called; can't be emptied.
    pub name: MaybeUndefined<String>,
    /// The id of the user who answers for it. Needed to ship.
    pub owner: MaybeUndefined<ID>,
    /// Why it is made. Needed to ship.
    pub reason: MaybeUndefined<String>,
    /// What is expected to come of it. Needed to ship.
    pub expected_result: MaybeUndefined<String>,
    /// When and how to take it back. Needed to ship.
    pub rollback_note: MaybeUndefined<String>,
    /// Files that were changed for it.
    pub files_touched: MaybeUndefined<Vec<String>>,
    /// The command that was run for it.
    pub command_used: MaybeUndefined<String>,
    /// What is measured, e.g. `sign-ups a day`.
    pub metric_name: MaybeUndefined<String>,
    /// What was measured before.
    pub metric_before: MaybeUndefined<f64>,
    /// What was measured after.
    pub metric_after: MaybeUndefined<f64>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What to add to a release.
#[derive(Clone, Debug, InputObject)]
pub struct AddToReleaseInput {
    /// The release, which must be open.
    pub release: ID,
    /// Revisions that are to go live, at most one a post.
    #[graphql(default)]
    pub revisions: Vec<ID>,
    /// Posts that are to be unpublished.
    #[graphql(default)]
    pub unpublish: Vec<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What to remove from a release.
#[derive(Clone, Debug, InputObject)]
pub struct RemoveFromReleaseInput {
    /// The release, which must be open.
    pub release: ID,
    /// Posts that it is to leave alone.
    pub posts: Vec<ID>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A release, for what needs nothing else.
#[derive(Clone, Debug, InputObject)]
pub struct ReleaseInput {
    /// The release.
    pub id: ID,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// When a release ships by itself.
#[derive(Clone, Debug, InputObject)]
pub struct ScheduleReleaseInput {
    /// The release.
    pub id: ID,
    /// When, to the microsecond; a time to come.
    #[graphql(validator(custom = "check_time"))]
    pub at: DateTime<Utc>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// A release to be rolled back, and what to do with posts that were changed since it shipped.
#[derive(Clone, Debug, InputObject)]
pub struct RollBackReleaseInput {
    /// The release.
    pub id: ID,
    /// What to do with each post that was changed since. An answer for a post that nothing stands
    /// in the way of is not used.
    #[graphql(default)]
    pub later_edits: Vec<LaterEditInput>,
    /// What to do with every other post that was changed since. Without it, each stands in the way.
    pub other_later_edits: Option<LaterEditChoice>,
    /// Makes it safe to send again: the same key and input are answered with the same outcome.
    pub idempotency_key: Option<String>,
}

/// What to do with a post that was changed since a release shipped.
#[derive(Clone, Debug, InputObject)]
pub struct LaterEditInput {
    /// The post.
    pub post: ID,
    /// What to do with it.
    pub choice: LaterEditChoice,
}

impl From<CreateReleaseInput> for DetailsPatch {
    fn from(input: CreateReleaseInput) -> Self {
        Self {
            name: Patch::Set(input.name),
            owner_id: Patch::Keep,
            reason: given(input.reason),
            expected_result: given(input.expected_result),
            rollback_note: given(input.rollback_note),
            files_touched: given(input.files_touched),
            command_used: given(input.command_used),
            metric_name: given(input.metric_name),
            metric_before: given(input.metric_before),
            metric_after: given(input.metric_after),
        }
    }
}

fn given<T>(value: Option<T>) -> Patch<T> {
    value.map_or(Patch::Keep, Patch::Set)
}

impl TryFrom<UpdateReleaseInput> for DetailsPatch {
    type Error = Error;

    fn try_from(input: UpdateReleaseInput) -> Result<Self> {
        let owner = input.owner.map_value(|id| NodeType::User.key(&id));
        Ok(Self {
            name: input.name.into(),
            owner_id: owner.transpose()?.into(),
            reason: input.reason.into(),
            expected_result: input.expected_result.into(),
            rollback_note: input.rollback_note.into(),
            files_touched: input.files_touched.into(),
            command_used: input.command_used.into(),
            metric_name: input.metric_name.into(),
            metric_before: input.metric_before.into(),
            metric_after: input.metric_after.into(),
        })
    }
}
