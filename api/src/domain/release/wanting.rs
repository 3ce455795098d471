//! Posts that a release is going to change.

use std::collections::HashMap;

use entity::{release, release_item};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect};

use super::ReleaseStatus;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// Of these posts, those that a release wants which has not shipped, each with what stands in the way
/// of taking the post from it, as a person is told.
///
/// # Errors
///
/// Those of the database.
pub(in crate::domain) async fn wanting(
    transaction: &Transaction<'_>,
    post_ids: &[i64],
) -> Result<HashMap<i64, String>> {
    let to_come = [ReleaseStatus::Open, ReleaseStatus::Scheduled].map(ReleaseStatus::as_str);
    let names: Vec<(i64, String)> = release_item::Entity::find()
        .join(
            JoinType::InnerJoin,
            release_item::Entity::belongs_to(release::Entity)
                .from(release_item::Column::ReleaseId)
                .to(release::Column::Id)
                .into(),
        )
        .filter(release_item::Column::PostId.is_in(post_ids.iter().copied()))
        .filter(release::Column::Status.is_in(to_come))
        .select_only()
        .column(release_item::Column::PostId)
        .column(release::Column::Name)
        .into_tuple()
        .all(transaction.connection())
        .await?;
    let objection =
        |name| format!("the release `{name}` wants the post; take it out of there first");
    let posts = names.into_iter();
    Ok(posts
        .map(|(post_id, name)| (post_id, objection(name)))
        .collect())
}
