//! The revisions that wait for a reviewer.

use chrono::{DateTime, Utc};
use sea_orm::QueryResult;
use sea_orm::sea_query::{Cond, Expr, ExprTrait, Query, SelectStatement};

use super::content::RevisionStatus;
use super::history::{REVISION, read_revision};
use super::select::Revision;
use crate::domain::error::Result;
use crate::domain::newest::{self, Dated, newest_first};
use crate::domain::page::{Page, PageRequest};
use crate::domain::perspective::Reader;

/// A revision that waits for a reviewer.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRequest {
    /// The revision.
    pub revision: Revision,
    /// The user who was asked; whoever gets to it first when nobody was.
    pub reviewer_id: Option<i64>,
}

/// Which of them are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Those that this user was asked for, and those that anybody may take.
    pub reviewer_id: Option<i64>,
}

/// A page of the revisions that wait for a reviewer, the newest first.
///
/// # Errors
///
/// [`Error::BadArgument`](crate::domain::error::Error::BadArgument) when the cursor can't be used.
pub async fn review_requests(
    reader: &Reader,
    filter: &ReviewFilter,
    request: &PageRequest,
) -> Result<Page<ReviewRequest>> {
    newest_first(reader, select(*filter), request).await
}

/// How many revisions wait for a reviewer.
///
/// # Errors
///
/// Those of the database.
pub async fn count_review_requests(reader: &Reader, filter: &ReviewFilter) -> Result<i64> {
    newest::count(reader, select(*filter)).await
}

fn select(filter: ReviewFilter) -> SelectStatement {
    let trashed = Query::select()
        .expr(Expr::cust("1"))
        .from("post")
        .and_where(Expr::cust("post.id = revision.post_id"))
        .and_where(Expr::col(("post", "trashed_at")).is_not_null())
        .to_owned();
    let mut select = Query::select();
    select
        .columns(REVISION)
        .column("reviewer_id")
        .from("revision")
        .and_where(Expr::col("status").eq(RevisionStatus::InReview.as_str()))
        .and_where(Expr::exists(trashed).not());
    if let Some(reviewer_id) = filter.reviewer_id {
        select.cond_where(
            Cond::any()
                .add(Expr::col("reviewer_id").eq(reviewer_id))
                .add(Expr::col("reviewer_id").is_null()),
        );
    }
    select
}

impl Dated for ReviewRequest {
    const TIME: &'static str = "saved_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.revision.saved_at, self.revision.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(Self {
            revision: read_revision(row)?,
            reviewer_id: row.try_get_by_index(REVISION.len())?,
        })
    }
}
