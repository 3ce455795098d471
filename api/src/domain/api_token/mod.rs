//! API tokens: what scripts sign in with. A token acts as its user, within its scopes.

mod authenticate;

use chrono::{DateTime, Utc};
use entity::api_token::{ActiveModel, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryResult, QuerySelect};
use serde_json::json;

pub(super) use authenticate::authenticate;

use super::audit::AuditEvent;
use super::error::{Error, Problem, Result};
use super::newest::{self, Dated, newest_first};
use super::page::{Page, PageRequest};
use super::permission::Scope;
use super::perspective::Reader;
use super::transaction::Transaction;
use crate::foundation::hash::sha256;
use crate::foundation::secret::random_secret;

/// How every token begins, so that one that leaks is recognised.
pub const PREFIX: &str = "anp_";

/// How much of a token is kept readable, so that people tell theirs apart.
const START_LENGTH: usize = 10;

/// The longest name, in characters.
const NAME_LENGTH: usize = 100;

/// A token, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// The key.
    pub id: i64,
    /// Whom it acts for.
    pub user_id: i64,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub start: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it stops being good; absent when it does not by itself.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A token to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewApiToken {
    /// Whom it acts for.
    pub user_id: i64,
    /// What it is for.
    pub name: String,
    /// What it may do, as far as its user may.
    pub scopes: Vec<Scope>,
    /// When it stops being good.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a token. Answers its key and the token itself, which nobody can read again.
///
/// # Errors
///
/// [`Error::Refused`] when something about it can't be used.
pub async fn create(transaction: &mut Transaction<'_>, new: NewApiToken) -> Result<(i64, String)> {
    let NewApiToken {
        user_id,
        name,
        mut scopes,
        expires_at,
    } = new;
    let name = name.trim().to_owned();
    let now = transaction.now();
    let mut problems = Vec::new();
    if !(1..=NAME_LENGTH).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        let message = format!("say in 1 to {NAME_LENGTH} characters what the token is for");
        problems.push(Problem::invalid("name", message));
    }
    if scopes.is_empty() {
        let message = "give at least one; without any the token could do nothing";
        problems.push(Problem::invalid("scopes", message));
    }
    if expires_at.is_some_and(|expiry| expiry <= now) {
        let message = "lies in the past; give a time to come, or none";
        problems.push(Problem::invalid("expiresAt", message));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    scopes.sort_unstable();
    scopes.dedup();
    let words: Vec<&str> = scopes.into_iter().map(Scope::as_str).collect();
    let token = format!("{PREFIX}{}", random_secret()?);
    let row = ActiveModel {
        user_id: Set(user_id),
        name: Set(name.clone()),
        token_hash: Set(sha256(&token)),
        token_start: Set(token.chars().take(START_LENGTH).collect()),
        scopes: Set(json!(words)),
        created_at: Set(now),
        expires_at: Set(expires_at),
        last_used_at: Set(None),
        revoked_at: Set(None),
        ..Default::default()
    };
    let id = row.insert(transaction.connection()).await?.id;
    transaction.record(AuditEvent {
        action: "create",
        subject: "api_token",
        subject_id: id,
        before: None,
        after: Some(json!({
            "user": user_id,
            "name": name,
            "scopes": words,
            "expiresAt": expires_at,
        })),
    });
    Ok((id, token))
}

/// Revokes a token: it is of no use from the commit on. `owner` is whose it must be, when it
/// matters.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such token.
pub async fn revoke(transaction: &mut Transaction<'_>, id: i64, owner: Option<i64>) -> Result<()> {
    let found: Option<Model> = Entity::find_by_id(id)
        .lock_exclusive()
        .one(transaction.connection())
        .await?;
    let row = found
        .filter(|row| owner.is_none_or(|owner| owner == row.user_id))
        .ok_or_else(|| Problem::not_found("id", "API token"))?;
    if row.revoked_at.is_some() {
        return Ok(());
    }
    let name = row.name.clone();
    let mut row: ActiveModel = row.into();
    row.revoked_at = Set(Some(transaction.now()));
    row.update(transaction.connection()).await?;
    transaction.record(AuditEvent {
        action: "revoke",
        subject: "api_token",
        subject_id: id,
        before: Some(json!({ "name": name })),
        after: None,
    });
    Ok(())
}

/// A page of the tokens of a user, or of everybody, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    owner: Option<i64>,
    request: &PageRequest,
) -> Result<Page<ApiToken>> {
    newest_first(reader, select(owner), request).await
}

/// How many tokens a user has, or everybody together.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, owner: &Option<i64>) -> Result<i64> {
    newest::count(reader, select(*owner)).await
}

/// Finds a token.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, id: i64) -> Result<Option<ApiToken>> {
    let select = select(None).and_where(Expr::col("id").eq(id)).to_owned();
    let rows = reader.rows(&select).await?;
    rows.first().map(ApiToken::read).transpose()
}

fn select(owner: Option<i64>) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns([
            "id",
            "user_id",
            "name",
            "token_start",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        ])
        .from("api_token");
    if let Some(owner) = owner {
        select.and_where(Expr::col("user_id").eq(owner));
    }
    select
}

impl Dated for ApiToken {
    const TIME: &'static str = "created_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.created_at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            id: row.try_get_by_index(0)?,
            user_id: row.try_get_by_index(1)?,
            name: row.try_get_by_index(2)?,
            start: row.try_get_by_index(3)?,
            scopes: stored_scopes(row.try_get_by_index(4)?)?,
            created_at: row.try_get_by_index(5)?,
            expires_at: row.try_get_by_index(6)?,
            last_used_at: row.try_get_by_index(7)?,
            revoked_at: row.try_get_by_index(8)?,
        })
    }
}

/// The scopes of a row.
fn stored_scopes(scopes: serde_json::Value) -> Result<Vec<Scope>> {
    let words: Vec<String> = serde_json::from_value(scopes)?;
    let scopes = words.iter().map(|word| {
        Scope::from_word(word).ok_or_else(|| Error::Internal(format!("`{word}` is no scope")))
    });
    scopes.collect()
}
