//! Reading releases and what they hold.

use std::collections::HashMap;

use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::source::Source;
use super::{Details, Release, ReleaseItem, ReleaseStatus, ShipFailure};
use crate::domain::error::Result;
use crate::domain::page::{Cursor, Direction, Page, PageRequest, SortKey};
use crate::domain::perspective::Reader;
use crate::foundation::cache_tag::CacheTag;

/// Which releases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseFilter {
    /// Those that stand at one of these; all of them when none is named.
    pub statuses: Option<Vec<ReleaseStatus>>,
}

/// Reads a page of releases, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    filter: &ReleaseFilter,
    request: &PageRequest,
) -> Result<Page<Release>> {
    const ORDER: &str = "created";
    reader.note(CacheTag::List("release"));
    let id = || Expr::col(("r", "id"));
    let mut select = releases();
    filter.apply(&mut select);
    let direction = match request.backward {
        false => Direction::Descending,
        true => Direction::Ascending,
    };
    if let Some(text) = &request.cursor {
        let cursor = Cursor::decode(text, ORDER)?;
        select.and_where(match direction {
            Direction::Ascending => id().gt(cursor.row),
            Direction::Descending => id().lt(cursor.row),
        });
    }
    let order = match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    select
        .order_by(("r", "id"), order)
        .limit(u64::from(request.limit) + 1);
    if request.offset > 0 {
        select.offset(u64::from(request.offset));
    }
    let mut rows = Vec::new();
    for row in reader.rows(&select).await? {
        let release = read_release(&row)?;
        reader.note(CacheTag::Row("release", release.id));
        let cursor = Cursor {
            order: ORDER.to_owned(),
            key: SortKey::Integer(release.id),
            row: release.id,
        };
        rows.push((cursor, release));
    }
    Ok(Page::new(request, rows))
}

/// Counts releases.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &ReleaseFilter) -> Result<i64> {
    reader.note(CacheTag::List("release"));
    let mut select = Query::select();
    select
        .expr(Func::count(Expr::cust("*")))
        .from_as("release", "r");
    filter.apply(&mut select);
    let rows = reader.rows(&select).await?;
    Ok(match rows.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    })
}

/// Releases by key, in no particular order.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<Release>> {
    reader.note_all(ids.iter().map(|id| CacheTag::Row("release", *id)));
    let mut select = releases();
    select.and_where(Expr::col(("r", "id")).is_in(ids.iter().copied()));
    reader
        .rows(&select)
        .await?
        .iter()
        .map(read_release)
        .collect()
}

/// The first `limit` items of each release, in the order they were added.
///
/// # Errors
///
/// Those of the database.
pub async fn items_of(
    reader: &Reader,
    release_ids: &[i64],
    limit: u32,
) -> Result<HashMap<i64, Vec<ReleaseItem>>> {
    reader.note_all(release_ids.iter().map(|id| CacheTag::Row("release", *id)));
    let mut numbered = Query::select();
    numbered
        .columns(ITEM_COLUMNS)
        .expr_as(
            Expr::cust("ROW_NUMBER() OVER (PARTITION BY release_id ORDER BY id)"),
            "place",
        )
        .from("release_item")
        .and_where(Expr::col("release_id").is_in(release_ids.iter().copied()));
    let select = Query::select()
        .columns(ITEM_COLUMNS)
        .from_subquery(numbered, "numbered")
        .and_where(Expr::col("place").lte(i64::from(limit)))
        .order_by("id", Order::Asc)
        .to_owned();
    let mut found: HashMap<i64, Vec<ReleaseItem>> = HashMap::new();
    for row in reader.rows(&select).await? {
        let item = read_item(&row)?;
        found.entry(item.release_id).or_default().push(item);
    }
    Ok(found)
}

/// One release.
pub(super) async fn find_in(source: Source<'_>, id: i64) -> Result<Option<Release>> {
    let mut select = releases();
    select.and_where(Expr::col(("r", "id")).eq(id));
    let rows = source.rows(&select).await?;
    rows.first().map(read_release).transpose()
}

impl ReleaseFilter {
    fn apply(&self, select: &mut SelectStatement) {
        if let Some(statuses) = &self.statuses {
            let words = statuses.iter().map(|status| status.as_str());
            select.and_where(Expr::col(("r", "status")).is_in(words));
        }
    }
}

fn releases() -> SelectStatement {
    let item_count = Query::select()
        .expr(Func::count(Expr::cust("*")))
        .from_as("release_item", "i")
        .and_where(Expr::col(("i", "release_id")).equals(("r", "id")))
        .to_owned();
    Query::select()
        .columns(
            [
                "id",
                "name",
                "status",
                "owner_id",
                "reason",
                "expected_result",
                "rollback_note",
                "files_touched",
                "command_used",
                "metric_name",
                "metric_before",
                "metric_after",
                "ship_at",
                "ship_failed_at",
                "ship_problems",
                "shipped_at",
                "rolled_back_at",
                "created_at",
            ]
            .map(|column| ("r", column)),
        )
        .expr_as(
            Expr::SubQuery(None, Box::new(item_count.into())),
            "item_count",
        )
        .from_as("release", "r")
        .to_owned()
}

fn read_release(row: &QueryResult) -> Result<Release> {
    let status: String = row.try_get("", "status")?;
    let files: serde_json::Value = row.try_get("", "files_touched")?;
    let failed_at: Option<_> = row.try_get("", "ship_failed_at")?;
    let ship_failure = match failed_at {
        Some(at) => {
            let problems: serde_json::Value = row.try_get("", "ship_problems")?;
            Some(ShipFailure {
                at,
                problems: serde_json::from_value(problems)?,
            })
        }
        None => None,
    };
    Ok(Release {
        id: row.try_get("", "id")?,
        status: ReleaseStatus::from_word(&status).unwrap_or_default(),
        details: Details {
            name: row.try_get("", "name")?,
            owner_id: row.try_get("", "owner_id")?,
            reason: row.try_get("", "reason")?,
            expected_result: row.try_get("", "expected_result")?,
            rollback_note: row.try_get("", "rollback_note")?,
            files_touched: serde_json::from_value(files)?,
            command_used: row.try_get("", "command_used")?,
            metric_name: row.try_get("", "metric_name")?,
            metric_before: row.try_get("", "metric_before")?,
            metric_after: row.try_get("", "metric_after")?,
        },
        item_count: row.try_get("", "item_count")?,
        ship_at: row.try_get("", "ship_at")?,
        ship_failure,
        shipped_at: row.try_get("", "shipped_at")?,
        rolled_back_at: row.try_get("", "rolled_back_at")?,
        created_at: row.try_get("", "created_at")?,
    })
}

pub(super) const ITEM_COLUMNS: [&str; 8] = [
    "id",
    "release_id",
    "post_id",
    "post_reference",
    "post_title",
    "revision_id",
    "replaced_content",
    "restored",
];

/// Reads a row that begins with [`ITEM_COLUMNS`].
pub(super) fn read_item(row: &QueryResult) -> Result<ReleaseItem> {
    Ok(ReleaseItem {
        id: row.try_get_by_index(0)?,
        release_id: row.try_get_by_index(1)?,
        post_id: row.try_get_by_index(2)?,
        post_reference: row.try_get_by_index(3)?,
        post_title: row.try_get_by_index(4)?,
        revision_id: row.try_get_by_index(5)?,
        replaced_content: row.try_get_by_index(6)?,
        restored: row.try_get_by_index(7)?,
    })
}
