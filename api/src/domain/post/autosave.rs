//! What an editor's browser saves by itself: one unnumbered draft a user and post, which nobody
//! else sees and which the next save takes away.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{autosave, revision};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::archive::contents;
use super::content::Content;
use super::lock::lock;
use super::patch::ContentPatch;
use super::update::forget_autosave;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;

/// A draft that was saved by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Autosave {
    /// The revision that the editor was changing.
    pub based_on: i64,
    /// What they had written so far; it need not be fit to be saved.
    pub content: Content,
    /// When.
    pub saved_at: DateTime<Utc>,
}

/// Works out what an unfinished change makes of the revision that it is based on. Nothing is
/// checked: that is for saving.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such revision; those of the database.
pub async fn unfinished(reader: &Reader, based_on: i64, patch: ContentPatch) -> Result<Content> {
    let content = contents(reader, &[based_on]).await?.into_values().next();
    let mut content = content.ok_or_else(|| Problem::not_found("basedOn", "revision"))?;
    patch.apply(&mut content);
    Ok(content)
}

/// Keeps an unfinished change, in place of the one that the user kept of this post before. Only
/// the first of them is told to the log.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post, or the revision is not one of it.
pub async fn save_automatically(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    based_on: i64,
    content: &Content,
) -> Result<()> {
    lock(transaction, post_id).await?;
    let Some(user_id) = transaction.actor().user_id() else {
        return Err(Error::Forbidden("only users have unfinished drafts".into()));
    };
    let base = revision::Entity::find_by_id(based_on)
        .filter(revision::Column::PostId.eq(post_id))
        .one(transaction.connection())
        .await?;
    if base.is_none() {
        return Err(Problem::not_found("basedOn", "revision of this post").into());
    }
    let known = autosave::Entity::find_by_id((post_id, user_id))
        .one(transaction.connection())
        .await?;
    let row = autosave::ActiveModel {
        post_id: Set(post_id),
        user_id: Set(user_id),
        based_on: Set(based_on),
        content: Set(serde_json::to_value(content)?),
        saved_at: Set(transaction.now()),
    };
    use autosave::Column;
    autosave::Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::PostId, Column::UserId])
                .update_columns([Column::BasedOn, Column::Content, Column::SavedAt])
                .to_owned(),
        )
        .exec_without_returning(transaction.connection())
        .await?;
    if known.is_none() {
        transaction.record(AuditEvent {
            action: "autosave",
            subject: "post",
            subject_id: post_id,
            before: None,
            after: Some(json!({ "basedOn": based_on })),
        });
    }
    Ok(())
}

/// Throws the user's unfinished change of a post away.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn discard_autosave(transaction: &mut Transaction<'_>, post_id: i64) -> Result<()> {
    lock(transaction, post_id).await?;
    forget_autosave(transaction, post_id).await?;
    transaction.record(AuditEvent {
        action: "discard_autosave",
        subject: "post",
        subject_id: post_id,
        before: None,
        after: None,
    });
    Ok(())
}

/// The unfinished change that a user has of each post.
///
/// # Errors
///
/// Those of the database.
pub async fn autosaves(
    reader: &Reader,
    user_id: i64,
    post_ids: &[i64],
) -> Result<HashMap<i64, Autosave>> {
    let select = Query::select()
        .columns(["post_id", "based_on", "content", "saved_at"])
        .from("autosave")
        .and_where(Expr::col("user_id").eq(user_id))
        .and_where(Expr::col("post_id").is_in(post_ids.iter().copied()))
        .to_owned();
    let mut found = HashMap::new();
    for row in reader.rows(&select).await? {
        let autosave = Autosave {
            based_on: row.try_get_by_index(1)?,
            content: serde_json::from_value(row.try_get_by_index(2)?)?,
            saved_at: row.try_get_by_index(3)?,
        };
        found.insert(row.try_get_by_index(0)?, autosave);
    }
    Ok(found)
}
