//! From an access token to who asks.

use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};

use super::AccessClaims;
use crate::domain::actor::Actor;
use crate::domain::authentication::disabled;
use crate::domain::error::{Error, Result};
use crate::domain::signing_key::SigningKeys;
use crate::domain::transaction::Store;
use crate::domain::user::stored_role;
use crate::foundation::database::StatementCount;

/// Who asks with an access token: one statement, over two keys.
pub(in crate::domain) async fn authenticate(
    store: &Store,
    keys: &SigningKeys,
    token: &str,
    cost: &StatementCount,
) -> Result<Actor> {
    let AccessClaims {
        user_id,
        session_id,
    } = keys.verify(token)?.claims;
    let select = Query::select()
        .columns([("u", "role")])
        .expr(Expr::col(("s", "expires_at")).lte(store.clock.now()))
        .expr(Expr::col(("s", "revoked_at")).is_not_null())
        .expr(Expr::col(("u", "disabled_at")).is_not_null())
        .from_as("session", "s")
        .join_as(
            JoinType::InnerJoin,
            "user",
            "u",
            Expr::col(("u", "id")).equals(("s", "user_id")),
        )
        .and_where(Expr::col(("s", "id")).eq(session_id))
        .and_where(Expr::col(("s", "user_id")).eq(user_id))
        .to_owned();
    let statement = store.database.dialect().build(&select);
    let rows = cost.query(&store.database, statement).await?;
    let ended = || Error::BadCredential("the session has ended; sign in again".into());
    let row = rows.first().ok_or_else(ended)?;
    let (expired, revoked): (bool, bool) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    if expired || revoked {
        return Err(ended());
    }
    if row.try_get_by_index(3)? {
        return Err(disabled());
    }
    Ok(Actor::User {
        user_id,
        role: stored_role(&row.try_get_by_index::<String>(0)?)?,
        session_id,
    })
}
