//! Renewing a session.

use entity::{refresh_token, session};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
};
use serde_json::json;

use super::{IDLE, SignedIn, Which, end, hand_out};
use crate::domain::actor::{Actor, Caller};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Error, Problem, ProblemCode, Result};
use crate::domain::permission::Action;
use crate::domain::signing_key::SigningKeys;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::user::User;
use crate::foundation::hash::sha256;

/// Renews a session with a refresh token, which is used up, and answers the next one. A token that
/// was used before ends the session, and that stays although the answer is a refusal.
///
/// # Errors
///
/// [`Error::Refused`] when the token is not good, or no longer.
pub async fn refresh(
    store: &Store,
    keys: &SigningKeys,
    caller: Caller,
    token: &str,
) -> Result<SignedIn> {
    let mut transaction = Transaction::begin(store, caller, Action::RefreshSession).await?;
    let connection = transaction.connection();
    let now = transaction.now();
    let token = refresh_token::Entity::find_by_id(sha256(token));
    // Whoever comes second waits here, and then finds it used.
    let token = token.lock_exclusive().one(connection).await?;
    let token = token.ok_or_else(no_longer_good)?;
    let session = session::Entity::find_by_id(token.session_id)
        .one(connection)
        .await?
        .filter(|session| session.revoked_at.is_none() && session.expires_at > now)
        .ok_or_else(no_longer_good)?;
    let user = entity::user::Entity::find_by_id(session.user_id)
        .one(connection)
        .await?
        .filter(|user| user.disabled_at.is_none())
        .ok_or_else(no_longer_good)?;
    let user = User::try_from(user)?;
    if token.used_at.is_some() {
        end(&transaction, user.id, Which::One(session.id)).await?;
        transaction.record(AuditEvent {
            action: "revoke_session",
            subject: "user",
            subject_id: user.id,
            before: None,
            after: Some(json!({
                "session": session.id,
                "reason": "a refresh token was used twice",
            })),
        });
        transaction.commit().await?;
        return Err(no_longer_good());
    }
    refresh_token::ActiveModel {
        token_hash: Set(token.token_hash),
        used_at: Set(Some(now)),
        ..Default::default()
    }
    .update(connection)
    .await?;
    // A used token is remembered for as long as its owner could have waited to use it.
    refresh_token::Entity::delete_many()
        .filter(refresh_token::Column::SessionId.eq(session.id))
        .filter(refresh_token::Column::UsedAt.lt(now - IDLE))
        .exec(connection)
        .await?;
    session::ActiveModel {
        id: Set(session.id),
        last_used_at: Set(now),
        expires_at: Set(now + IDLE),
        ..Default::default()
    }
    .update(connection)
    .await?;
    let actor = Actor::User {
        user_id: user.id,
        role: user.role,
        session_id: session.id,
    };
    let signed_in = hand_out(&transaction, keys, user, session.id).await?;
    transaction.act_as(actor);
    transaction.commit().await?;
    Ok(signed_in)
}

fn no_longer_good() -> Error {
    Problem::new(
        ProblemCode::WrongCredentials,
        "refreshToken",
        "the session has ended or was renewed with this token before; sign in again",
    )
    .into()
}
