//! Whose a post is.

use entity::{post, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::json;

use super::lock::lock;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// Gives a post to another user, or to nobody.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post, or no such
/// user who may still sign in.
pub async fn change_owner(
    transaction: &mut Transaction<'_>,
    post_id: i64,
    owner_id: Option<i64>,
) -> Result<()> {
    let post = lock(transaction, post_id).await?;
    if let Some(owner_id) = owner_id {
        let user = user::Entity::find_by_id(owner_id)
            .one(transaction.connection())
            .await?;
        if user.is_none_or(|user| user.disabled_at.is_some()) {
            return Err(Problem::not_found("owner", "user").into());
        }
    }
    let before = post.owner_id;
    let mut row: post::ActiveModel = post.into();
    row.owner_id = Set(owner_id);
    row.update(transaction.connection()).await?;
    transaction.record(AuditEvent {
        action: "change_owner",
        subject: "post",
        subject_id: post_id,
        before: Some(json!({ "owner": before })),
        after: Some(json!({ "owner": owner_id })),
    });
    Ok(())
}
