//! Reading runs and their reports.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{import_document, import_run};
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement};
use sea_orm::{FromQueryResult, Iterable, QueryResult};

use super::RunStatus;
use super::control::{JOB_KIND, REVERT_JOB_KIND};
use super::report::{OutcomeKind, ReportedDocument, RevertCounts, RevertOutcome};
use super::run::{ImportRun, NOUN};
use crate::domain::error::{Error, Result};
use crate::domain::job::Job;
use crate::domain::newest::{self, Dated, newest_first};
use crate::domain::page::{Cursor, Page, PageRequest, SortKey};
use crate::domain::perspective::Reader;
use crate::foundation::cache_tag::CacheTag;
use crate::queue;

/// Which runs are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// At one of these.
    pub statuses: Option<Vec<RunStatus>>,
    /// Dry runs only, or none of them.
    pub dry_run: Option<bool>,
    /// Started by this user, or for them.
    pub user_id: Option<i64>,
}

/// Which documents of a run's report are wanted: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// The run.
    pub run_id: i64,
    /// Those that became one of these.
    pub outcomes: Option<Vec<OutcomeKind>>,
    /// Those that taking back came to one of these.
    pub reverts: Option<Vec<RevertOutcome>>,
}

/// A page of runs, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    filter: &RunFilter,
    request: &PageRequest,
) -> Result<Page<ImportRun>> {
    reader.note(CacheTag::List(NOUN));
    newest_first(reader, select(filter), request).await
}

/// How many runs a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &RunFilter) -> Result<i64> {
    reader.note(CacheTag::List(NOUN));
    newest::count(reader, select(filter)).await
}

/// Runs by key, in no particular order.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<ImportRun>> {
    reader.note_all(ids.iter().map(|id| CacheTag::Row(NOUN, *id)));
    newest::find(reader, select(&RunFilter::default()), ids).await
}

/// The job that carries out each of these runs, or did so last; by the key of the run.
///
/// # Errors
///
/// Those of the database.
pub async fn jobs(reader: &Reader, run_ids: &[i64]) -> Result<HashMap<i64, Job>> {
    let keys: Vec<String> = run_ids.iter().map(i64::to_string).collect();
    let kinds = [JOB_KIND, REVERT_JOB_KIND];
    let jobs = queue::find_by_key(reader.database().reader(), &kinds, &keys).await?;
    let newest_last = jobs.into_iter().filter_map(|job| {
        let run_id = job.unique_key.as_deref()?.parse().ok()?;
        Some((run_id, job))
    });
    Ok(newest_last.collect())
}

fn select(filter: &RunFilter) -> SelectStatement {
    let mut select = Query::select();
    select
        .columns(import_run::Column::iter())
        .from("import_run");
    let RunFilter {
        statuses,
        dry_run,
        user_id,
    } = filter;
    match statuses.as_deref() {
        None => {}
        // One is a range of an index; several are looked for along the times.
        Some([status]) => {
            select.and_where(Expr::col("status").eq(status.as_str()));
        }
        Some(statuses) => {
            let words = statuses.iter().map(|status| status.as_str());
            select.and_where(Expr::col("status").is_in(words));
        }
    }
    if let Some(dry_run) = dry_run {
        select.and_where(Expr::col("dry_run").eq(*dry_run));
    }
    if let Some(user_id) = user_id {
        select.and_where(Expr::col("user_id").eq(*user_id));
    }
    select
}

impl Dated for ImportRun {
    const TIME: &'static str = "started_at";

    fn place(&self) -> (DateTime<Utc>, i64) {
        (self.started_at, self.id)
    }

    fn read(row: &QueryResult) -> Result<Self> {
        Ok(import_run::Model::from_query_result(row, "")?.into())
    }
}

/// A page of a report, in the order of its documents.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn report(
    reader: &Reader,
    filter: &ReportFilter,
    request: &PageRequest,
) -> Result<Page<ReportedDocument>> {
    const ORDER: &str = "document";
    reader.note(CacheTag::Row(NOUN, filter.run_id));
    let number = Expr::col("number");
    let mut select = Query::select();
    select
        .columns(import_document::Column::iter())
        .from("import_document");
    filter.apply(&mut select);
    if let Some(text) = &request.cursor {
        let cursor = Cursor::decode(text, ORDER)?;
        if cursor.key != SortKey::Integer(filter.run_id) {
            return Err(Error::BadArgument(
                "the cursor belongs to the report of another run".into(),
            ));
        }
        select.and_where(match request.backward {
            false => number.clone().gt(cursor.row),
            true => number.clone().lt(cursor.row),
        });
    }
    let order = match request.backward {
        false => Order::Asc,
        true => Order::Desc,
    };
    select
        .order_by_expr(number, order)
        .limit(u64::from(request.limit) + 1)
        .offset(u64::from(request.offset));
    let mut rows = Vec::new();
    for row in reader.rows(&select).await? {
        let row = import_document::Model::from_query_result(&row, "")?;
        let cursor = Cursor {
            order: ORDER.to_owned(),
            key: SortKey::Integer(filter.run_id),
            row: row.number,
        };
        rows.push((cursor, ReportedDocument::of(row)?));
    }
    Ok(Page::new(request, rows))
}

/// How many documents a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count_report(reader: &Reader, filter: &ReportFilter) -> Result<i64> {
    let mut select = Query::select();
    select.column("number").from("import_document");
    filter.apply(&mut select);
    newest::count(reader, select).await
}

/// What taking a run back came to, so far.
///
/// # Errors
///
/// Those of the database.
pub async fn revert_counts(reader: &Reader, run_id: i64) -> Result<RevertCounts> {
    let select = Query::select()
        .column("revert")
        .expr(Func::count(Expr::cust("*")))
        .from("import_document")
        .and_where(Expr::col("import_run_id").eq(run_id))
        .and_where(Expr::col("revert").is_not_null())
        .group_by_col("revert")
        .to_owned();
    let mut counts = RevertCounts::default();
    for row in reader.rows(&select).await? {
        let (word, count): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        match RevertOutcome::from_word(&word) {
            Some(RevertOutcome::Trashed) => counts.trashed = count,
            Some(RevertOutcome::Restored) => counts.restored = count,
            Some(RevertOutcome::Kept) => counts.kept = count,
            Some(RevertOutcome::Nothing) | None => {}
        }
    }
    Ok(counts)
}

impl ReportFilter {
    fn apply(&self, select: &mut SelectStatement) {
        select.and_where(Expr::col("import_run_id").eq(self.run_id));
        if let Some(outcomes) = &self.outcomes {
            let words = outcomes.iter().map(|outcome| outcome.as_str());
            select.and_where(Expr::col("outcome").is_in(words));
        }
        if let Some(reverts) = &self.reverts {
            let words = reverts.iter().map(|revert| revert.as_str());
            select.and_where(Expr::col("revert").is_in(words));
        }
    }
}
