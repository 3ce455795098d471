//! What was done to the posts of a release since it shipped, and so stands in the way of rolling it
//! back.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, Query};

use super::ReleaseItem;
use super::plan::PlannedItem;
use super::source::Source;
use crate::domain::error::Result;

/// What a rollback does with a post that was changed since the release shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The post stays as it is now.
    KeepLater,
    /// The post shows what it showed before the release all the same.
    Overwrite,
}

/// What a rollback does with posts that were changed since the release shipped.
#[derive(Clone, Debug, Default)]
pub struct LaterEdits {
    /// For these posts.
    pub of: Vec<(i64, Choice)>,
    /// For every other post.
    pub otherwise: Option<Choice>,
}

/// A post that shows something else than what the release made live, and nothing that was said says
/// what to do with it.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// The item.
    pub item: ReleaseItem,
    /// What was done to it.
    pub kind: ObstacleKind,
    /// What is live of it now.
    pub live_now: Option<i64>,
    /// Since when.
    pub since: Option<DateTime<Utc>>,
    /// The name of the user who did it, or what did it.
    pub by: Option<String>,
}

/// What was done to a post since a release shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObstacleKind {
    /// Another revision was published.
    Published,
    /// It was unpublished.
    Unpublished,
    /// It was put in the trash.
    Trashed,
    /// It was deleted.
    Deleted,
}

impl ObstacleKind {
    /// What was done to a post that shows neither what the release made live nor what was live
    /// before; nothing where it shows one of the two, for then nobody has to be asked.
    pub(super) fn of(planned: &PlannedItem) -> Option<Self> {
        let live = planned.post.as_ref().and_then(|post| post.live);
        if live == planned.wanted {
            return None;
        }
        match &planned.post {
            None => Some(Self::Deleted),
            Some(post) if post.in_trash => Some(Self::Trashed),
            Some(_) if live == planned.item.revision_id => None,
            Some(_) if live.is_some() => Some(Self::Published),
            Some(_) => Some(Self::Unpublished),
        }
    }

    /// Whether a rollback can restore the post all the same.
    pub(super) fn can_be_overwritten(self) -> bool {
        matches!(self, Self::Published | Self::Unpublished)
    }
}

impl LaterEdits {
    pub(super) fn choice(&self, post_id: i64) -> Option<Choice> {
        let named = self.of.iter().find(|(post, _)| *post == post_id);
        named.map(|(_, choice)| *choice).or(self.otherwise)
    }
}

impl Obstacle {
    /// What is the matter, and what can be answered.
    pub fn message(&self) -> String {
        let done = match self.kind {
            ObstacleKind::Published => "was published again",
            ObstacleKind::Unpublished => "was unpublished",
            ObstacleKind::Trashed => "was put in the trash",
            ObstacleKind::Deleted => "was deleted",
        };
        let by = self.by.as_ref().map(|by| format!(" by {by}"));
        let since = self
            .since
            .map(|at| at.format(" on %Y-%m-%d at %H:%M UTC").to_string());
        let answer = match self.kind {
            ObstacleKind::Published | ObstacleKind::Unpublished => {
                "say KEEP_LATER to leave it as it is, or OVERWRITE to restore what was live before \
                 the release"
            }
            ObstacleKind::Trashed => {
                "it can't be overwritten there: restore it from the trash first, or say KEEP_LATER \
                 to leave it as it is"
            }
            ObstacleKind::Deleted => "it can't be restored: say KEEP_LATER to go on without it",
        };
        format!(
            "“{}” {done}{}{} after the release shipped; {answer}",
            self.item.post_title,
            by.unwrap_or_default(),
            since.unwrap_or_default(),
        )
    }

    /// Obstacles with who brought each about, and when, as far as the log knows.
    pub(super) async fn of_items(
        source: Source<'_>,
        items: &[(ObstacleKind, &PlannedItem)],
    ) -> Result<Vec<Self>> {
        let posts = items.iter().map(|(_, planned)| planned.item.post_id);
        let newest = Query::select()
            .expr(Func::max(Expr::col("id")))
            .from("audit_event")
            .and_where(Expr::col("subject").eq("post"))
            .and_where(Expr::col("subject_id").is_in(posts))
            .and_where(Expr::col("action").is_in(["publish", "unpublish", "trash", "delete"]))
            .group_by_col("subject_id")
            .to_owned();
        let select = Query::select()
            .column(("e", "subject_id"))
            .column(("e", "at"))
            .column(("e", "actor"))
            .column(("u", "name"))
            .from_as("audit_event", "e")
            .join_as(
                JoinType::LeftJoin,
                "user",
                "u",
                Expr::col(("u", "id")).equals(("e", "user_id")),
            )
            .and_where(Expr::col(("e", "id")).in_subquery(newest))
            .to_owned();
        let mut events: HashMap<i64, (DateTime<Utc>, String)> = HashMap::new();
        for row in source.rows(&select).await? {
            let (actor, name): (String, Option<String>) =
                (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
            let event = (row.try_get_by_index(1)?, name.unwrap_or(actor));
            events.insert(row.try_get_by_index(0)?, event);
        }
        let obstacles = items.iter().map(|(kind, planned)| {
            let event = events.remove(&planned.item.post_id);
            let (since, by) = event.unzip();
            Self {
                item: planned.item.clone(),
                kind: *kind,
                live_now: planned.post.as_ref().and_then(|post| post.live),
                since,
                by,
            }
        });
        Ok(obstacles.collect())
    }
}
