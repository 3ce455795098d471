//! Revisions that wait for a reviewer.

use async_graphql::{Context, Object, Result};

use super::connection::connection;
use super::post::{Post, load_post, selection_of};
use super::revision::Revision;
use super::user::User;
use crate::domain::post;

/// A revision that waits for a reviewer.
pub struct ReviewRequest(pub post::ReviewRequest);

impl From<post::ReviewRequest> for ReviewRequest {
    fn from(request: post::ReviewRequest) -> Self {
        Self(request)
    }
}

/// A revision that waits for a reviewer.
#[Object]
impl ReviewRequest {
    /// The revision: its transitions say who asked, when, and what they said.
    async fn revision(&self) -> Revision {
        Revision(self.0.revision.clone())
    }

    /// The post it belongs to, as the perspective of the request shows it; null when it is not in
    /// sight.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        let selection = selection_of(context.look_ahead());
        load_post(context, self.0.revision.post_id, selection).await
    }

    /// Who was asked; null when whoever gets to it first may take it.
    async fn reviewer(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.reviewer_id).await
    }
}

connection!(
    ReviewRequestConnection,
    ReviewRequestEdge,
    ReviewRequest,
    post::ReviewRequest,
    post::ReviewFilter,
    post::count_review_requests,
    "A page of the revisions that wait for a reviewer.",
    "A revision that waits for a reviewer and its place."
);
