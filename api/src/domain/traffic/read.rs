//! Reading what was answered, by all processes together.

use std::array;
use std::ops::Range;

use chrono::{DateTime, Utc};
use entity::request_minute;
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::Minute;
use super::count::Totals;
use crate::domain::error::{Error, Result};
use crate::domain::perspective::Reader;

/// Points that one series has at most: a day by minutes.
pub const MOST_POINTS: i64 = 1_440;

/// What was answered from a minute on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The first minute.
    pub from: Minute,
    /// The minute after the last.
    pub to: Minute,
    /// What was answered.
    pub totals: Totals,
}

/// A process that answers requests, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The last minute of which it wrote something.
    pub last_minute: Minute,
    /// Whether it was told to stop.
    pub stopped: bool,
}

/// What was answered in some minutes, by all processes. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn totals(reader: &Reader, minutes: Range<Minute>) -> Result<Totals> {
    let rows = reader.rows(&sums(&minutes)).await?;
    rows.first().map_or(Ok(Totals::default()), read)
}

/// What was answered in some minutes, by all processes, `step` minutes a point; the last point may
/// be shorter. One statement.
///
/// # Errors
///
/// [`Error::BadArgument`] when the steps are not of at least a minute, when time runs backwards, and
/// when there were more than [`MOST_POINTS`].
pub async fn series(reader: &Reader, minutes: Range<Minute>, step: i64) -> Result<Vec<Point>> {
    if step < 1 {
        return Err(Error::BadArgument("a step is a minute or more".into()));
    }
    let length = minutes.end.since(minutes.start);
    if length < 0 {
        return Err(Error::BadArgument("`to` is before `from`".into()));
    }
    let count = length.saturating_add(step - 1) / step;
    if count > MOST_POINTS {
        let needed = length / MOST_POINTS + 1;
        return Err(Error::BadArgument(format!(
            "that makes {count} points, and {MOST_POINTS} are the most: take steps of {needed} \
             minutes or more, or a shorter time"
        )));
    }
    let end = |number: i64| minutes.start.plus(number * step).min(minutes.end);
    let mut points: Vec<Point> = (0..count)
        .map(|number| Point {
            from: end(number),
            to: end(number + 1),
            totals: Totals::default(),
        })
        .collect();
    let number = Expr::col("minute").sub(minutes.start.0).div(step);
    let select = sums(&minutes)
        .expr_as(number, "point")
        .group_by_col("point")
        .to_owned();
    for row in reader.rows(&select).await? {
        let number: i64 = row.try_get("", "point")?;
        let point = usize::try_from(number).ok();
        if let Some(point) = point.and_then(|number| points.get_mut(number)) {
            point.totals = read(&row)?;
        }
    }
    Ok(points)
}

/// The processes that wrote something of a minute since, the newest first. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn nodes(reader: &Reader, since: Minute) -> Result<Vec<Node>> {
    let stopped = Expr::case(Expr::col("stopped"), 1).finally(0);
    let select = Query::select()
        .columns(["node", "started_at"])
        .expr_as(Expr::col("minute").max(), "last_minute")
        .expr_as(Func::max(stopped).cast_as("BIGINT"), "stopped")
        .from(request_minute::Entity)
        .and_where(Expr::col("minute").gte(since.0))
        .group_by_columns(["node", "started_at"])
        .order_by("started_at", Order::Desc)
        .order_by("node", Order::Asc)
        .to_owned();
    let rows = reader.rows(&select).await?;
    let nodes = rows.iter().map(|row| {
        let stopped: i64 = row.try_get_by_index(3)?;
        Ok(Node {
            name: row.try_get_by_index(0)?,
            started_at: row.try_get_by_index(1)?,
            last_minute: Minute(row.try_get_by_index(2)?),
            stopped: stopped == 1,
        })
    });
    nodes.collect()
}

/// The sums of all counts of some minutes.
fn sums(minutes: &Range<Minute>) -> SelectStatement {
    let mut select = Query::select();
    for column in Totals::COUNTS.iter().chain(&Totals::LATENCIES) {
        // PostgreSQL's sum of whole numbers is no whole number.
        let sum = Expr::col(*column).sum().cast_as("BIGINT");
        select.expr(Func::coalesce([sum, Expr::value(0)]));
    }
    select
        .from(request_minute::Entity)
        .and_where(Expr::col("minute").gte(minutes.start.0))
        .and_where(Expr::col("minute").lt(minutes.end.0))
        .to_owned()
}

/// Reads [`sums`].
fn read(row: &QueryResult) -> Result<Totals> {
    let mut counts = [0; Totals::COUNTS.len() + Totals::LATENCIES.len()];
    for (at, count) in counts.iter_mut().enumerate() {
        let sum: i64 = row.try_get_by_index(at)?;
        *count = u64::try_from(sum).unwrap_or(0);
    }
    let (of, latencies) = counts.split_at(Totals::COUNTS.len());
    Ok(Totals::from_counts(
        array::from_fn(|at| of[at]),
        array::from_fn(|at| latencies[at]),
    ))
}
