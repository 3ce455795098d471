//! What shipping a release would do, for whoever is about to.

use std::collections::{BTreeSet, HashMap};

use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, UnionType};

use super::conflict::{Conflict, ConflictKind};
use super::plan::{Plan, PlannedItem};
use super::read::find_in;
use super::source::Source;
use super::{Release, ReleaseItem, ReleaseStatus};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::post::path;
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::cache_tag::CacheTag;

/// What shipping a release would do now.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The release.
    pub release: Release,
    /// What happens to each post, in the order of the items.
    pub changes: Vec<PlannedChange>,
    /// What stands in its way, and what is worth a look.
    pub conflicts: Vec<Conflict>,
    /// The redirects that slugs leave behind.
    pub redirects: Vec<LeftRedirect>,
    /// Answers made from these would be out of date.
    pub tags: BTreeSet<CacheTag>,
    /// Pages of posts that would appear, change or go.
    pub paths: BTreeSet<String>,
}

/// What would happen to one post.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    /// The item.
    pub item: ReleaseItem,
    /// What is live now.
    pub live_now: Option<i64>,
    /// The path of what is live now.
    pub path_now: Option<String>,
    /// What would be live.
    pub live_then: Option<i64>,
    /// The path it would have.
    pub path_then: Option<String>,
}

/// A path that would lead to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftRedirect {
    /// The path of what is live now.
    pub from_path: String,
    /// The path it would lead to.
    pub to_path: String,
}

/// What a release would do if it shipped now, and what stands in its way; none when there is no
/// such release. The rules are those of shipping.
///
/// # Errors
///
/// Those of the database.
pub async fn preview(
    reader: &Reader,
    release_id: i64,
    review_required: bool,
) -> Result<Option<Preview>> {
    reader.note(CacheTag::Row("release", release_id));
    reader.note_all([CacheTag::List("release"), CacheTag::List("post")]);
    let source = Source::Request(reader);
    let Some(release) = find_in(source, release_id).await? else {
        return Ok(None);
    };
    let mut plan = Plan::read(source, release, review_required).await?;
    if plan.release.status.is_ahead() {
        plan.conflicts.extend(newer_revisions(&plan.items));
        plan.conflicts.extend(other_releases(source, &plan).await?);
    }
    let changes: Vec<PlannedChange> = plan.items.into_iter().map(PlannedChange::of).collect();
    let redirects = redirects(&changes);
    let tags = tags(source, release_id, &changes, &redirects).await?;
    let changing = changes.iter().filter(|change| change.changes());
    let paths = changing.flat_map(|change| [change.path_now.clone(), change.path_then.clone()]);
    Ok(Some(Preview {
        release: plan.release,
        conflicts: plan.conflicts,
        redirects,
        tags,
        paths: paths.flatten().collect(),
        changes,
    }))
}

impl Preview {
    /// Whether nothing stands in the way.
    pub fn can_ship(&self) -> bool {
        !self.conflicts.iter().any(|conflict| conflict.kind.blocks())
    }
}

impl PlannedChange {
    fn of(planned: PlannedItem) -> Self {
        let post = planned.post;
        Self {
            item: planned.item,
            live_now: post.as_ref().and_then(|post| post.live),
            path_now: post.and_then(|post| post.live_slug).map(|slug| path(&slug)),
            live_then: planned.wanted,
            path_then: planned.target.map(|target| path(&target.slug)),
        }
    }

    /// Whether the public would see anything else.
    pub fn changes(&self) -> bool {
        self.live_now != self.live_then
    }
}

fn newer_revisions(items: &[PlannedItem]) -> Vec<Conflict> {
    let newer = items.iter().enumerate().filter(|(_, planned)| {
        let post = planned.post.as_ref();
        post.zip(planned.wanted)
            .is_some_and(|(post, wanted)| post.head > wanted)
    });
    newer
        .map(|(index, planned)| {
            let message = format!(
                "“{}” has a newer revision than the one in the release; add that one if it is \
                 meant",
                planned.item.post_title
            );
            Conflict::of_item(ConflictKind::NewerRevision, index, message)
        })
        .collect()
}

/// Other releases that have not shipped and hold the same posts.
async fn other_releases(source: Source<'_>, plan: &Plan) -> Result<Vec<Conflict>> {
    let items = plan.items.iter().enumerate();
    let places: HashMap<i64, usize> = items
        .map(|(index, planned)| (planned.item.post_id, index))
        .collect();
    let ahead = [ReleaseStatus::Open, ReleaseStatus::Scheduled].map(ReleaseStatus::as_str);
    let select = Query::select()
        .column(("i", "post_id"))
        .column(("r", "name"))
        .column(("r", "status"))
        .from_as("release_item", "i")
        .join_as(
            sea_orm::sea_query::JoinType::InnerJoin,
            "release",
            "r",
            Expr::col(("r", "id")).equals(("i", "release_id")),
        )
        .and_where(Expr::col(("i", "post_id")).is_in(places.keys().copied()))
        .and_where(Expr::col(("i", "release_id")).ne(plan.release.id))
        .and_where(Expr::col(("r", "status")).is_in(ahead))
        .order_by(("i", "id"), Order::Asc)
        .to_owned();
    let mut conflicts = Vec::new();
    for row in source.rows(&select).await? {
        let post_id: i64 = row.try_get_by_index(0)?;
        let (name, status): (String, String) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        let Some(index) = places.get(&post_id) else {
            continue;
        };
        let title = &plan.items[*index].item.post_title;
        let status = ReleaseStatus::from_word(&status).unwrap_or_default();
        let message = format!(
            "“{title}” is in the release “{name}” too, which {}; the one that ships last decides",
            status.in_words()
        );
        let kind = ConflictKind::InAnotherRelease;
        conflicts.push(Conflict::of_item(kind, *index, message));
    }
    Ok(conflicts)
}

fn redirects(changes: &[PlannedChange]) -> Vec<LeftRedirect> {
    let taken: BTreeSet<&String> = changes
        .iter()
        .filter_map(|change| change.path_then.as_ref())
        .collect();
    let left = changes.iter().filter(|change| change.changes());
    left.filter_map(|change| {
        let (from_path, to_path) = (change.path_now.as_ref()?, change.path_then.as_ref()?);
        (!taken.contains(from_path)).then(|| LeftRedirect {
            from_path: from_path.clone(),
            to_path: to_path.clone(),
        })
    })
    .collect()
}

/// What shipping touches: the posts, the words of what goes and of what comes, the lists.
async fn tags(
    source: Source<'_>,
    release_id: i64,
    changes: &[PlannedChange],
    redirects: &[LeftRedirect],
) -> Result<BTreeSet<CacheTag>> {
    let mut tags = BTreeSet::from([
        CacheTag::Row("release", release_id),
        CacheTag::List("release"),
    ]);
    let changing: Vec<&PlannedChange> = changes.iter().filter(|change| change.changes()).collect();
    if changing.is_empty() {
        return Ok(tags);
    }
    tags.insert(CacheTag::List("post"));
    tags.extend(
        changing
            .iter()
            .map(|change| CacheTag::Row("post", change.item.post_id)),
    );
    if !redirects.is_empty() {
        tags.insert(CacheTag::List("redirect"));
    }
    const TAXONOMIES: [Taxonomy; 3] = [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity];
    let arms = TAXONOMIES.iter().enumerate().map(|(place, taxonomy)| {
        let contents = changing
            .iter()
            .flat_map(|change| [change.live_now, change.live_then])
            .flatten();
        Query::select()
            .expr(Expr::cust(place.to_string()))
            .column(taxonomy.join_column())
            .from(taxonomy.join_table())
            .and_where(Expr::col("content_id").is_in(contents))
            .to_owned()
    });
    let select = arms.reduce(|mut all, arm| all.union(UnionType::Distinct, arm).to_owned());
    for row in source.rows(&select.unwrap_or_default()).await? {
        let place: i32 = row.try_get_by_index(0)?;
        let taxonomy = usize::try_from(place)
            .ok()
            .and_then(|place| TAXONOMIES.get(place));
        if let Some(taxonomy) = taxonomy {
            tags.insert(CacheTag::Row(taxonomy.noun(), row.try_get_by_index(1)?));
        }
    }
    Ok(tags)
}
