//! What stands in the way of rolling a release back.

use async_graphql::{Context, Enum, Object, Result};
use chrono::{DateTime, Utc};

use super::release::{ReleaseItem, load_revision};
use super::revision::Revision;
use crate::domain::release;

/// What was done to a post since a release shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::release::ObstacleKind")]
pub enum RollbackObstacleKind {
    /// Another revision was published.
    Published,
    /// It was unpublished.
    Unpublished,
    /// It was put in the trash. It can't be overwritten there: restore it first, or keep it so.
    Trashed,
    /// It was deleted. It can't be restored.
    Deleted,
}

/// What a rollback does with a post that was changed since the release shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::release::Choice")]
pub enum LaterEditChoice {
    /// The post stays as it is now.
    KeepLater,
    /// The post shows what it showed before the release all the same. Not for one that was trashed
    /// or deleted.
    Overwrite,
}

/// A post that shows neither what the release made live nor what was live before.
pub struct RollbackObstacle(pub release::Obstacle);

/// A post that shows neither what the release made live nor what was live before, so that rolling
/// back would undo what somebody did later.
#[Object]
impl RollbackObstacle {
    /// What the release did to the post.
    async fn item(&self) -> ReleaseItem {
        ReleaseItem(self.0.item.clone())
    }

    /// What was done to it since.
    async fn kind(&self) -> RollbackObstacleKind {
        self.0.kind.into()
    }

    /// The revision that is live now; null when none is.
    async fn live_revision(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.live_now).await
    }

    /// Since when it is so; null when the log does not know.
    async fn since(&self) -> Option<DateTime<Utc>> {
        self.0.since
    }

    /// The name of the user who did it, or what did it, e.g. `worker`; null when the log does not
    /// know.
    async fn by(&self) -> Option<&str> {
        self.0.by.as_deref()
    }

    /// All of this in a sentence, and what can be answered.
    async fn message(&self) -> String {
        self.0.message()
    }
}
