//! Publishing: one revision becomes what the public sees, the one before it becomes history.

use chrono::{DateTime, Utc};
use entity::{post, post_content, publication, redirect, revision, revision_transition};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QuerySelect,
};
use serde_json::json;

use super::content::RevisionStatus;
use super::lock::lock;
use super::path;
use super::schedule;
use crate::domain::actor::Actor;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::similar;
use crate::domain::taxonomy::Taxonomy;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Makes a revision live. A post that was live under another slug leaves a redirect behind. A
/// revision that is live already stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such revision of this
/// post, the post is in the trash, or the revision has to be reviewed first.
pub async fn publish(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    revision_id: i64,
) -> Result<()> {
    let now = transaction.now();
    let post = lock(transaction, post_id).await?;
    let content = post_content::Entity::find_by_id(revision_id)
        .filter(post_content::Column::PostId.eq(post_id))
        .one(transaction.connection())
        .await?
        .ok_or_else(|| Problem::not_found("revision", "revision of this post"))?;
    if post.trashed_at.is_some() {
        let message = "the post is in the trash; restore it first";
        return Err(Problem::conflict("id", message).into());
    }
    schedule::published(transaction, post_id).await?;
    if post.live_content == Some(revision_id) {
        return Ok(());
    }
    check_reviewed(transaction, &content).await?;
    let published_at = post.published_at.unwrap_or(now);
    if let Some(live) = post.live_content {
        let slug = retire(transaction, post_id, live, RevisionStatus::Superseded).await?;
        if let Some(slug) = slug.filter(|slug| *slug != content.slug) {
            leave_redirect(transaction, post_id, &path(&slug), &path(&content.slug)).await?;
        }
    }
    mark(transaction, revision_id, Some(published_at)).await?;
    move_to(transaction, revision_id, RevisionStatus::Published, None).await?;
    publication::ActiveModel {
        post_id: Set(post_id),
        content_id: Set(revision_id),
        published_from: Set(now),
        published_until: Set(None),
        ..Default::default()
    }
    .insert(transaction.connection())
    .await?;
    let before = post.live_content;
    let mut post: post::ActiveModel = post.into();
    post.live_content = Set(Some(revision_id));
    post.published_at = Set(Some(published_at));
    post.update(transaction.connection()).await?;
    tell(transaction, "publish", post_id, before, Some(revision_id));
    Ok(())
}

/// Takes a post out of the public's sight; its revisions stay. One that is not live stays as it is.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post.
pub async fn unpublish(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    schedule::unpublished(transaction, post_id).await?;
    let Some(live) = post.live_content else {
        return Ok(());
    };
    let row = post::ActiveModel {
        id: Set(post_id),
        live_content: Set(None),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    retire(transaction, post_id, live, RevisionStatus::Drafted).await?;
    tell(transaction, "unpublish", post_id, Some(live), None);
    Ok(())
}

/// A revision may go live when somebody approved it, when it was live before, or when nobody has to
/// look at it. The command line and imports are the operator's own decision.
pub(in crate::domain) async fn check_reviewed(
    transaction: &Transaction<'_>,
    content: &post_content::Model,
) -> Result<()> {
    let required = transaction.review_required() || content.needs_human_review;
    if !required || transaction.actor() == Actor::CommandLine {
        return Ok(());
    }
    let approved = revision::Entity::find_by_id(content.id)
        .filter(revision::Column::Status.eq(RevisionStatus::Approved.as_str()))
        .one(transaction.connection())
        .await?;
    if approved.is_some() {
        return Ok(());
    }
    let published = publication::Entity::find()
        .filter(publication::Column::ContentId.eq(content.id))
        .one(transaction.connection())
        .await?;
    if published.is_some() {
        return Ok(());
    }
    let message = if content.needs_human_review {
        "the post is marked as needing human review; ask for one and have the revision approved"
    } else {
        "revisions are reviewed here before they go live; ask for a review first"
    };
    let problem = Problem::new(ProblemCode::ReviewRequired, "revision", message);
    Err(problem.into())
}

/// Tells caches, the log and the jobs that something else is live.
fn tell(
    transaction: &mut Transaction<'_>,
    action: &'static str,
    post_id: i64,
    before: Option<i64>,
    after: Option<i64>,
) {
    transaction.enqueue(similar::job(&[post_id]));
    transaction.touch(CacheTag::Row("post", post_id));
    transaction.touch(CacheTag::List("post"));
    transaction.record(AuditEvent {
        action,
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "liveRevision": before })),
        after: Some(json!({ "liveRevision": after })),
    });
}

/// Takes the content that was live out of the public's sight, and answers the slug it had.
async fn retire(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    live: i64,
    status: RevisionStatus,
) -> Result<Option<String>> {
    mark(transaction, live, None).await?;
    move_to(transaction, live, status, None).await?;
    publication::Entity::update_many()
        .col_expr(
            publication::Column::PublishedUntil,
            Expr::value(transaction.now()),
        )
        .filter(publication::Column::PostId.eq(post_id))
        .filter(publication::Column::PublishedUntil.is_null())
        .exec(transaction.connection())
        .await?;
    let slug = post_content::Entity::find_by_id(live)
        .select_only()
        .column(post_content::Column::Slug)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    Ok(slug)
}

/// Leads the old path to the post; the new path is a page of its own again.
async fn leave_redirect(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    from_path: &str,
    to_path: &str,
) -> Result<()> {
    redirect::Entity::delete_many()
        .filter(redirect::Column::FromPath.eq(to_path))
        .exec(transaction.connection())
        .await?;
    let row = redirect::ActiveModel {
        from_path: Set(from_path.to_owned()),
        post_id: Set(post_id),
        created_at: Set(transaction.now()),
        ..Default::default()
    };
    redirect::Entity::insert(row)
        .on_conflict(
            OnConflict::column(redirect::Column::FromPath)
                .update_column(redirect::Column::PostId)
                .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    transaction.touch(CacheTag::List("redirect"));
    Ok(())
}

/// Sets or clears the mark of live content, on its row and on its joins.
pub(super) async fn mark(
    transaction: &mut Transaction<'_>,
    content_id: i64,
    published_at: Option<DateTime<Utc>>,
) -> Result<()> {
    let mut tables = vec![("post_content", "id")];
    for taxonomy in [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity] {
        tables.push((taxonomy.join_table(), "content_id"));
        let mut words = Query::select();
        words
            .column(taxonomy.join_column())
            .from(taxonomy.join_table())
            .and_where(Expr::col("content_id").eq(content_id));
        for row in transaction.connection().query_all(&words).await? {
            transaction.touch(CacheTag::Row(taxonomy.noun(), row.try_get_by_index(0)?));
        }
    }
    for (table, key) in tables {
        let update = Query::update()
            .table(table)
            .value("published_at", published_at)
            .and_where(Expr::col(key).eq(content_id))
            .to_owned();
        transaction.connection().execute(&update).await?;
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
    revision::Entity::update_many()
        .col_expr(revision::Column::Status, Expr::value(status.as_str()))
        .filter(revision::Column::Id.eq(revision_id))
        .exec(transaction.connection())
        .await?;
    revision_transition::ActiveModel {
        revision_id: Set(revision_id),
        status: Set(status.as_str().to_owned()),
        actor: Set(transaction.actor().to_string()),
        comment: Set(comment),
        at: Set(transaction.now()),
        ..Default::default()
    }
    .insert(transaction.connection())
    .await?;
    Ok(())
}
