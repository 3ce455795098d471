//! Taking hold of posts for a change.

use entity::post;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

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
    let posts = lock_many(transaction, &[post_id]).await?;
    let post = posts.into_iter().next();
    post.ok_or_else(|| Problem::not_found("id", "post").into())
}

/// The posts that there are of these, in one statement, which nobody else changes until the
/// transaction ends. They are taken, and answered, in the order of their keys, so that two changes
/// of several posts wait for each other and never both.
///
/// # Errors
///
/// [`Error::Forbidden`](crate::domain::error::Error::Forbidden) when the permission for the change
/// does not reach one of them.
pub(in crate::domain) async fn lock_many(
    transaction: &Transaction<'_>,
    post_ids: &[i64],
) -> Result<Vec<post::Model>> {
    let posts = post::Entity::find()
        .filter(post::Column::Id.is_in(post_ids.iter().copied()))
        .order_by_asc(post::Column::Id)
        // Who only points at a post, as similar posts do, is not kept waiting.
        .lock(LockType::NoKeyUpdate)
        .all(transaction.connection())
        .await?;
    for post in &posts {
        transaction.reach().check(post.owner_id)?;
    }
    Ok(posts)
}

/// The same for a change that reads nothing of the posts and may touch all of them.
///
/// # Errors
///
/// Those of the database.
pub(in crate::domain) async fn lock_ids(
    transaction: &Transaction<'_>,
    post_ids: &[i64],
) -> Result<()> {
    let select = Query::select()
        .column("id")
        .from("post")
        .and_where(Expr::col("id").is_in(post_ids.iter().copied()))
        .order_by("id", Order::Asc)
        .lock(LockType::NoKeyUpdate)
        .to_owned();
    transaction.connection().query_all(&select).await?;
    Ok(())
}
