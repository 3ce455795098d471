//! Taking hold of a post for a change.

use entity::post;
use sea_orm::{EntityTrait, QuerySelect};

use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// The post, which nobody else changes until the transaction ends.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such post,
/// [`Error::Forbidden`](crate::domain::error::Error::Forbidden) when the permission for the change
/// does not reach it.
pub(in crate::domain) async fn lock(
    transaction: &Transaction<'_>,
    post_id: i64,
) -> Result<post::Model> {
    let post = post::Entity::find_by_id(post_id)
        .lock_exclusive()
        .one(transaction.connection())
        .await?
        .ok_or_else(|| Problem::not_found("id", "post"))?;
    transaction.reach().check(post.owner_id)?;
    Ok(post)
}
