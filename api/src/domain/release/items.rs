//! What a release holds: adding revisions and posts to unpublish, and removing them.

use std::collections::{BTreeMap, HashMap, HashSet};

use entity::release_item::{ActiveModel, Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Func, JoinType, OnConflict, Query, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QuerySelect,
};
use serde_json::json;

use super::MOST_ITEMS;
use super::edit::touch;
use super::lock::lock_named;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// Something to add, and where the input names it.
struct Addition {
    field: String,
    post_id: i64,
    reference: String,
    title: String,
    /// None unpublishes the post.
    revision_id: Option<i64>,
}

/// Adds revisions that are to go live, and posts that are to be unpublished, to an open release. A
/// post that the release holds already keeps its place and gets what is added instead.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release or it is
/// not open, and with every revision and post that can't be added.
pub async fn add(
    transaction: &mut Transaction<'_>,
    release_id: i64,
    revisions: &[i64],
    unpublish: &[i64],
) -> Result<()> {
    let release = lock_named(transaction, release_id, "release").await?;
    release.must_be_open("release")?;
    if revisions.len() + unpublish.len() > MOST_ITEMS {
        return Err(too_many().into());
    }
    let mut problems = Vec::new();
    let mut additions = find(transaction, Named::Revisions(revisions), &mut problems).await?;
    additions.extend(find(transaction, Named::Posts(unpublish), &mut problems).await?);
    let mut by_post: BTreeMap<i64, Addition> = BTreeMap::new();
    let mut order = Vec::new();
    for addition in additions {
        if let Some(first) = by_post.get(&addition.post_id) {
            let message = format!(
                "`{}` is about the same post already; give one revision a post, or unpublish it",
                first.field
            );
            problems.push(Problem::conflict(addition.field, message));
        } else {
            order.push(addition.post_id);
            by_post.insert(addition.post_id, addition);
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if by_post.is_empty() {
        return Ok(());
    }
    let added: Vec<_> = order
        .iter()
        .filter_map(|post_id| by_post.get(post_id))
        .map(|addition| json!({ "post": addition.post_id, "revision": addition.revision_id }))
        .collect();
    let rows = order.iter().filter_map(|post_id| {
        let addition = by_post.remove(post_id)?;
        Some(ActiveModel {
            release_id: Set(release_id),
            post_id: Set(addition.post_id),
            post_reference: Set(addition.reference),
            post_title: Set(addition.title),
            unpublish: Set(addition.revision_id.is_none()),
            revision_id: Set(addition.revision_id),
            ..Default::default()
        })
    });
    Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([Column::ReleaseId, Column::PostId])
                .update_columns([
                    Column::PostReference,
                    Column::PostTitle,
                    Column::Unpublish,
                    Column::RevisionId,
                ])
                .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    let held = Entity::find()
        .filter(Column::ReleaseId.eq(release_id))
        .count(transaction.connection())
        .await?;
    if usize::try_from(held).map_or(true, |held| held > MOST_ITEMS) {
        return Err(too_many().into());
    }
    touch(transaction, release_id);
    transaction.record(AuditEvent {
        action: "add",
        subject: "release",
        subject_id: release_id,
        before: None,
        after: Some(json!(added)),
    });
    Ok(())
}

/// Removes posts from an open release.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release or it is
/// not open, and with every post that it does not hold.
pub async fn remove(
    transaction: &mut Transaction<'_>,
    release_id: i64,
    posts: &[i64],
) -> Result<()> {
    let release = lock_named(transaction, release_id, "release").await?;
    release.must_be_open("release")?;
    let of_these = || {
        Column::ReleaseId
            .eq(release_id)
            .and(Column::PostId.is_in(posts.iter().copied()))
    };
    let held: Vec<i64> = Entity::find()
        .filter(of_these())
        .select_only()
        .column(Column::PostId)
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let held: HashSet<i64> = held.into_iter().collect();
    let missing: Vec<Problem> = posts
        .iter()
        .enumerate()
        .filter(|(_, post_id)| !held.contains(post_id))
        .map(|(index, _)| Problem::not_found(format!("posts[{index}]"), "post in this release"))
        .collect();
    if !missing.is_empty() {
        return Err(missing.into());
    }
    if held.is_empty() {
        return Ok(());
    }
    Entity::delete_many()
        .filter(of_these())
        .exec(transaction.connection())
        .await?;
    touch(transaction, release_id);
    transaction.record(AuditEvent {
        action: "remove",
        subject: "release",
        subject_id: release_id,
        before: Some(json!(posts)),
        after: None,
    });
    Ok(())
}

fn too_many() -> Problem {
    Problem::invalid(
        "release",
        format!("holds at most {MOST_ITEMS} posts; make another release for the rest"),
    )
}

/// What an input names.
#[derive(Clone, Copy)]
enum Named<'a> {
    Revisions(&'a [i64]),
    Posts(&'a [i64]),
}

impl Named<'_> {
    /// `key, post, reference, title`: the title is that of the revision, or of what is live of the
    /// post, or of its newest content.
    fn select(self) -> SelectStatement {
        let mut select = Query::select();
        match self {
            Self::Revisions(ids) => select
                .column(("c", "id"))
                .column(("p", "id"))
                .column(("p", "reference"))
                .column(("c", "title"))
                .from_as("post_content", "c")
                .join_as(
                    JoinType::InnerJoin,
                    "post",
                    "p",
                    Expr::col(("p", "id")).equals(("c", "post_id")),
                )
                .and_where(Expr::col(("c", "id")).is_in(ids.iter().copied())),
            Self::Posts(ids) => select
                .column(("p", "id"))
                .column(("p", "id"))
                .column(("p", "reference"))
                .column(("c", "title"))
                .from_as("post", "p")
                .join_as(
                    JoinType::InnerJoin,
                    "post_content",
                    "c",
                    Expr::col(("c", "id")).eq(Func::coalesce([
                        Expr::col(("p", "live_content")),
                        Expr::col(("p", "head_content")),
                    ])),
                )
                .and_where(Expr::col(("p", "id")).is_in(ids.iter().copied())),
        };
        select
    }
}

/// Looks up what the input names, and notes what there is not.
async fn find(
    transaction: &Transaction<'_>,
    named: Named<'_>,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Addition>> {
    let (ids, list, noun) = match named {
        Named::Revisions(ids) => (ids, "revisions", "revision"),
        Named::Posts(ids) => (ids, "unpublish", "post"),
    };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: HashMap<i64, (i64, String, String)> = HashMap::new();
    for row in transaction.connection().query_all(&named.select()).await? {
        let post = (
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
            row.try_get_by_index(3)?,
        );
        found.insert(row.try_get_by_index(0)?, post);
    }
    let mut additions = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let field = format!("{list}[{index}]");
        let Some((post_id, reference, title)) = found.get(id).cloned() else {
            problems.push(Problem::not_found(field, noun));
            continue;
        };
        additions.push(Addition {
            field,
            post_id,
            reference,
            title,
            revision_id: matches!(named, Named::Revisions(_)).then_some(*id),
        });
    }
    Ok(additions)
}
