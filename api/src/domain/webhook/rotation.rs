//! Secrets that replace others, with a day on which both are good.

use chrono::TimeDelta;
use entity::webhook_endpoint::ActiveModel;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;

use super::endpoint::{lock_named, tell};
use super::secret::Secret;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// Old secrets that messages are signed with besides the new one.
const MOST_OLD_SECRETS: usize = 3;

/// For how long messages are signed by the old secret too, after a new one was made.
pub(in crate::domain) const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// Makes another secret. Messages are signed by the old one too for a day, so that the receiver can
/// learn the new one meanwhile. One that is replaced within its day is no reason to forget those
/// before it: the receiver may never have learned it.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such endpoint.
pub async fn rotate_secret(transaction: &mut Transaction<'_>, id: i64) -> Result<Secret> {
    let row = lock_named(transaction, id, "id").await?;
    let secret = Secret::random()?;
    let now = transaction.now();
    let until = now + OVERLAP;
    let good = row.previous_secret_until.is_some_and(|until| now < until);
    let before = row.previous_secret.filter(|_| good).unwrap_or_default();
    let old = std::iter::once(row.secret.as_str()).chain(before.split_whitespace());
    let old: Vec<&str> = old.take(MOST_OLD_SECRETS).collect();
    let changed = ActiveModel {
        id: Set(id),
        secret: Set(secret.reveal().to_owned()),
        previous_secret: Set(Some(old.join(" "))),
        previous_secret_until: Set(Some(until)),
        ..Default::default()
    };
    changed.update(transaction.connection()).await?;
    let after = json!({ "oldSecretUntil": until });
    tell(transaction, "rotate_secret", id, None, Some(after));
    Ok(secret)
}
