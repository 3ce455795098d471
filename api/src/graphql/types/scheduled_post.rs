//! Posts that something is planned for.

use async_graphql::{Context, Object, Result};
use chrono::{DateTime, Utc};

use super::connection::connection;
use super::editing::Schedule;
use super::post::{Post, load_post, selection_of};
use super::user::User;
use crate::domain::post;

/// A post that goes live, or out of the public's sight, at a time to come.
pub struct ScheduledPost(pub post::ScheduledPost);

impl From<post::ScheduledPost> for ScheduledPost {
    fn from(scheduled: post::ScheduledPost) -> Self {
        Self(scheduled)
    }
}

/// A post that goes live, or out of the public's sight, at a time to come.
#[Object]
impl ScheduledPost {
    /// When the next thing happens: it goes live, or, when that is done or not planned, out of
    /// sight. A time that is past means that it is late; `systemStatus` says so too.
    async fn due_at(&self) -> DateTime<Utc> {
        self.0.due_at
    }

    /// All that is planned for it.
    async fn schedule(&self) -> Schedule {
        self.0.schedule.clone().into()
    }

    /// The post, as the perspective of the request shows it; null when it is not in sight, as a
    /// draft is not in the perspective `published`.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        let selection = selection_of(context.look_ahead());
        load_post(context, self.0.post_id, selection).await
    }

    /// Who planned it; null when it was no user.
    async fn scheduled_by(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.scheduled_by).await
    }
}

connection!(
    ScheduledPostConnection,
    ScheduledPostEdge,
    ScheduledPost,
    post::ScheduledPost,
    post::ScheduledFilter,
    post::count_scheduled_posts,
    "A page of the posts that something is planned for.",
    "A post that something is planned for and its place."
);
