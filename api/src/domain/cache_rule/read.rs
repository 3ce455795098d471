//! Rules, read.

use entity::cache_rule::{Column, Entity, Model};
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QueryTrait, Select,
};

use super::rule::CacheRule;
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Every rule, by name.
///
/// # Errors
///
/// Those of the database.
pub async fn list(reader: &Reader) -> Result<Vec<CacheRule>> {
    reader.note(CacheTag::List("cache_rule"));
    rules(reader, all()).await
}

/// The rules that there are of these.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<CacheRule>> {
    reader.note_all(ids.iter().map(|id| CacheTag::Row("cache_rule", *id)));
    let found = all().filter(Column::Id.is_in(ids.iter().copied()));
    rules(reader, found).await
}

/// The rule of a name.
///
/// # Errors
///
/// Those of the database.
pub async fn find_by_name(reader: &Reader, name: &str) -> Result<Option<CacheRule>> {
    reader.note(CacheTag::List("cache_rule"));
    let found = all().filter(Column::Name.eq(name));
    Ok(rules(reader, found).await?.pop())
}

/// Every rule, for a change that nobody else changes them beside.
pub(super) async fn all_of(transaction: &Transaction<'_>) -> Result<Vec<CacheRule>> {
    let rows = all().all(transaction.connection()).await?;
    rows.into_iter().map(CacheRule::try_from).collect()
}

fn all() -> Select<Entity> {
    Entity::find().order_by_asc(Column::Name)
}

async fn rules(reader: &Reader, select: Select<Entity>) -> Result<Vec<CacheRule>> {
    let rows = reader.rows(&select.into_query()).await?;
    let rows = rows.iter().map(|row| Model::from_query_result(row, ""));
    rows.map(|row| CacheRule::try_from(row?)).collect()
}
