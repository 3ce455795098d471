//! Adding views to the counts of posts.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use entity::{post_view, view_salt};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::first_open_day;
use crate::domain::error::Result;
use crate::domain::post::lock_ids;
use crate::domain::transaction::Transaction;
use crate::queue::{NewJob, Priority};

/// The kind of the jobs made by [`job`].
pub const JOB_KIND: &str = "count_views";

/// Views in one transaction.
const VIEWS_AT_ONCE: u64 = 5_000;

/// The job that counts what is not counted yet.
pub fn job() -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!({}),
        unique_key: Some(String::new()),
        priority: Priority::Normal,
        delay: Duration::ZERO,
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Views.
    pub views: u64,
    /// Posts that they were of; one that is counted twice counts twice here.
    pub posts: u64,
}

/// Counts some of the views that are not counted yet, and marks them as counted in the same
/// transaction; nothing is left when it answers none. Nothing else of a post changes, and answers
/// made from it stay as they are: a count is as old as a cache lets it be.
///
/// # Errors
///
/// Those of the database.
pub async fn count(transaction: &Transaction<'_>) -> Result<Counted> {
    let connection = transaction.connection();
    let some = key()
        .and_where(Expr::cust("NOT counted"))
        .order_by("post_id", Order::Asc)
        .limit(VIEWS_AT_ONCE)
        .to_owned();
    let mark = Query::update()
        .table("post_view")
        .value("counted", true)
        // Again, for another node may have counted them while this one waited for their rows.
        .and_where(Expr::cust("NOT counted"))
        .and_where(Expr::tuple(["day", "post_id", "visitor"].map(Expr::col)).in_subquery(some))
        .returning(Query::returning().column("post_id"))
        .to_owned();
    let mut posts: BTreeMap<i64, i64> = BTreeMap::new();
    for row in connection.query_all(&mark).await? {
        *posts.entry(row.try_get_by_index(0)?).or_default() += 1;
    }
    if posts.is_empty() {
        return Ok(Counted::default());
    }
    let ids: Vec<i64> = posts.keys().copied().collect();
    lock_ids(transaction, &ids).await?;
    let mut values = String::new();
    for (post_id, views) in &posts {
        let comma = if values.is_empty() { "" } else { ", " };
        // Writing to a string can't fail.
        let _ = write!(values, "{comma}({post_id}, {views})");
    }
    let update = format!(
        "UPDATE post SET view_count = view_count + v.column2 \
         FROM (VALUES {values}) AS v WHERE post.id = v.column1"
    );
    connection.execute_unprepared(&update).await?;
    let views: i64 = posts.values().sum();
    Ok(Counted {
        views: views.unsigned_abs(),
        posts: posts.len() as u64,
    })
}

/// Deletes the salts of the days that are over, and some of the views of these days that are
/// counted; nothing is left of them when it answers 0.
///
/// # Errors
///
/// Those of the database.
pub async fn forget_past_days(transaction: &Transaction<'_>) -> Result<u64> {
    let connection = transaction.connection();
    let open = first_open_day(transaction.now());
    view_salt::Entity::delete_many()
        .filter(view_salt::Column::Day.lt(open))
        .exec(connection)
        .await?;
    let some = key()
        .and_where(Expr::col("day").lt(open))
        .and_where(Expr::col("counted"))
        .limit(VIEWS_AT_ONCE)
        .to_owned();
    let forget = Query::delete()
        .from_table(post_view::Entity)
        .and_where(Expr::tuple(["day", "post_id", "visitor"].map(Expr::col)).in_subquery(some))
        .to_owned();
    Ok(connection.execute(&forget).await?.rows_affected())
}

fn key() -> SelectStatement {
    Query::select()
        .columns(["day", "post_id", "visitor"])
        .from(post_view::Entity)
        .to_owned()
}
