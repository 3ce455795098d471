//! What shipping a release would do, and what forbids it. Previewing, scheduling and shipping go by
//! the same plan; it is read in the same few statements however many posts there are.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};

use super::conflict::{Conflict, ConflictKind};
use super::details::requirements;
use super::read::{ITEM_COLUMNS, read_item};
use super::source::Source;
use super::{Release, ReleaseItem};
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::post::{IN_TRASH, ReviewStanding, RevisionStatus};

/// A release with what each of its items would do now.
pub(super) struct Plan {
    pub(super) release: Release,
    /// In the order they were added.
    pub(super) items: Vec<PlannedItem>,
    /// Everything that forbids shipping it.
    pub(super) conflicts: Vec<Conflict>,
}

/// An item, the state of its post, and the content that is to be live.
#[derive(Debug)]
pub(super) struct PlannedItem {
    pub(super) item: ReleaseItem,
    /// None when the post was deleted.
    pub(super) post: Option<PostState>,
    /// The key of what is to be live; none when the post is to be unpublished.
    pub(super) wanted: Option<i64>,
    /// What is known of that; none when it is gone with the post.
    pub(super) target: Option<Target>,
}

/// What a post is at this moment.
#[derive(Clone, Debug)]
pub(super) struct PostState {
    pub(super) live: Option<i64>,
    pub(super) head: i64,
    pub(super) in_trash: bool,
    /// The slug of what is live.
    pub(super) live_slug: Option<String>,
}

/// What is known of a content that is to be live.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) slug: String,
    pub(super) standing: ReviewStanding,
}

/// Which content of an item is to be live.
#[derive(Clone, Copy)]
pub(super) enum Towards {
    /// The one that the release ships.
    Revision,
    /// The one that it replaced.
    Replaced,
}

impl Plan {
    /// What the release would do if it shipped now.
    pub(super) async fn read(
        source: Source<'_>,
        release: Release,
        review_required: bool,
    ) -> Result<Self> {
        let items = read_items(source, release.id, Towards::Revision).await?;
        let mut conflicts = of_release(&release, &items);
        for (index, item) in items.iter().enumerate() {
            conflicts.extend(of_item(index, item, review_required));
        }
        let moving: Vec<(usize, &PlannedItem)> = items.iter().enumerate().collect();
        conflicts.extend(taken_slugs(source, &moving).await?);
        Ok(Self {
            release,
            items,
            conflicts,
        })
    }

    /// Everything that forbids shipping it, for whoever tried to.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.conflicts.iter().map(Conflict::to_problem).collect()
    }
}

fn of_release(release: &Release, items: &[PlannedItem]) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    if !release.status.is_ahead() {
        let message = format!(
            "the release {}; make another one to change posts again",
            release.status.in_words()
        );
        let kind = ConflictKind::AlreadyShipped;
        conflicts.push(Conflict::of_release(kind, "id", message));
    }
    let missing = requirements(&release.details).into_iter();
    for (field, _, message) in missing.filter(|(_, is_there, _)| !is_there) {
        let kind = ConflictKind::Incomplete;
        conflicts.push(Conflict::of_release(kind, field, message));
    }
    if items.is_empty() {
        let message = "the release holds no post; add some first";
        conflicts.push(Conflict::of_release(ConflictKind::Empty, "items", message));
    }
    conflicts
}

fn of_item(index: usize, planned: &PlannedItem, review_required: bool) -> Option<Conflict> {
    let conflict = |kind, reason: &str| {
        let message = format!("“{}”: {reason}", planned.item.post_title);
        Some(Conflict::of_item(kind, index, message))
    };
    let Some(post) = &planned.post else {
        let reason = "the post was deleted; remove it from the release";
        return conflict(ConflictKind::PostDeleted, reason);
    };
    planned.wanted?;
    let Some(target) = &planned.target else {
        let reason = "the revision was deleted; add another one, or remove the post";
        return conflict(ConflictKind::PostDeleted, reason);
    };
    if post.in_trash {
        return conflict(ConflictKind::PostInTrash, IN_TRASH);
    }
    let (code, reason) = target.standing.objection(review_required)?;
    let kind = match code {
        ProblemCode::ReviewRequired => ConflictKind::ReviewRequired,
        _ => ConflictKind::RevisionRejected,
    };
    conflict(kind, reason)
}

/// The items of a release with the state of their posts and what is to be live, in one statement.
pub(super) async fn read_items(
    source: Source<'_>,
    release_id: i64,
    towards: Towards,
) -> Result<Vec<PlannedItem>> {
    let target = match towards {
        Towards::Revision => "revision_id",
        Towards::Replaced => "replaced_content",
    };
    let publication = Query::select()
        .expr(Expr::cust("1"))
        .from_as("publication", "b")
        .and_where(Expr::col(("b", "content_id")).equals(("c", "id")))
        .to_owned();
    let mut select = Query::select();
    select
        .columns(ITEM_COLUMNS.map(|column| ("i", column)))
        .column(("p", "head_content"))
        .column(("p", "live_content"))
        .column(("p", "trashed_at"))
        .column(("l", "slug"))
        .column(("c", "id"))
        .column(("c", "slug"))
        .column(("c", "needs_human_review"))
        .column(("r", "status"))
        .expr(Expr::exists(publication))
        .from_as("release_item", "i");
    for (table, alias, on) in [
        ("post", "p", ("i", "post_id")),
        ("post_content", "c", ("i", target)),
        ("revision", "r", ("c", "id")),
        ("post_content", "l", ("p", "live_content")),
    ] {
        let same_row = Expr::col((alias, "id")).equals(on);
        select.join_as(JoinType::LeftJoin, table, alias, same_row);
    }
    select
        .and_where(Expr::col(("i", "release_id")).eq(release_id))
        .order_by(("i", "id"), Order::Asc);
    let rows = source.rows(&select).await?;
    let first = ITEM_COLUMNS.len();
    rows.iter()
        .map(|row| {
            let head: Option<i64> = row.try_get_by_index(first)?;
            let post = match head {
                None => None,
                Some(head) => {
                    let trashed_at: Option<chrono::DateTime<chrono::Utc>> =
                        row.try_get_by_index(first + 2)?;
                    Some(PostState {
                        live: row.try_get_by_index(first + 1)?,
                        head,
                        in_trash: trashed_at.is_some(),
                        live_slug: row.try_get_by_index(first + 3)?,
                    })
                }
            };
            let content_id: Option<i64> = row.try_get_by_index(first + 4)?;
            let target = match content_id {
                None => None,
                Some(_) => {
                    let status: String = row.try_get_by_index(first + 7)?;
                    Some(Target {
                        slug: row.try_get_by_index(first + 5)?,
                        standing: ReviewStanding {
                            needs_human_review: row.try_get_by_index(first + 6)?,
                            status: RevisionStatus::from_word(&status).unwrap_or_default(),
                            was_live: row.try_get_by_index(first + 8)?,
                        },
                    })
                }
            };
            let item = read_item(row)?;
            Ok(PlannedItem {
                wanted: match towards {
                    Towards::Revision => item.revision_id,
                    Towards::Replaced => item.replaced_content,
                },
                item,
                post,
                target,
            })
        })
        .collect()
}

/// The items whose slug would be that of two live posts, when all of `moving` have moved; each with
/// its place in the release.
pub(super) async fn taken_slugs(
    source: Source<'_>,
    moving: &[(usize, &PlannedItem)],
) -> Result<Vec<Conflict>> {
    let mut conflicts = Vec::new();
    let mut wanted: HashMap<&str, (usize, &PlannedItem)> = HashMap::new();
    for (index, planned) in moving {
        let Some(target) = &planned.target else {
            continue;
        };
        if let Some((_, other)) = wanted.get(target.slug.as_str()) {
            let message = format!(
                "“{}” would have the slug `{}`, and so would “{}”; change one of them",
                planned.item.post_title, target.slug, other.item.post_title
            );
            conflicts.push(Conflict::of_item(ConflictKind::SlugTaken, *index, message));
        } else {
            wanted.insert(&target.slug, (*index, planned));
        }
    }
    if wanted.is_empty() {
        return Ok(conflicts);
    }
    let moving_posts = moving.iter().map(|(_, planned)| planned.item.post_id);
    let select = Query::select()
        .columns(["slug", "title"])
        .from("post_content")
        .and_where(Expr::col("published_at").is_not_null())
        .and_where(Expr::col("slug").is_in(wanted.keys().copied()))
        .and_where(Expr::col("post_id").is_not_in(moving_posts))
        .to_owned();
    for row in source.rows(&select).await? {
        let (slug, title): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        if let Some((index, planned)) = wanted.get(slug.as_str()) {
            let message = format!(
                "“{}” would have the slug `{slug}`, which is that of “{title}” now; change one of \
                 them",
                planned.item.post_title
            );
            conflicts.push(Conflict::of_item(ConflictKind::SlugTaken, *index, message));
        }
    }
    Ok(conflicts)
}
