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
use super::path;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, ProblemCode, Result};
use crate::domain::similar;
use crate::domain::taxonomy::Taxonomy;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Makes a revision live. A post that was live under another slug leaves a redirect behind. A
/// revision that is live already stays as it is.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such revision of this post, or the post is in the trash.
pub async fn publish(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    revision_id: i64,
) -> Result<()> {
    let now = transaction.now();
    let post = post::Entity::find_by_id(post_id)
        .lock_exclusive()
        .one(transaction.connection())
        .await?;
    let content = post_content::Entity::find_by_id(revision_id)
        .filter(post_content::Column::PostId.eq(post_id))
        .one(transaction.connection())
        .await?;
    let (Some(post), Some(content)) = (post, content) else {
        return Err(refused(ProblemCode::NotFound, "there is no such revision"));
    };
    if post.trashed_at.is_some() {
        return Err(refused(
            ProblemCode::Conflict,
            "the post is in the trash; restore it first",
        ));
    }
    if post.live_content == Some(revision_id) {
        return Ok(());
    }
    let published_at = post.published_at.unwrap_or(now);
    if let Some(live) = post.live_content {
        retire(transaction, post_id, live, &content.slug).await?;
    }
    mark(transaction, revision_id, Some(published_at)).await?;
    move_to(transaction, revision_id, RevisionStatus::Published).await?;
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

    transaction.enqueue(similar::job(&[post_id]));
    transaction.touch(CacheTag::Row("post", post_id));
    transaction.touch(CacheTag::List("post"));
    transaction.record(AuditEvent {
        action: "publish",
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "liveRevision": before })),
        after: Some(json!({ "liveRevision": revision_id })),
    });
    Ok(())
}

/// Takes the content that was live out of the public's sight.
async fn retire(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    live: i64,
    next_slug: &str,
) -> Result<()> {
    mark(transaction, live, None).await?;
    move_to(transaction, live, RevisionStatus::Superseded).await?;
    publication::Entity::update_many()
        .col_expr(
            publication::Column::PublishedUntil,
            Expr::value(transaction.now()),
        )
        .filter(publication::Column::PostId.eq(post_id))
        .filter(publication::Column::PublishedUntil.is_null())
        .exec(transaction.connection())
        .await?;
    let slug: Option<String> = post_content::Entity::find_by_id(live)
        .select_only()
        .column(post_content::Column::Slug)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    if let Some(slug) = slug
        && slug != next_slug
    {
        leave_redirect(transaction, post_id, &path(&slug), &path(next_slug)).await?;
    }
    Ok(())
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

/// Moves a revision to another status, and notes the step.
pub(in crate::domain) async fn move_to(
    transaction: &Transaction<'_>,
    revision_id: i64,
    status: RevisionStatus,
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
        comment: Set(None),
        at: Set(transaction.now()),
        ..Default::default()
    }
    .insert(transaction.connection())
    .await?;
    Ok(())
}

fn refused(code: ProblemCode, message: &str) -> Error {
    Error::Refused(vec![Problem::new(code, "revision", message)])
}
