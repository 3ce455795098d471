//! Lists that have one order: the newest first, or what comes soonest.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::error::{Error, Result};
use super::page::{Cursor, Direction, Page, PageRequest, SortKey};
use super::perspective::Reader;

/// A row of such a list.
pub(super) trait Dated {
    /// The column that says when the row came to be, or when it is due.
    const TIME: &'static str;

    /// Its time and its key.
    fn place(&self) -> (DateTime<Utc>, i64);

    /// Reads it.
    fn read(row: &QueryResult) -> Result<Self>
    where
        Self: Sized;
}

/// A page of the rows of `select`, which is over one table with a key `id`, the newest first.
pub(super) async fn newest_first<T: Dated>(
    reader: &Reader,
    select: SelectStatement,
    request: &PageRequest,
) -> Result<Page<T>> {
    in_order(reader, select, request, Direction::Descending).await
}

/// The same, what comes soonest first.
pub(super) async fn soonest_first<T: Dated>(
    reader: &Reader,
    select: SelectStatement,
    request: &PageRequest,
) -> Result<Page<T>> {
    in_order(reader, select, request, Direction::Ascending).await
}

async fn in_order<T: Dated>(
    reader: &Reader,
    mut select: SelectStatement,
    request: &PageRequest,
    direction: Direction,
) -> Result<Page<T>> {
    let name = match direction {
        Direction::Descending => "newest",
        Direction::Ascending => "soonest",
    };
    let direction = match request.backward {
        false => direction,
        true => direction.reversed(),
    };
    let (time, id) = (Expr::col(T::TIME), Expr::col("id"));
    if let Some(text) = &request.cursor {
        let cursor = Cursor::decode(text, name)?;
        let SortKey::Time(at) = cursor.key else {
            return Err(Error::BadArgument(
                "the cursor belongs to another list".into(),
            ));
        };
        let place = Expr::tuple([time.clone(), id.clone()]);
        let from = Expr::tuple([Expr::val(at), Expr::val(cursor.row)]);
        select.and_where(match direction {
            Direction::Descending => place.lt(from),
            Direction::Ascending => place.gt(from),
        });
    }
    let order = match direction {
        Direction::Descending => Order::Desc,
        Direction::Ascending => Order::Asc,
    };
    select
        .order_by_expr(time, order.clone())
        .order_by_expr(id, order)
        .limit(u64::from(request.limit) + 1)
        .offset(u64::from(request.offset));
    let mut rows = Vec::new();
    for row in reader.rows(&select).await? {
        let row = T::read(&row)?;
        let (at, id) = row.place();
        let cursor = Cursor {
            order: name.to_owned(),
            key: SortKey::Time(at),
            row: id,
        };
        rows.push((cursor, row));
    }
    Ok(Page::new(request, rows))
}

/// The rows of `select` with these keys, in no particular order.
pub(super) async fn find<T: Dated>(
    reader: &Reader,
    mut select: SelectStatement,
    ids: &[i64],
) -> Result<Vec<T>> {
    select.and_where(Expr::col("id").is_in(ids.iter().copied()));
    reader.rows(&select).await?.iter().map(T::read).collect()
}

/// How many rows `select` has.
pub(super) async fn count(reader: &Reader, select: SelectStatement) -> Result<i64> {
    let counted = Query::select()
        .expr(Func::count(Expr::cust("*")))
        .from_subquery(select, "counted")
        .to_owned();
    let rows = reader.rows(&counted).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get_by_index(0))?)
}
