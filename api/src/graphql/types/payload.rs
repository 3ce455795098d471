//! What mutations answer: what was changed, or what has to be put right.

use async_graphql::SimpleObject;

use super::post::Post;
use super::score::ScoreReason;
use super::term::{Entity, Stack, Tool};
use super::user_error::UserError;

/// The post that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PostPayload {
    /// The post as it is now; null when nothing was changed.
    pub post: Option<Post>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
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
