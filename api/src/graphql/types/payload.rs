//! What mutations of posts answer: what was changed, or what has to be put right.

use async_graphql::{ID, SimpleObject};
use chrono::{DateTime, Utc};

use super::post::Post;
use super::release::Release;
use super::release_rollback::RollbackObstacle;
use super::revision::Revision;
use super::score::ScoreReason;
use super::term::{Entity, Stack, Tool};
use super::user::User;
use super::user_error::UserError;

/// The post that was changed, or what has to be put right.
#[derive(SimpleObject)]
pub struct PostPayload {
    /// The post as it is now; null when nothing was changed, or it is gone.
    pub post: Option<Post>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The user who was changed or acted, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct UserPayload {
    /// The user as they are now; null when nothing was changed.
    pub user: Option<User>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The post that was updated, or why it was not.
#[derive(SimpleObject)]
pub struct UpdatePostPayload {
    /// The post as it is now; null when something has to be put right.
    pub post: Option<Post>,
    /// Set when somebody saved the post after the revision that the change is based on. Nothing was
    /// changed then: show the three, let a person decide, and send the change again based on
    /// `current`.
    pub conflict: Option<UpdateConflict>,
    /// What has to be put right; empty when the change was made, or there is a conflict.
    pub user_errors: Vec<UserError>,
}

/// Two changes of one revision.
#[derive(SimpleObject)]
pub struct UpdateConflict {
    /// The revision that the change is based on.
    pub base: Revision,
    /// The newest revision, which somebody else saved meanwhile.
    pub current: Revision,
}

/// The revision that was moved on, or what has to be put right.
#[derive(SimpleObject)]
pub struct RevisionPayload {
    /// The revision as it is now; null when nothing was changed.
    pub revision: Option<Revision>,
    /// The post it belongs to.
    pub post: Option<Post>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// A link that lets somebody in once, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct UserLinkPayload {
    /// Who may follow it.
    pub user: Option<User>,
    /// The link. Pass it on to them yourself, by a way that nobody else reads.
    pub link: Option<String>,
    /// Until when it can be followed.
    pub expires_at: Option<DateTime<Utc>>,
    /// What has to be put right; empty when the link was made.
    pub user_errors: Vec<UserError>,
}

/// The posts that a bulk change reaches, or what has to be put right.
#[derive(SimpleObject)]
pub struct PostsPayload {
    /// What the change did, or would do, to each post, in the order of their ids.
    pub changes: Vec<PostChange>,
    /// What has to be put right; nothing was changed while there is something.
    pub user_errors: Vec<UserError>,
}

/// What a bulk change did, or would do, to a post.
#[derive(SimpleObject)]
pub struct PostChange {
    /// The post.
    pub post: Option<Post>,
    /// The fields that differ, e.g. `["tools", "difficulty"]`; empty when nothing does.
    pub changed_fields: Vec<String>,
}

/// The post that was assessed and why its figures are what they are, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct AssessPostPayload {
    /// The post with its new score; null when it was not assessed.
    pub post: Option<Post>,
    /// Every reason, figure by figure.
    pub reasons: Vec<ScoreReason>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The tool that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct ToolPayload {
    /// The tool as it is now: of a merged or reassigned one, the tool in its place; null when it was
    /// deleted, or nothing was changed.
    pub tool: Option<Tool>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The stack that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct StackPayload {
    /// The stack as it is now: of a merged or reassigned one, the stack in its place; null when it
    /// was deleted, or nothing was changed.
    pub stack: Option<Stack>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The named entity that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct EntityPayload {
    /// The entity as it is now: of a merged or reassigned one, the entity in its place; null when it
    /// was deleted, or nothing was changed.
    pub entity: Option<Entity>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The release that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct ReleasePayload {
    /// The release as it is now; null when nothing was changed.
    pub release: Option<Release>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The release that was thrown away, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct DeleteReleasePayload {
    /// The id it had; null when nothing was changed.
    pub deleted_id: Option<ID>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The release that was rolled back, or what stands in the way.
#[derive(Default, SimpleObject)]
pub struct RollBackReleasePayload {
    /// The release as it is now; null when nothing was changed.
    pub release: Option<Release>,
    /// Posts that were changed since the release shipped, and for which the input did not say what
    /// to do. While there is one, nothing was changed: send the mutation again with an answer for
    /// each. There is an entry in `userErrors` for each as well.
    pub obstacles: Vec<RollbackObstacle>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// Whether a view was taken in.
#[derive(SimpleObject)]
pub struct RecordViewPayload {
    /// False for views that never count, those of robots and of everybody who sends a credential,
    /// and while the server has too many at hand. It says nothing about whether there is such a
    /// post.
    pub accepted: bool,
    /// What has to be put right, as every mutation answers it: nothing.
    pub user_errors: Vec<UserError>,
}
