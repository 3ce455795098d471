//! Changing what of posts is live: the one place that does it, for one post or for hundreds, in the
//! same number of statements.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use entity::{post, post_content, publication, redirect, revision, revision_transition};
use sea_orm::sea_query::{Expr, ExprTrait, Func, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
};
use serde_json::json;

use super::content::RevisionStatus;
use super::path;
use super::schedule;
use crate::domain::audit::AuditEvent;
use crate::domain::error::Result;
use crate::domain::feed;
use crate::domain::score;
use crate::domain::similar;
use crate::domain::taxonomy::Taxonomy;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, PostChange};
use crate::foundation::cache_tag::CacheTag;

/// The most posts that one call of [`switch`] takes: what its statements bind must stay below what
/// a statement may bind.
pub(in crate::domain) const MOST_SWITCHES: usize = 500;

/// A post that the transaction has locked, and the content that is to be live; none takes it out of
/// the public's sight.
pub(in crate::domain) struct Switch {
    pub(in crate::domain) post: post::Model,
    pub(in crate::domain) to: Option<i64>,
}

/// Makes another content of each post live, or none. What was live becomes history, a slug that
/// changed leaves a redirect behind. A post that shows the content already stays as it is.
///
/// Whether a content may go live is for the caller to decide.
///
/// # Errors
///
/// Those of the database.
pub(in crate::domain) async fn switch(
    transaction: &mut Transaction<'_>,
    switches: &[Switch],
) -> Result<()> {
    let switches: Vec<&Switch> = switches
        .iter()
        .filter(|switch| switch.to != switch.post.live_content)
        .collect();
    if switches.is_empty() {
        return Ok(());
    }
    let posts: Vec<i64> = switches.iter().map(|switch| switch.post.id).collect();
    let raised: Vec<i64> = switches.iter().filter_map(|switch| switch.to).collect();
    let live = switches
        .iter()
        .filter_map(|switch| Some((switch.post.live_content?, switch.to)));
    let (superseded, withdrawn): (Vec<_>, Vec<_>) = live.partition(|(_, to)| to.is_some());
    let keys = |retired: &[(i64, Option<i64>)]| retired.iter().map(|(key, _)| *key).collect();
    let (superseded, withdrawn): (Vec<i64>, Vec<i64>) = (keys(&superseded), keys(&withdrawn));
    let retired = [superseded.as_slice(), withdrawn.as_slice()].concat();

    point_to(transaction, &posts, &raised).await?;
    // What was live lets go of its slug before something else takes it.
    mark(transaction, &[&retired, &raised]).await?;
    move_all(
        transaction,
        &[
            (RevisionStatus::Superseded, superseded),
            (RevisionStatus::Drafted, withdrawn),
            (RevisionStatus::Published, raised),
        ],
        None,
    )
    .await?;
    publish_from_now(transaction, &switches).await?;
    let (shown, hidden): (Vec<&Switch>, Vec<&Switch>) =
        switches.iter().partition(|switch| switch.to.is_some());
    let posts = |switches: &[&Switch]| -> Vec<i64> {
        switches.iter().map(|switch| switch.post.id).collect()
    };
    schedule::published(transaction, &posts(&shown)).await?;
    schedule::forget(transaction, &posts(&hidden)).await?;
    redirect(transaction, &switches).await?;
    tell(transaction, &switches);
    Ok(())
}

/// Points posts to the one of these contents that is theirs, or to none.
async fn point_to(transaction: &Transaction<'_>, posts: &[i64], contents: &[i64]) -> Result<()> {
    let content = Query::select()
        .column(("c", "id"))
        .from_as("post_content", "c")
        .and_where(Expr::col(("c", "post_id")).equals(("post", "id")))
        .and_where(Expr::col(("c", "id")).is_in(contents.iter().copied()))
        .to_owned();
    let published_at = Func::coalesce([Expr::col("published_at"), Expr::value(transaction.now())]);
    let update = Query::update()
        .table("post")
        .value(
            "live_content",
            Expr::SubQuery(None, Box::new(content.into())),
        )
        .value("published_at", published_at)
        .and_where(Expr::col("id").is_in(posts.iter().copied()))
        .to_owned();
    transaction.connection().execute(&update).await?;
    Ok(())
}

/// Brings the mark of live content, on its rows and on its joins, up to what the posts say: the
/// date of the post where it is live, nothing where it is not. The contents come in groups, whose
/// rows are marked one group after the other.
pub(super) async fn mark(transaction: &mut Transaction<'_>, groups: &[&[i64]]) -> Result<()> {
    let published_at = |table: &'static str, key: &'static str, contents: &[i64]| {
        let date = Query::select()
            .column(("p", "published_at"))
            .from_as("post", "p")
            .and_where(Expr::col(("p", "live_content")).equals((table, key)))
            .to_owned();
        Query::update()
            .table(table)
            .value("published_at", Expr::SubQuery(None, Box::new(date.into())))
            .and_where(Expr::col(key).is_in(contents.iter().copied()))
            .to_owned()
    };
    for contents in groups.iter().filter(|contents| !contents.is_empty()) {
        let update = published_at("post_content", "id", contents);
        transaction.connection().execute(&update).await?;
    }
    let contents = groups.concat();
    for taxonomy in [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity] {
        let mut update = published_at(taxonomy.join_table(), "content_id", &contents);
        update.returning(Query::returning().column(taxonomy.join_column()));
        for row in transaction.connection().query_all(&update).await? {
            transaction.touch(CacheTag::Row(taxonomy.noun(), row.try_get_by_index(0)?));
        }
    }
    Ok(())
}

/// Moves a revision to another status, and notes the step with what was said about it.
pub(in crate::domain) async fn move_to(
    transaction: &Transaction<'_>,
    revision_id: i64,
    status: RevisionStatus,
    comment: Option<String>,
) -> Result<()> {
    move_all(transaction, &[(status, vec![revision_id])], comment).await
}

/// Moves revisions to other statuses, and notes each step.
async fn move_all(
    transaction: &Transaction<'_>,
    moves: &[(RevisionStatus, Vec<i64>)],
    comment: Option<String>,
) -> Result<()> {
    let mut steps = Vec::new();
    for (status, revisions) in moves.iter().filter(|(_, revisions)| !revisions.is_empty()) {
        revision::Entity::update_many()
            .col_expr(revision::Column::Status, Expr::value(status.as_str()))
            .filter(revision::Column::Id.is_in(revisions.iter().copied()))
            .exec(transaction.connection())
            .await?;
        steps.extend(revisions.iter().map(|id| revision_transition::ActiveModel {
            revision_id: Set(*id),
            status: Set(status.as_str().to_owned()),
            actor: Set(transaction.actor().to_string()),
            comment: Set(comment.clone()),
            at: Set(transaction.now()),
            ..Default::default()
        }));
    }
    revision_transition::Entity::insert_many(steps)
        .exec_without_returning(transaction.connection())
        .await?;
    Ok(())
}

/// Ends the publications of what was live, and begins those of what is: now, but never before an
/// earlier one of the same posts, whose transaction may have begun later, or on a machine whose
/// clock is ahead.
async fn publish_from_now(transaction: &Transaction<'_>, switches: &[&Switch]) -> Result<()> {
    let posts = switches.iter().map(|switch| switch.post.id);
    type Moment = Option<DateTime<Utc>>;
    let last: Option<(Moment, Moment)> = publication::Entity::find()
        .filter(publication::Column::PostId.is_in(posts.clone()))
        .select_only()
        .column_as(publication::Column::PublishedFrom.max(), "begun")
        .column_as(publication::Column::PublishedUntil.max(), "ended")
        .into_tuple()
        .one(transaction.connection())
        .await?;
    let (begun, ended) = last.unwrap_or_default();
    let now = [Some(transaction.now()), begun, ended];
    let now = now.into_iter().flatten().max().unwrap_or(transaction.now());
    publication::Entity::update_many()
        .col_expr(publication::Column::PublishedUntil, Expr::value(now))
        .filter(publication::Column::PostId.is_in(posts))
        .filter(publication::Column::PublishedUntil.is_null())
        .exec(transaction.connection())
        .await?;
    let begun: Vec<publication::ActiveModel> = switches
        .iter()
        .filter_map(|switch| {
            Some(publication::ActiveModel {
                post_id: Set(switch.post.id),
                content_id: Set(switch.to?),
                published_from: Set(now),
                published_until: Set(None),
                ..Default::default()
            })
        })
        .collect();
    if !begun.is_empty() {
        publication::Entity::insert_many(begun)
            .exec_without_returning(transaction.connection())
            .await?;
    }
    Ok(())
}

/// Leads the old paths to the posts; the new paths are pages of their own again.
async fn redirect(transaction: &mut Transaction<'_>, switches: &[&Switch]) -> Result<()> {
    let contents = switches
        .iter()
        .flat_map(|switch| [switch.post.live_content, switch.to])
        .flatten();
    let slugs: Vec<(i64, String)> = post_content::Entity::find()
        .filter(post_content::Column::Id.is_in(contents))
        .select_only()
        .columns([post_content::Column::Id, post_content::Column::Slug])
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let slugs: HashMap<i64, String> = slugs.into_iter().collect();
    let slug_of = |content: Option<i64>| content.and_then(|content| slugs.get(&content));

    let mut pages = BTreeSet::new();
    let mut left = Vec::new();
    for switch in switches {
        let Some(new) = slug_of(switch.to) else {
            continue;
        };
        pages.insert(path(new));
        if let Some(old) = slug_of(switch.post.live_content).filter(|old| *old != new) {
            left.push((path(old), switch.post.id));
        }
    }
    // A path that another post of the same change takes over is its page.
    left.retain(|(from_path, _)| !pages.contains(from_path));
    left.sort();
    let connection = transaction.connection();
    let freed = redirect::Entity::delete_many()
        .filter(redirect::Column::FromPath.is_in(pages))
        .exec(connection)
        .await?;
    let rows: Vec<redirect::ActiveModel> = left
        .into_iter()
        .map(|(from_path, post_id)| redirect::ActiveModel {
            from_path: Set(from_path),
            post_id: Set(post_id),
            created_at: Set(transaction.now()),
            ..Default::default()
        })
        .collect();
    let changed = freed.rows_affected > 0 || !rows.is_empty();
    if !rows.is_empty() {
        redirect::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::column(redirect::Column::FromPath)
                    .update_column(redirect::Column::PostId)
                    .to_owned(),
            )
            .exec_without_returning(connection)
            .await?;
    }
    if changed {
        transaction.touch(CacheTag::List("redirect"));
    }
    Ok(())
}

/// Tells caches, the log, webhooks and the jobs that something else is live.
fn tell(transaction: &mut Transaction<'_>, switches: &[&Switch]) {
    let posts: Vec<i64> = switches.iter().map(|switch| switch.post.id).collect();
    transaction.enqueue(similar::job(&posts));
    transaction.enqueue(score::renewal(&posts));
    transaction.enqueue(feed::job());
    transaction.touch(CacheTag::List("post"));
    for switch in switches {
        transaction.touch(CacheTag::Row("post", switch.post.id));
        transaction.announce(Announcement::Post {
            post_id: switch.post.id,
            change: PostChange::Switched {
                from: switch.post.live_content,
                to: switch.to,
            },
        });
        transaction.record(AuditEvent {
            action: if switch.to.is_some() {
                "publish"
            } else {
                "unpublish"
            },
            subject: "post",
            subject_id: switch.post.id,
            before: Some(json!({ "liveRevision": switch.post.live_content })),
            after: Some(json!({ "liveRevision": switch.to })),
        });
    }
}
