//! Users: who may sign in, and what they are trusted with.

pub mod password;
mod update;

pub use update::{UserChange, update};

use chrono::{DateTime, Utc};
use entity::user::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    QueryResult, QuerySelect,
};
use serde_json::{Value, json};

use super::audit::AuditEvent;
use super::error::{Error, Failure, Problem, ProblemCode, Result};
use super::newest::{self, Dated, newest_first};
use super::page::{Page, PageRequest};
use super::permission::Role;
use super::perspective::Reader;
use super::slug::name_key;
use super::transaction::Transaction;

/// The longest address that mail is delivered to, in characters.
const EMAIL_LENGTH: usize = 254;

/// The longest name, in characters.
const NAME_LENGTH: usize = 100;

/// Somebody who may sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The key.
    pub id: i64,
    /// The address they sign in with.
    pub email: String,
    /// What others see.
    pub name: String,
    /// What they are trusted with.
    pub role: Role,
    /// Whether they have a password: not before they have followed their invitation.
    pub has_password: bool,
    /// When they were shut out.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they were invited.
    pub created_at: DateTime<Utc>,
}

impl TryFrom<Model> for User {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            email: row.email,
            name: row.name,
            role: stored_role(&row.role)?,
            has_password: row.password_hash.is_some(),
            disabled_at: row.disabled_at,
            created_at: row.created_at,
        })
    }
}

/// A user to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// The address they sign in with.
    pub email: String,
    /// What others see.
    pub name: String,
    /// What they are trusted with.
    pub role: Role,
}

/// Adds a user, who has no password yet.
///
/// # Errors
///
/// [`Error::Refused`] when the address or the name can't be used.
pub async fn create(transaction: &mut Transaction<'_>, new: NewUser) -> Result<User> {
    let email = new.email.trim().to_owned();
    let name = new.name.trim().to_owned();
    let problems = check(&new);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let row = ActiveModel {
        email_key: Set(name_key(&email)),
        email: Set(email),
        name: Set(name),
        role: Set(new.role.as_str().to_owned()),
        password_hash: Set(None),
        disabled_at: Set(None),
        created_at: Set(transaction.now()),
        ..Default::default()
    };
    let row = row.insert(transaction.connection()).await;
    let user: User = row
        .map_err(Error::from)
        .map_err(|error| match error.failure() {
            Failure::Taken => Problem::new(
                ProblemCode::Taken,
                "email",
                "somebody has this address already; find them among the users",
            )
            .into(),
            _ => error,
        })?
        .try_into()?;
    transaction.record(AuditEvent {
        action: "create",
        subject: "user",
        subject_id: user.id,
        before: None,
        after: Some(audited(&user)),
    });
    Ok(user)
}

/// Finds users by key.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<User>> {
    newest::find(reader, columns(), ids).await
}

/// A page of the users, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(reader: &Reader, request: &PageRequest) -> Result<Page<User>> {
    newest_first(reader, columns(), request).await
}

/// The filter of a list that has none.
#[derive(Clone, Copy, Debug)]
pub struct Everybody;

/// How many users there are.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, Everybody: &Everybody) -> Result<i64> {
    newest::count(reader, columns()).await
}

/// What [`User::read`] reads.
fn columns() -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(["id", "email", "name", "role", "disabled_at", "created_at"])
        .expr(Expr::col("password_hash").is_not_null())
        .from("user");
    select
}

impl Dated for User {
    const TIME: &'static str = "created_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.created_at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            email: row.try_get_by_index(1)?,
            name: row.try_get_by_index(2)?,
            role: stored_role(&row.try_get_by_index::<String>(3)?)?,
            disabled_at: row.try_get_by_index(4)?,
            created_at: row.try_get_by_index(5)?,
            has_password: row.try_get_by_index(6)?,
        })
    }
}

/// The user who signs in with an address.
///
/// # Errors
///
/// [`Error::Refused`] when there is none.
pub async fn find_by_email(transaction: &Transaction<'_>, email: &str) -> Result<User> {
    let found = by_email(transaction.connection(), email).await?;
    found
        .ok_or_else(|| Problem::not_found("email", "user"))?
        .try_into()
}

/// Finds who signs in with an address.
pub(in crate::domain) async fn by_email(
    connection: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<Model>> {
    let key = Column::EmailKey.eq(name_key(email.trim()));
    Ok(Entity::find().filter(key).one(connection).await?)
}

/// A user whom nobody else changes until the transaction ends.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such user.
pub(in crate::domain) async fn lock(transaction: &Transaction<'_>, id: i64) -> Result<Model> {
    let row = Entity::find_by_id(id)
        .lock_exclusive()
        .one(transaction.connection())
        .await?;
    Ok(row.ok_or_else(|| Problem::not_found("id", "user"))?)
}

/// Gives a user another password.
pub(in crate::domain) async fn set_password(
    transaction: &Transaction<'_>,
    id: i64,
    hash: String,
) -> Result<()> {
    let row = ActiveModel {
        id: Set(id),
        password_hash: Set(Some(hash)),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    Ok(())
}

/// The role of a row.
pub(in crate::domain) fn stored_role(word: &str) -> Result<Role> {
    Role::from_word(word).ok_or_else(|| Error::Internal(format!("`{word}` is no role")))
}

/// What the log tells of a user.
fn audited(user: &User) -> Value {
    json!({
        "email": user.email,
        "name": user.name,
        "role": user.role.as_str(),
        "disabled": user.disabled_at.is_some(),
    })
}

/// What has to be put right about a user to be.
pub(in crate::domain) fn check(new: &NewUser) -> Vec<Problem> {
    let problems = [check_email(new.email.trim()), check_name(new.name.trim())];
    problems.into_iter().flatten().collect()
}

fn check_email(email: &str) -> Option<Problem> {
    let (local, domain) = email.rsplit_once('@').unwrap_or_default();
    let sound = !local.is_empty()
        && !domain.is_empty()
        && email.chars().count() <= EMAIL_LENGTH
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    let message = "give an address such as ada@example.org";
    (!sound).then(|| Problem::invalid("email", message))
}

fn check_name(name: &str) -> Option<Problem> {
    let sound =
        (1..=NAME_LENGTH).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    let message = format!("give 1 to {NAME_LENGTH} characters, as others should see it");
    (!sound).then(|| Problem::invalid("name", message))
}
