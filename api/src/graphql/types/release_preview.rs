//! What shipping a release would do.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::release::{Release, ReleaseItem, load_revision};
use super::revision::Revision;
use crate::domain::release;
use crate::graphql::node_id::NodeType;

/// What shipping a release would do now. It is worked out by the rules of shipping itself.
pub struct ReleasePreview(pub release::Preview);

/// What would happen to one post.
pub struct PlannedChange(pub release::PlannedChange);

/// What would happen to a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PlannedAction {
    /// It appears: nothing of it is live now.
    Publish,
    /// Another revision takes the place of the one that is live now.
    Replace,
    /// It goes out of sight.
    Unpublish,
    /// Nothing: it is as the release wants it already.
    Nothing,
}

/// What stands in the way of a release, or is worth a look before it ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::release::ConflictKind")]
pub enum ReleaseConflictKind {
    /// The release has shipped already.
    AlreadyShipped,
    /// Owner, reason, expected result or rollback note is missing.
    Incomplete,
    /// The release holds no post.
    Empty,
    /// The post, or the revision, was deleted.
    PostDeleted,
    /// The post is in the trash.
    PostInTrash,
    /// A reviewer rejected the revision.
    RevisionRejected,
    /// The revision has to be approved first.
    ReviewRequired,
    /// Another live post, or another post of the release, has the slug.
    SlugTaken,
    /// A newer revision of the post exists. The release ships all the same.
    NewerRevision,
    /// Another release that has not shipped holds the post as well. The release ships all the same.
    InAnotherRelease,
}

/// Something that stands in the way of a release, or is worth a look before it ships.
#[derive(SimpleObject)]
pub struct ReleaseConflict {
    /// What it is.
    pub kind: ReleaseConflictKind,
    /// Whether the release can't ship while it is there.
    pub blocks: bool,
    /// Where: a field of the release such as `["reason"]`, or an item such as `["items", "2"]`.
    pub path: Vec<String>,
    /// The item it is about; null when it is about the release as a whole.
    pub item: Option<ReleaseItem>,
    /// What is the matter and what to do about it.
    pub message: String,
}

/// A path of the site that would lead to another one.
#[derive(SimpleObject)]
pub struct PlannedRedirect {
    /// The path that would lead elsewhere.
    pub from_path: String,
    /// The path it would lead to.
    pub to_path: String,
}

/// What would happen to one post.
#[Object]
impl PlannedChange {
    /// What the release holds of it.
    async fn item(&self) -> ReleaseItem {
        ReleaseItem(self.0.item.clone())
    }

    /// What would happen to it.
    async fn action(&self) -> PlannedAction {
        match (self.0.live_now, self.0.live_then) {
            (now, then) if now == then => PlannedAction::Nothing,
            (None, _) => PlannedAction::Publish,
            (Some(_), Some(_)) => PlannedAction::Replace,
            (Some(_), None) => PlannedAction::Unpublish,
        }
    }

    /// The id of the revision that is live now; null when none is.
    async fn live_revision_id(&self) -> Option<ID> {
        let id = self.0.live_now?;
        Some(NodeType::Revision.id(id))
    }

    /// The revision that is live now; null when none is.
    async fn live_revision(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.live_now).await
    }

    /// The path of the post on the site now; null when it is not live.
    async fn path_now(&self) -> Option<&str> {
        self.0.path_now.as_deref()
    }

    /// The path it would have; null when it would not be live.
    async fn path_then(&self) -> Option<&str> {
        self.0.path_then.as_deref()
    }
}

/// What shipping a release would do now. It is worked out by the rules of shipping itself.
#[Object]
impl ReleasePreview {
    /// The release.
    async fn release(&self) -> Release {
        Release(self.0.release.clone())
    }

    /// Whether nothing stands in the way of shipping it now.
    async fn can_ship(&self) -> bool {
        self.0.can_ship()
    }

    /// What would happen to each post, in the order of the release's items.
    #[graphql(complexity = "100 * child_complexity")]
    async fn changes(&self) -> Vec<PlannedChange> {
        self.0.changes.iter().cloned().map(PlannedChange).collect()
    }

    /// What stands in the way, and what is worth a look.
    #[graphql(complexity = "100 * child_complexity")]
    async fn conflicts(&self) -> Vec<ReleaseConflict> {
        let conflicts = self.0.conflicts.iter();
        conflicts
            .map(|conflict| ReleaseConflict {
                kind: conflict.kind.into(),
                blocks: conflict.kind.blocks(),
                path: super::user_error::path(&conflict.field),
                item: conflict
                    .item
                    .and_then(|index| self.0.changes.get(index))
                    .map(|change| ReleaseItem(change.item.clone())),
                message: conflict.message.clone(),
            })
            .collect()
    }

    /// The redirects that slugs would leave behind.
    async fn redirects(&self) -> Vec<PlannedRedirect> {
        let redirects = self.0.redirects.iter();
        redirects
            .map(|redirect| PlannedRedirect {
                from_path: redirect.from_path.clone(),
                to_path: redirect.to_path.clone(),
            })
            .collect()
    }

    /// The cache tags that would be touched: answers that carry one of them would be out of date.
    async fn cache_tags(&self) -> Vec<String> {
        self.0.tags.iter().map(ToString::to_string).collect()
    }

    /// The pages of posts on the site that would appear, change or go. Lists that show them are not
    /// among them.
    async fn paths(&self) -> Vec<&str> {
        self.0.paths.iter().map(String::as_str).collect()
    }
}
