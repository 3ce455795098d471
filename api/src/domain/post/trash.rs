//! The trash: what is in it is in nobody's sight and can come back, until it is deleted.

use chrono::{DateTime, Utc};
use entity::{post, post_content};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::json;

use super::lock::{lock, lock_many};
use super::schedule;
use super::switch::{Switch, switch};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::release::wanting;
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, PostChange};

/// Puts a post into the trash. One that was live is out of the public's sight first, and whatever
/// was planned for it is called off. One that is there already stays.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn trash(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    trash_all(transaction, vec![post]).await
}

/// Puts posts that the transaction has locked into the trash, as [`trash`] does, in as many statements
/// as one.
///
/// # Errors
///
/// Those of the database.
pub(in crate::domain) async fn trash_all(
    transaction: &mut Transaction<'_>,
    posts: Vec<post::Model>,
) -> Result<()> {
    let posts: Vec<post::Model> = posts
        .into_iter()
        .filter(|post| post.trashed_at.is_none())
        .collect();
    if posts.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = posts.iter().map(|post| post.id).collect();
    schedule::forget(transaction, &ids).await?;
    let shown: Vec<(i64, Option<i64>, i64)> = posts
        .iter()
        .map(|post| (post.id, post.live_content, post.head_content))
        .collect();
    let switches: Vec<Switch> = posts
        .into_iter()
        .map(|post| Switch { post, to: None })
        .collect();
    switch(transaction, &switches).await?;
    post::Entity::update_many()
        .col_expr(post::Column::TrashedAt, Expr::value(transaction.now()))
        .filter(post::Column::Id.is_in(ids))
        .exec(transaction.connection())
        .await?;
    for (post_id, live, head) in shown {
        transaction.announce(Announcement::Post {
            post_id,
            change: PostChange::Trashed { live, head },
        });
        transaction.record(AuditEvent {
            action: "trash",
            subject: "post",
            subject_id: post_id,
            before: Some(json!({ "liveRevision": live })),
            after: None,
        });
    }
    Ok(())
}

/// Takes a post out of the trash again, as a draft. One that is not there stays as it is.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn restore(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    if post.trashed_at.is_none() {
        return Ok(());
    }
    let row = post::ActiveModel {
        id: Set(post_id),
        trashed_at: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    transaction.record(AuditEvent {
        action: "restore",
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "trashedAt": post.trashed_at })),
        after: None,
    });
    Ok(())
}

/// Deletes a post that is in the trash, with all its revisions and the record of when they were
/// live. It can't be undone.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post, it is not in the trash, or a release that has not
/// shipped wants it.
pub async fn delete(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    if post.trashed_at.is_none() {
        let message = "only what is in the trash can be deleted; put it there first";
        return Err(Problem::conflict("id", message).into());
    }
    if let Some(objection) = wanting(transaction, &[post_id]).await?.remove(&post_id) {
        return Err(Problem::conflict("id", objection).into());
    }
    let title: Option<String> = post_content::Entity::find_by_id(post.head_content)
        .select_only()
        .column(post_content::Column::Title)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    post::Entity::delete_by_id(post_id)
        .exec(transaction.connection())
        .await?;
    transaction.record(AuditEvent {
        action: "delete",
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "reference": post.reference, "title": title })),
        after: None,
    });
    Ok(())
}

/// Deletes up to `limit` posts that were put into the trash at `cutoff` or before, as [`delete`]
/// does, beginning after the place `after` in the trash. Those that a release wants stay. Answers
/// how many were deleted, and the place of the last one that was looked at; none when there are no
/// more.
///
/// # Errors
///
/// Those of the database.
pub async fn delete_old(
    transaction: &mut Transaction<'_>,
    cutoff: DateTime<Utc>,
    after: Option<(DateTime<Utc>, i64)>,
    limit: u64,
) -> Result<(u64, Option<(DateTime<Utc>, i64)>)> {
    let mut old = post::Entity::find()
        .filter(post::Column::TrashedAt.lte(cutoff))
        .order_by_asc(post::Column::TrashedAt)
        .order_by_asc(post::Column::Id)
        .limit(limit);
    if let Some((time, id)) = after {
        let place = Expr::tuple(["trashed_at", "id"].map(Expr::col));
        old = old.filter(place.gt(Expr::tuple([Expr::value(time), Expr::value(id)])));
    }
    let old: Vec<(Option<DateTime<Utc>>, i64)> = old
        .select_only()
        .columns([post::Column::TrashedAt, post::Column::Id])
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let ids: Vec<i64> = old.iter().map(|(_, id)| *id).collect();
    let mut deleted = 0;
    for post in lock_many(transaction, &ids).await? {
        // Somebody may have restored it meanwhile.
        if post.trashed_at.is_some_and(|time| time <= cutoff) {
            match delete(transaction, post.id).await {
                Ok(()) => deleted += 1,
                Err(Error::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    let last = old.last().and_then(|(time, id)| Some(((*time)?, *id)));
    Ok((deleted, last))
}
