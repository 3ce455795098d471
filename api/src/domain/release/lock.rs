//! Taking hold of a release for a change, and of the posts it holds.

use entity::{post, release_item};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::source::Source;
use super::{Release, read};
use crate::domain::error::{Problem, Result};
use crate::domain::post::lock_many;
use crate::domain::transaction::Transaction;

/// The release, which nobody else changes until the transaction ends; none when there is no such
/// release. Whoever takes posts as well takes the release first.
pub(super) async fn lock(transaction: &Transaction<'_>, id: i64) -> Result<Option<Release>> {
    let hold = Query::select()
        .column("id")
        .from("release")
        .and_where(Expr::col("id").eq(id))
        .lock_exclusive()
        .to_owned();
    transaction.connection().query_all(&hold).await?;
    read::find_in(Source::Change(transaction), id).await
}

/// The release that the input names in `field`.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is none.
pub(super) async fn lock_named(
    transaction: &Transaction<'_>,
    id: i64,
    field: &str,
) -> Result<Release> {
    let release = lock(transaction, id).await?;
    release.ok_or_else(|| Problem::not_found(field, "release").into())
}

/// The posts of a release that are still there, which nobody else changes until the transaction
/// ends.
pub(super) async fn lock_posts(
    transaction: &Transaction<'_>,
    release_id: i64,
) -> Result<Vec<post::Model>> {
    let posts: Vec<i64> = release_item::Entity::find()
        .filter(release_item::Column::ReleaseId.eq(release_id))
        .select_only()
        .column(release_item::Column::PostId)
        .into_tuple()
        .all(transaction.connection())
        .await?;
    lock_many(transaction, &posts).await
}
