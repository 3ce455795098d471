//! What mutations answer: what was changed, or what has to be put right.

use async_graphql::{ID, SimpleObject};

use super::post::Post;
use super::release::Release;
use super::release_rollback::RollbackObstacle;
use super::user_error::UserError;

/// The post that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PostPayload {
    /// The post as it is now; null when nothing was changed.
    pub post: Option<Post>,
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
