//! What mutations answer: what was changed, or what has to be put right.

use async_graphql::SimpleObject;

use super::post::Post;
use super::user::User;
use super::user_error::UserError;

/// The post that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PostPayload {
    /// The post as it is now; null when nothing was changed.
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
