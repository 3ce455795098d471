//! Making a release, changing what is written about it, throwing it away.

use entity::{release, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::details::{Details, DetailsPatch, requirements};
use super::lock::lock_named;
use super::{Release, ReleaseStatus};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Makes an open release without posts, owned by whoever makes it. Answers its key.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) with everything that is wrong with it.
pub async fn create(transaction: &mut Transaction<'_>, patch: DetailsPatch) -> Result<i64> {
    let details = Details {
        owner_id: transaction.actor().user_id(),
        ..Details::default()
    };
    let details = details.patched(patch);
    check(transaction, &details, None, Vec::new()).await?;
    let mut row = details.to_row()?;
    row.status = Set(ReleaseStatus::Open.as_str().to_owned());
    row.created_at = Set(transaction.now());
    let id = row.insert(transaction.connection()).await?.id;
    touch(transaction, id);
    transaction.record(AuditEvent {
        action: "create",
        subject: "release",
        subject_id: id,
        before: None,
        after: Some(serde_json::to_value(&details)?),
    });
    Ok(id)
}

/// Changes what is written about a release. What it was shipped for is the record of a decision and
/// stays when it has shipped; owner, files, command and metrics may follow.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release, and with
/// everything that can't be changed or is wrong.
pub async fn update(transaction: &mut Transaction<'_>, id: i64, patch: DetailsPatch) -> Result<()> {
    let release = lock_named(transaction, id, "id").await?;
    let before = release.details.clone();
    let after = before.clone().patched(patch);
    if after == before {
        return Ok(());
    }
    let fixed = release.fixed_fields(&after);
    check(transaction, &after, before.owner_id, fixed).await?;
    let mut row = after.to_row()?;
    row.id = Set(id);
    row.update(transaction.connection()).await?;
    touch(transaction, id);
    transaction.record(AuditEvent {
        action: "update",
        subject: "release",
        subject_id: id,
        before: Some(serde_json::to_value(&before)?),
        after: Some(serde_json::to_value(&after)?),
    });
    Ok(())
}

/// Throws an open release away.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such release, or it is
/// not open.
pub async fn delete(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let release = lock_named(transaction, id, "id").await?;
    release.must_be_open("id")?;
    release::Entity::delete_by_id(id)
        .exec(transaction.connection())
        .await?;
    touch(transaction, id);
    transaction.record(AuditEvent {
        action: "delete",
        subject: "release",
        subject_id: id,
        before: Some(json!({ "details": release.details, "posts": release.item_count })),
        after: None,
    });
    Ok(())
}

/// Says that answers made from the release are out of date.
pub(super) fn touch(transaction: &mut Transaction<'_>, id: i64) {
    transaction.touch(CacheTag::Row("release", id));
    transaction.touch(CacheTag::List("release"));
}

impl Release {
    /// Checks that what the release holds may still be changed.
    pub(super) fn must_be_open(&self, field: &str) -> Result<()> {
        let message = match self.status {
            ReleaseStatus::Open => return Ok(()),
            ReleaseStatus::Scheduled => "the release is scheduled; cancel its schedule first",
            _ => "the release has shipped and stays as it is; make another one",
        };
        Err(Problem::conflict(field, message).into())
    }

    /// What of `after` can't be changed where the release stands.
    fn fixed_fields(&self, after: &Details) -> Vec<Problem> {
        let before = &self.details;
        let conflict = |field: &str, message: &str| Problem::conflict(field, message);
        match self.status {
            ReleaseStatus::Open => Vec::new(),
            ReleaseStatus::Scheduled => requirements(after)
                .into_iter()
                .filter(|(_, is_there, _)| !is_there)
                .map(|(field, _, _)| {
                    conflict(
                        field,
                        "is needed to ship as scheduled; cancel the schedule first",
                    )
                })
                .collect(),
            ReleaseStatus::Shipped | ReleaseStatus::RolledBack => [
                ("name", before.name == after.name),
                ("reason", before.reason == after.reason),
                (
                    "expectedResult",
                    before.expected_result == after.expected_result,
                ),
                ("rollbackNote", before.rollback_note == after.rollback_note),
            ]
            .into_iter()
            .filter(|(_, is_same)| !is_same)
            .map(|(field, _)| {
                conflict(
                    field,
                    "is what the release was shipped with, and stays; leave it out",
                )
            })
            .collect(),
        }
    }
}

/// Refuses what is wrong with the details, together with what was found already. Who owns the release already may do so
/// even if they have left since.
async fn check(
    transaction: &Transaction<'_>,
    details: &Details,
    owner_before: Option<i64>,
    mut problems: Vec<Problem>,
) -> Result<()> {
    problems.extend(details.problems());
    if let Some(owner_id) = details.owner_id
        && details.owner_id != owner_before
    {
        let owner = user::Entity::find_by_id(owner_id)
            .filter(user::Column::DisabledAt.is_null())
            .one(transaction.connection())
            .await?;
        if owner.is_none() {
            problems.push(Problem::not_found("owner", "user"));
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into())
    }
}
