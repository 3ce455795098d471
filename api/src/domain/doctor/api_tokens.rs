//! Whether API tokens are still wanted, and will end by themselves.

use chrono::{DateTime, TimeDelta, Utc};
use entity::api_token::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::{Finding, some_of};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;

/// A token that was not used for longer is hardly needed.
const UNUSED: TimeDelta = TimeDelta::days(90);

/// Whether tokens are good for ever.
///
/// # Errors
///
/// Those of the database.
pub async fn endless(reader: &Reader, now: DateTime<Utc>) -> Result<Finding> {
    let endless = good(now)
        .and_where(Expr::col(Column::ExpiresAt).is_null())
        .to_owned();
    let names = names(reader, &endless).await?;
    Ok(match names.is_empty() {
        true => Finding::ok("every token that is good has an end"),
        false => Finding::warn(
            format!("good until somebody revokes them: {}", some_of(&names)),
            "make others with `alphanode token create --days`, then revoke these",
        ),
    })
}

/// Whether tokens are good that nobody uses.
///
/// # Errors
///
/// Those of the database.
pub async fn unused(reader: &Reader, now: DateTime<Utc>) -> Result<Finding> {
    let used = Func::coalesce([Expr::col(Column::LastUsedAt), Expr::col(Column::CreatedAt)]);
    let unused = good(now)
        .and_where(Expr::from(used).lt(now - UNUSED))
        .to_owned();
    let names = names(reader, &unused).await?;
    let days = UNUSED.num_days();
    Ok(match names.is_empty() {
        true => Finding::ok(format!("every good token was used within {days} days")),
        false => Finding::warn(
            format!("not used for {days} days: {}", some_of(&names)),
            "ask whoever made them, then `alphanode token revoke`",
        ),
    })
}

/// Tokens that are good now.
fn good(now: DateTime<Utc>) -> SelectStatement {
    let expiry = || Expr::col(Column::ExpiresAt);
    Query::select()
        .columns([Column::Id, Column::Name])
        .from(Entity)
        .and_where(Expr::col(Column::RevokedAt).is_null())
        .and_where(expiry().is_null().or(expiry().gt(now)))
        .order_by(Column::Id, Order::Asc)
        .to_owned()
}

async fn names(reader: &Reader, select: &SelectStatement) -> Result<Vec<String>> {
    let rows = reader.rows(select).await?;
    rows.iter()
        .map(|row| {
            let (id, name): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
            Ok(format!("{id} ({name})"))
        })
        .collect()
}
