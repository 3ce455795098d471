//! Changing users, and shutting them out.

use entity::user::{Column, Entity};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::{User, audited, check_name, lock};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::permission::Role;
use crate::domain::session;
use crate::domain::transaction::Transaction;

/// What about a user should change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
}

/// Changes a user. Shutting them out ends their sessions; their tokens rest until they are let in
/// again.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such user, the name
/// can't be used, or nobody would be left who can manage users.
pub async fn update(transaction: &mut Transaction<'_>, id: i64, change: UserChange) -> Result<()> {
    // Before the user, and always: two admins who demote each other wait here.
    let admins = lock_admins(transaction).await?;
    let row = lock(transaction, id).await?;
    let before = User::try_from(row.clone())?;
    let mut after = before.clone();
    if let Some(name) = change.name {
        after.name = name.trim().to_owned();
    }
    after.role = change.role.unwrap_or(before.role);
    match change.disabled {
        Some(true) if before.disabled_at.is_none() => after.disabled_at = Some(transaction.now()),
        Some(false) => after.disabled_at = None,
        Some(true) | None => {}
    }
    let mut problems: Vec<Problem> = check_name(&after.name).into_iter().collect();
    let manages = after.role == Role::Admin && after.disabled_at.is_none();
    if admins == [id] && !manages {
        let field = match after.role {
            Role::Admin => "disabled",
            _ => "role",
        };
        problems.push(Problem::conflict(
            field,
            "they are the last admin who can sign in; make somebody else an admin first",
        ));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if after == before {
        return Ok(());
    }
    let mut row: entity::user::ActiveModel = row.into();
    row.name = Set(after.name.clone());
    row.role = Set(after.role.as_str().to_owned());
    row.disabled_at = Set(after.disabled_at);
    row.update(transaction.connection()).await?;
    if before.disabled_at.is_none() && after.disabled_at.is_some() {
        session::end_all(transaction, id).await?;
    }
    transaction.record(AuditEvent {
        action: "update",
        subject: "user",
        subject_id: id,
        before: Some(audited(&before)),
        after: Some(audited(&after)),
    });
    Ok(())
}

/// The admins who can sign in, in the order of their keys, kept from changing until the end.
async fn lock_admins(transaction: &Transaction<'_>) -> Result<Vec<i64>> {
    let admins = Entity::find()
        .filter(Column::Role.eq(Role::Admin.as_str()))
        .filter(Column::DisabledAt.is_null())
        .filter(Column::PasswordHash.is_not_null())
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(transaction.connection())
        .await?;
    Ok(admins.into_iter().map(|admin| admin.id).collect())
}
