//! The posts that something is planned for, as a calendar shows them.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};

use super::editing::Schedule;
use crate::domain::error::Result;
use crate::domain::newest::{self, Dated, soonest_first};
use crate::domain::page::{Page, PageRequest};
use crate::domain::perspective::Reader;

/// A post that something is planned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduledPost {
    /// The post.
    pub post_id: i64,
    /// What is planned.
    pub schedule: Schedule,
    /// The time of what comes next of it.
    pub due_at: DateTime<Utc>,
    /// The user who planned it.
    pub scheduled_by: Option<i64>,
}

/// Which of them are wanted: those whose next time is in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduledFilter {
    /// Not before this time.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub until: Option<DateTime<Utc>>,
}

/// A page of the posts that something is planned for, what comes soonest first.
///
/// # Errors
///
/// [`Error::BadArgument`](crate::domain::error::Error::BadArgument) when the cursor can't be used.
pub async fn scheduled_posts(
    reader: &Reader,
    filter: &ScheduledFilter,
    request: &PageRequest,
) -> Result<Page<ScheduledPost>> {
    soonest_first(reader, select(*filter), request).await
}

/// How many posts something is planned for.
///
/// # Errors
///
/// Those of the database.
pub async fn count_scheduled_posts(reader: &Reader, filter: &ScheduledFilter) -> Result<i64> {
    newest::count(reader, select(*filter)).await
}

/// Publishing always comes before unpublishing, and is taken out of the plan when it is done.
fn select(filter: ScheduledFilter) -> SelectStatement {
    let due_at = Func::coalesce([Expr::col("publish_at"), Expr::col("unpublish_at")]);
    let plans = Query::select()
        .expr_as(Expr::col("post_id"), "id")
        .columns([
            "revision_id",
            "publish_at",
            "unpublish_at",
            "scheduled_at",
            "scheduled_by",
        ])
        .expr_as(due_at, "due_at")
        .from("post_schedule")
        .to_owned();
    let mut select = Query::select();
    select
        .columns([
            "id",
            "revision_id",
            "publish_at",
            "unpublish_at",
            "scheduled_at",
            "scheduled_by",
            "due_at",
        ])
        .from_subquery(plans, "plan");
    if let Some(from) = filter.from {
        select.and_where(Expr::col("due_at").gte(from));
    }
    if let Some(until) = filter.until {
        select.and_where(Expr::col("due_at").lt(until));
    }
    select
}

impl Dated for ScheduledPost {
    const TIME: &'static str = "due_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.due_at, self.post_id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            post_id: row.try_get_by_index(0)?,
            schedule: Schedule {
                revision_id: row.try_get_by_index(1)?,
                publish_at: row.try_get_by_index(2)?,
                unpublish_at: row.try_get_by_index(3)?,
                scheduled_at: row.try_get_by_index(4)?,
            },
            scheduled_by: row.try_get_by_index(5)?,
            due_at: row.try_get_by_index(6)?,
        })
    }
}
