//! Sessions: a sign-in, for as long as it lasts.
//!
//! An access token (a JWT) is good for minutes and names its session; every request with it reads
//! the session, so that signing out, being disabled and changing roles work at once. A refresh token
//! renews the session, once: it is answered with the next one. One that is used a second time was
//! stolen, from one side or the other, and ends the session.

mod authenticate;
mod refresh;
mod sign_in;
mod sign_out;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{refresh_token, session};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(in crate::domain) use authenticate::authenticate;
pub use refresh::refresh;
pub use sign_in::{SignIn, sign_in};
pub use sign_out::{change_password, sign_out, sign_out_everywhere};

use super::actor::Actor;
use super::audit::AuditEvent;
use super::error::{Error, Result};
use super::perspective::Reader;
use super::signing_key::{Claims, SigningKeys};
use super::transaction::Transaction;
use super::user::User;
use crate::foundation::hash::sha256;
use crate::foundation::secret::random_secret;

/// How long an access token is good for.
const ACCESS: TimeDelta = TimeDelta::minutes(15);

/// How long a session goes on without being renewed.
pub const IDLE: TimeDelta = TimeDelta::days(30);

/// The longest name of a program that is kept, in characters.
const USER_AGENT_LENGTH: usize = 300;

/// What an access token says.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(in crate::domain) struct AccessClaims {
    /// The user.
    #[serde(rename = "uid")]
    user_id: i64,
    /// The session.
    #[serde(rename = "sid")]
    session_id: i64,
}

impl Claims for AccessClaims {
    const TYPE: &'static str = "access+jwt";
    const REMEDY: &'static str = "refresh the session, or sign in again";
}

/// What somebody who signed in, or renewed their session, gets.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// The session.
    pub session_id: i64,
    /// Lets requests in.
    pub access_token: String,
    /// Until when it does.
    pub access_expires_at: DateTime<Utc>,
    /// Renews the session, once.
    pub refresh_token: String,
}

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The key.
    pub id: i64,
    /// Where it began.
    pub address: Option<String>,
    /// What the program called itself.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was last renewed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends unless it is renewed.
    pub expires_at: DateTime<Utc>,
}

/// The sessions of a user that go on, the newest first.
///
/// # Errors
///
/// Those of the database.
pub async fn list(reader: &Reader, now: DateTime<Utc>, user_id: i64) -> Result<Vec<Session>> {
    let select = Query::select()
        .columns([
            "id",
            "address",
            "user_agent",
            "created_at",
            "last_used_at",
            "expires_at",
        ])
        .from("session")
        .and_where(Expr::col("user_id").eq(user_id))
        .and_where(Expr::col("revoked_at").is_null())
        .and_where(Expr::col("expires_at").gt(now))
        .order_by("id", Order::Desc)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let sessions = rows.iter().map(|row| {
        Ok(Session {
            id: row.try_get_by_index(0)?,
            address: row.try_get_by_index(1)?,
            user_agent: row.try_get_by_index(2)?,
            created_at: row.try_get_by_index(3)?,
            last_used_at: row.try_get_by_index(4)?,
            expires_at: row.try_get_by_index(5)?,
        })
    });
    sessions.collect()
}

/// Begins a session of a user, who is the actor from here on. `action` is what the log calls it.
///
/// # Errors
///
/// Those of the database and of the keys.
pub async fn begin(
    transaction: &mut Transaction<'_>,
    keys: &SigningKeys,
    user: User,
    user_agent: Option<&str>,
    action: &'static str,
) -> Result<SignedIn> {
    let now = transaction.now();
    forget_old(transaction).await?;
    let address = transaction.caller().address;
    let session = session::ActiveModel {
        user_id: Set(user.id),
        address: Set(address.map(|address| address.to_string())),
        user_agent: Set(user_agent.map(|agent| agent.chars().take(USER_AGENT_LENGTH).collect())),
        created_at: Set(now),
        last_used_at: Set(now),
        expires_at: Set(now + IDLE),
        revoked_at: Set(None),
        ..Default::default()
    };
    let session = session.insert(transaction.connection()).await?;
    transaction.act_as(Actor::User {
        user_id: user.id,
        role: user.role,
        session_id: session.id,
    });
    transaction.record(AuditEvent {
        action,
        subject: "user",
        subject_id: user.id,
        before: None,
        after: Some(json!({ "session": session.id })),
    });
    hand_out(transaction, keys, user, session.id).await
}

/// Makes the tokens of a session.
async fn hand_out(
    transaction: &Transaction<'_>,
    keys: &SigningKeys,
    user: User,
    session_id: i64,
) -> Result<SignedIn> {
    let now = transaction.now();
    let refresh_token = random_secret()?;
    let row = refresh_token::ActiveModel {
        token_hash: Set(sha256(&refresh_token)),
        session_id: Set(session_id),
        created_at: Set(now),
        used_at: Set(None),
    };
    refresh_token::Entity::insert(row)
        .exec_without_returning(transaction.connection())
        .await?;
    let access_expires_at = now + ACCESS;
    let claims = AccessClaims {
        user_id: user.id,
        session_id,
    };
    Ok(SignedIn {
        access_token: keys.sign(claims, access_expires_at)?,
        access_expires_at,
        refresh_token,
        session_id,
        user,
    })
}

/// Ends sessions of a user: one, or all but one, or all. Answers which were ended.
async fn end(transaction: &Transaction<'_>, user_id: i64, which: Which) -> Result<Vec<i64>> {
    let mut open = session::Entity::find()
        .filter(session::Column::UserId.eq(user_id))
        .filter(session::Column::RevokedAt.is_null())
        .filter(session::Column::ExpiresAt.gt(transaction.now()));
    open = match which {
        Which::One(id) => open.filter(session::Column::Id.eq(id)),
        Which::AllBut(id) => open.filter(session::Column::Id.ne(id)),
        Which::All => open,
    };
    let ids: Vec<i64> = open
        .all(transaction.connection())
        .await?
        .into_iter()
        .map(|session| session.id)
        .collect();
    session::Entity::update_many()
        .set(session::ActiveModel {
            revoked_at: Set(Some(transaction.now())),
            ..Default::default()
        })
        .filter(session::Column::Id.is_in(ids.iter().copied()))
        .exec(transaction.connection())
        .await?;
    Ok(ids)
}

/// Ends every session of a user.
pub(in crate::domain) async fn end_all(
    transaction: &Transaction<'_>,
    user_id: i64,
) -> Result<Vec<i64>> {
    end(transaction, user_id, Which::All).await
}

#[derive(Clone, Copy, Debug)]
enum Which {
    One(i64),
    AllBut(i64),
    All,
}

/// Removes sessions that ended long ago, with their refresh tokens.
async fn forget_old(transaction: &Transaction<'_>) -> Result<()> {
    session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lt(transaction.now() - IDLE))
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// The user and the session of whoever signed in themselves.
///
/// # Errors
///
/// [`Error::SignInRequired`] for everybody else.
fn in_person(actor: Actor) -> Result<(i64, i64)> {
    match actor {
        Actor::User {
            user_id,
            session_id,
            ..
        } => Ok((user_id, session_id)),
        _ => Err(Error::SignInRequired),
    }
}
