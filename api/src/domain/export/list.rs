//! Reading exports.

use chrono::{DateTime, Utc};
use entity::{export_chunk, export_run};
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter, QueryResult};

use super::{ExportRun, NOUN};
use crate::domain::error::Result;
use crate::domain::newest::{self, Dated, newest_first};
use crate::domain::page::{Page, PageRequest};
use crate::domain::perspective::Reader;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::Database;

/// Which exports are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// Started by this user, or for them.
    pub user_id: Option<i64>,
}

/// A page of exports, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    filter: &ExportFilter,
    request: &PageRequest,
) -> Result<Page<ExportRun>> {
    reader.note(CacheTag::List(NOUN));
    newest_first(reader, select(filter), request).await
}

/// How many exports a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &ExportFilter) -> Result<i64> {
    reader.note(CacheTag::List(NOUN));
    newest::count(reader, select(filter)).await
}

/// Exports by key, in no particular order.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<ExportRun>> {
    reader.note_all(ids.iter().map(|id| CacheTag::Row(NOUN, *id)));
    newest::find(reader, select(&ExportFilter::default()), ids).await
}

/// A piece of the file of an export, counted from 0; none after the last.
///
/// # Errors
///
/// Those of the database.
pub async fn piece(database: &Database, id: i64, number: i64) -> Result<Option<Vec<u8>>> {
    let row = export_chunk::Entity::find()
        .filter(export_chunk::Column::ExportRunId.eq(id))
        .filter(export_chunk::Column::Number.eq(number))
        .one(database.reader())
        .await?;
    Ok(row.map(|row| row.content))
}

fn select(filter: &ExportFilter) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(export_run::Column::iter())
        .from("export_run");
    if let Some(user_id) = filter.user_id {
        select.and_where(Expr::col("user_id").eq(user_id));
    }
    select
}

impl Dated for ExportRun {
    const TIME: &'static str = "created_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.created_at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        export_run::Model::from_query_result(row, "")?.try_into()
    }
}
