//! Idempotency keys: a change that is sent again, because its answer got lost, is answered again
//! and not made again.
//!
//! A key belongs to whoever sent it, for 24 hours. It is claimed before the change and gets its
//! outcome in the change's own transaction, so that there is never one without the other.

use chrono::TimeDelta;
use entity::idempotency_key::{ActiveModel, Column, Entity};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{Error, Problem, ProblemCode, Result};
use super::transaction::Transaction;

/// How long a key is kept.
pub(super) const KEPT: TimeDelta = TimeDelta::hours(24);

/// The longest key, in characters.
const MAXIMUM_KEY_LENGTH: usize = 200;

/// Claims `key` for a change, or answers what came of the change when it was made already.
///
/// # Errors
///
/// [`Error::Refused`] when the key can't be used, or was used with another operation or input.
pub async fn claim<T: DeserializeOwned>(
    transaction: &Transaction<'_>,
    key: &str,
    operation: &str,
    input_hash: &str,
) -> Result<Option<T>> {
    if key.is_empty() || key.chars().count() > MAXIMUM_KEY_LENGTH {
        let message = format!("give 1 to {MAXIMUM_KEY_LENGTH} characters, e.g. a random UUID");
        return Err(Problem::invalid("idempotencyKey", message).into());
    }
    let connection = transaction.connection();
    Entity::delete_many()
        .filter(Column::CreatedAt.lt(transaction.now() - KEPT))
        .exec(connection)
        .await?;
    let actor = transaction.actor().to_string();
    let row = ActiveModel {
        actor: Set(actor.clone()),
        key: Set(key.to_owned()),
        operation: Set(operation.to_owned()),
        input_hash: Set(input_hash.to_owned()),
        outcome: Set(None),
        created_at: Set(transaction.now()),
    };
    // Waits for a transaction that has claimed the key and is not done yet.
    let inserted = Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::Actor, Column::Key])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(connection)
        .await?;
    if inserted == 1 {
        return Ok(None);
    }
    let known = Entity::find_by_id((actor, key.to_owned()))
        .one(connection)
        .await?;
    let Some(known) = known else {
        return Ok(None);
    };
    if known.operation != operation || known.input_hash != input_hash {
        let message = format!(
            "was used for another `{}`; send a new key with every new change",
            known.operation
        );
        let problem = Problem::new(ProblemCode::KeyReused, "idempotencyKey", message);
        return Err(Error::Refused(vec![problem]));
    }
    match known.outcome {
        Some(outcome) => Ok(Some(serde_json::from_value(outcome)?)),
        None => Ok(None),
    }
}

/// Keeps what came of the change whose key was claimed.
///
/// # Errors
///
/// Those of the database.
pub async fn keep(
    transaction: &Transaction<'_>,
    key: &str,
    outcome: &impl Serialize,
) -> Result<()> {
    let row = ActiveModel {
        actor: Set(transaction.actor().to_string()),
        key: Set(key.to_owned()),
        outcome: Set(Some(serde_json::to_value(outcome)?)),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    Ok(())
}
