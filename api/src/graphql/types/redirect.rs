//! Paths that lead elsewhere.

use async_graphql::{Context, Object, Result};

use super::post::{Post, load_post, selection_of};
use crate::domain::post;

/// A path of the site that leads elsewhere since the slug of a post changed. Answer it with status
/// 308.
pub struct Redirect(pub post::Redirect);

/// A path of the site that leads elsewhere since the slug of a post changed. Answer it with status
/// 308.
#[Object]
impl Redirect {
    /// The path that was asked for.
    async fn from(&self) -> &str {
        &self.0.from_path
    }

    /// The path to go to; it is never a redirect itself.
    async fn to(&self) -> &str {
        &self.0.to_path
    }

    /// The post it leads to.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        load_post(context, self.0.post_id, selection_of(context.look_ahead())).await
    }
}
