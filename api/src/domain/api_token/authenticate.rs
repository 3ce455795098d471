//! From an API token to who asks.

use chrono::{DateTime, TimeDelta, Utc};
use entity::api_token::{ActiveModel, Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryTrait};

use super::stored_scopes;
use crate::domain::actor::Actor;
use crate::domain::authentication::disabled;
use crate::domain::error::{Error, Result};
use crate::domain::transaction::Store;
use crate::domain::user::stored_role;
use crate::foundation::database::StatementCount;
use crate::foundation::hash::sha256;

/// Uses closer to each other than this are one, for the time of the last use.
const USES_ARE_ONE_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// Who asks with an API token: one statement, and once a minute another that notes the use.
pub(in crate::domain) async fn authenticate(
    store: &Store,
    token: &str,
    cost: &StatementCount,
) -> Result<Actor> {
    let select = Query::select()
        .columns([
            ("t", "id"),
            ("t", "user_id"),
            ("u", "role"),
            ("t", "scopes"),
            ("t", "expires_at"),
            ("t", "revoked_at"),
            ("u", "disabled_at"),
            ("t", "last_used_at"),
        ])
        .from_as("api_token", "t")
        .join_as(
            JoinType::InnerJoin,
            "user",
            "u",
            Expr::col(("u", "id")).equals(("t", "user_id")),
        )
        .and_where(Expr::col(("t", "token_hash")).eq(sha256(token)))
        .to_owned();
    let statement = store.database.dialect().build(&select);
    let rows = cost.query(&store.database, statement).await?;
    let bad = |what: &str| Error::BadCredential(format!("the API token {what}; make another one"));
    let row = rows.first().ok_or_else(|| bad("does not exist"))?;
    let now = store.clock.now();
    let time = |index| row.try_get_by_index::<Option<DateTime<Utc>>>(index);
    if time(5)?.is_some() {
        return Err(bad("was revoked"));
    }
    if time(4)?.is_some_and(|expiry| expiry <= now) {
        return Err(bad("has expired"));
    }
    if time(6)?.is_some() {
        return Err(disabled());
    }
    let api_token_id = row.try_get_by_index(0)?;
    if time(7)?.is_none_or(|used| now - used >= USES_ARE_ONE_WITHIN) {
        note_use(store, api_token_id).await;
    }
    Ok(Actor::ApiToken {
        user_id: row.try_get_by_index(1)?,
        role: stored_role(&row.try_get_by_index::<String>(2)?)?,
        api_token_id,
        scopes: stored_scopes(row.try_get_by_index(3)?)?
            .into_iter()
            .collect(),
    })
}

/// Notes that a token is in use. A request is not refused because this could not be written.
async fn note_use(store: &Store, id: i64) {
    let now = store.clock.now();
    let stale = Condition::any()
        .add(Column::LastUsedAt.is_null())
        .add(Column::LastUsedAt.lte(now - USES_ARE_ONE_WITHIN));
    let note = Entity::update_many()
        .set(ActiveModel {
            last_used_at: Set(Some(now)),
            ..Default::default()
        })
        .filter(Column::Id.eq(id))
        .filter(stale)
        .into_query();
    let note = store.database.dialect().statement(&note);
    let noted = store.database.execute(note).await;
    if let Err(error) = noted {
        tracing::warn!(%error, token = id, "the last use of a token was not noted");
    }
}
