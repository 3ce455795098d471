//! Releases: posts that go live, or out of sight, together.

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::connection::PageInfo;
use super::post::{Post, load_post, selection_of};
use super::revision::Revision;
use super::user::User;
use crate::domain::error::Error;
use crate::domain::page::Page;
use crate::domain::release::{self, MOST_ITEMS};
use crate::graphql::context::{loaders, reader};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::loader::{ReleaseItemsKey, RevisionKey};
use crate::graphql::node_id::NodeType;

/// Posts that go live, or out of sight, together, and can be taken back together.
pub struct Release(pub release::Release);

/// What a release does to one post.
#[derive(Clone)]
pub struct ReleaseItem(pub release::ReleaseItem);

/// Where a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::release::ReleaseStatus")]
pub enum ReleaseStatus {
    /// Being put together.
    Open,
    /// Going to ship by itself at `shipAt`.
    Scheduled,
    /// Shipped.
    Shipped,
    /// Shipped, and taken back.
    RolledBack,
}

/// Why a release did not ship when it was to.
#[derive(Clone, Debug, SimpleObject)]
pub struct ShipFailure {
    /// When that was found.
    pub at: DateTime<Utc>,
    /// What stood in the way, a sentence each.
    pub problems: Vec<String>,
}

/// Posts that go live, or out of sight, together, and can be taken back together.
#[Object]
impl Release {
    /// Its id.
    pub(super) async fn id(&self) -> ID {
        NodeType::Release.id(self.0.id)
    }

    /// What it is called.
    async fn name(&self) -> &str {
        &self.0.details.name
    }

    /// Where it stands.
    async fn status(&self) -> ReleaseStatus {
        self.0.status.into()
    }

    /// The user who answers for it. Needed to ship.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.details.owner_id).await
    }

    /// Why it is made. Needed to ship.
    async fn reason(&self) -> Option<&str> {
        self.0.details.reason.as_deref()
    }

    /// What is expected to come of it. Needed to ship.
    async fn expected_result(&self) -> Option<&str> {
        self.0.details.expected_result.as_deref()
    }

    /// When and how to take it back. Needed to ship.
    async fn rollback_note(&self) -> Option<&str> {
        self.0.details.rollback_note.as_deref()
    }

    /// Files that were changed for it.
    async fn files_touched(&self) -> &[String] {
        &self.0.details.files_touched
    }

    /// The command that was run for it.
    async fn command_used(&self) -> Option<&str> {
        self.0.details.command_used.as_deref()
    }

    /// What is measured, e.g. `sign-ups a day`.
    async fn metric_name(&self) -> Option<&str> {
        self.0.details.metric_name.as_deref()
    }

    /// What was measured before it shipped.
    async fn metric_before(&self) -> Option<f64> {
        self.0.details.metric_before
    }

    /// What was measured after it shipped.
    async fn metric_after(&self) -> Option<f64> {
        self.0.details.metric_after
    }

    /// How many posts it holds.
    async fn item_count(&self) -> i64 {
        self.0.item_count
    }

    /// What it does to each post, in the order in which they were added.
    #[graphql(complexity = "first.clamp(0, 500) as usize * child_complexity")]
    async fn items(
        &self,
        context: &Context<'_>,
        #[graphql(
            default = 100,
            desc = "How many at most, up to 500, which is all that a release can hold."
        )]
        first: i32,
    ) -> Result<Vec<ReleaseItem>> {
        let limit = u32::try_from(first)
            .ok()
            .filter(|first| usize::try_from(*first).is_ok_and(|first| first <= MOST_ITEMS));
        let limit = limit.ok_or_else(|| {
            Error::BadArgument(format!("`first` is {first}; ask for 0 to {MOST_ITEMS}"))
        });
        let key = ReleaseItemsKey {
            release_id: self.0.id,
            limit: limit.or_graphql_error(context)?,
        };
        let found = loaders(context).load_one(key).await;
        let found = found.or_graphql_error(context)?.unwrap_or_default();
        Ok(found.into_iter().map(ReleaseItem).collect())
    }

    /// When it is to ship by itself; null unless it is scheduled.
    async fn ship_at(&self) -> Option<DateTime<Utc>> {
        self.0.ship_at
    }

    /// Why it did not ship when it was last scheduled to; null otherwise. It is open again then:
    /// put right what stood in the way, and ship or schedule it again.
    async fn ship_failure(&self) -> Option<ShipFailure> {
        let failure = self.0.ship_failure.clone()?;
        Some(ShipFailure {
            at: failure.at,
            problems: failure.problems,
        })
    }

    /// When it shipped.
    async fn shipped_at(&self) -> Option<DateTime<Utc>> {
        self.0.shipped_at
    }

    /// When it was rolled back.
    async fn rolled_back_at(&self) -> Option<DateTime<Utc>> {
        self.0.rolled_back_at
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

/// What a release does to one post.
#[Object]
impl ReleaseItem {
    /// The id of the post, there even when the post is out of sight or was deleted.
    async fn post_id(&self) -> ID {
        NodeType::Post.id(self.0.post_id)
    }

    /// The reference of the post, there even when it was deleted.
    async fn post_reference(&self) -> &str {
        &self.0.post_reference
    }

    /// The title of the post when it was added to the release.
    async fn post_title(&self) -> &str {
        &self.0.post_title
    }

    /// The post as the request's perspective shows it; null when it is out of sight there.
    async fn post(&self, context: &Context<'_>) -> Result<Option<Post>> {
        load_post(context, self.0.post_id, selection_of(context.look_ahead())).await
    }

    /// Whether the post is unpublished; otherwise its revision goes live.
    async fn unpublish(&self) -> bool {
        self.0.revision_id.is_none()
    }

    /// The id of the revision that goes live; null when the post is unpublished.
    async fn revision_id(&self) -> Option<ID> {
        self.0.revision_id.map(|id| NodeType::Revision.id(id))
    }

    /// The revision that goes live; null when the post is unpublished, or the revision is out of
    /// sight of the request's perspective.
    async fn revision(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.revision_id).await
    }

    /// The revision that was live before the release shipped; null before it shipped, and where the
    /// post was not live.
    async fn replaced_revision(&self, context: &Context<'_>) -> Result<Option<Revision>> {
        load_revision(context, self.0.replaced_content).await
    }

    /// Whether the rollback restored what was live before: false where it kept a later edit, null
    /// while the release is not rolled back.
    async fn restored(&self) -> Option<bool> {
        self.0.restored
    }
}

/// A revision by key, as far as the request may see it.
pub(super) async fn load_revision(
    context: &Context<'_>,
    id: Option<i64>,
) -> Result<Option<Revision>> {
    let Some(id) = id else {
        return Ok(None);
    };
    let found = loaders(context).load_one(RevisionKey(id)).await;
    Ok(found.or_graphql_error(context)?.map(Revision))
}

/// Which releases.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ReleaseFilter")]
pub struct ReleaseFilterInput {
    /// By where they stand.
    pub status: Option<ReleaseStatusFilter>,
}

/// Tests on where a release stands. Every test that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ReleaseStatusFilter {
    /// It is this.
    pub eq: Option<ReleaseStatus>,
    /// It is one of these.
    #[graphql(name = "in")]
    pub one_of: Option<Vec<ReleaseStatus>>,
}

impl From<ReleaseFilterInput> for release::ReleaseFilter {
    fn from(filter: ReleaseFilterInput) -> Self {
        let status = filter.status.unwrap_or_default();
        let statuses = match (status.eq, status.one_of) {
            (Some(one), Some(several)) => {
                Some(several.into_iter().filter(|other| *other == one).collect())
            }
            (Some(one), None) => Some(vec![one]),
            (None, several) => several,
        };
        Self {
            statuses: statuses.map(|statuses| statuses.into_iter().map(Into::into).collect()),
        }
    }
}

/// A page of releases.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ReleaseConnection {
    /// Where the page stands in the list.
    pub page_info: PageInfo,
    #[graphql(skip)]
    page: Page<release::Release>,
    #[graphql(skip)]
    filter: release::ReleaseFilter,
}

/// A release and its place in the list.
#[derive(SimpleObject)]
pub struct ReleaseEdge {
    /// Its place: pass it as `after` or `before`.
    pub cursor: String,
    /// The release.
    pub node: Release,
}

#[ComplexObject]
impl ReleaseConnection {
    /// The releases of the page.
    async fn nodes(&self) -> Vec<Release> {
        let rows = self.page.rows.iter();
        rows.map(|(_, release)| Release(release.clone())).collect()
    }

    /// The releases of the page with their places.
    async fn edges(&self) -> Vec<ReleaseEdge> {
        let rows = self.page.rows.iter();
        rows.map(|(cursor, release)| ReleaseEdge {
            cursor: cursor.encode(),
            node: Release(release.clone()),
        })
        .collect()
    }

    /// How many releases the whole list has. Counted only when it is asked for.
    async fn total_count(&self, context: &Context<'_>) -> Result<i64> {
        let count = release::count(reader(context), &self.filter);
        count.await.or_graphql_error(context)
    }
}

impl ReleaseConnection {
    /// A page of a list.
    pub(in crate::graphql) fn new(
        page: Page<release::Release>,
        filter: release::ReleaseFilter,
    ) -> Self {
        Self {
            page_info: PageInfo::from(&page),
            page,
            filter,
        }
    }
}
