//! Looking after the search index: finding contents that search does not know, or knows wrong, and
//! mending that.
//!
//! Search has an entry for each content, its text, and an index over the entries that the database
//! keeps by itself: FTS5 by triggers on SQLite, a generated column on PostgreSQL. Neither goes wrong
//! by what the program does; a file that was copied while it was written, a restored table or a
//! newer renderer of Markdown are reasons to look.

use std::collections::HashMap;
use std::time::Duration;

use entity::{post_content, post_search};
use sea_orm::sea_query::{Expr, JoinType, OnConflict, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use serde_json::json;

use super::actor::Actor;
use super::error::{Error, Result};
use super::markdown;
use super::permission::Action;
use super::perspective::{Perspective, Reader};
use super::post::{SearchEntry, contents};
use super::transaction::{Store, Transaction};
use crate::foundation::database::Dialect;
use crate::foundation::thread::joined;
use crate::queue::{NewJob, Priority};

/// The kind of the jobs made by [`job`].
pub const JOB_KIND: &str = "repair_search_index";

/// Contents that are looked at at once, with their bodies in memory.
const CONTENTS_AT_ONCE: u64 = 100;

/// Orphans that are deleted at once.
const ORPHANS_AT_ONCE: u64 = 1_000;

/// Pages of FTS5's segments that one statement merges: little enough that nobody waits long for the
/// write lock.
const PAGES_A_MERGE: i64 = 500;

/// The job that looks at everything.
pub fn job() -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!({}),
        unique_key: Some(String::new()),
        priority: Priority::Low,
        delay: Duration::ZERO,
    }
}

/// What was found and mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Contents that were looked at.
    pub looked_at: u64,
    /// Contents that search did not know.
    pub missing: u64,
    /// Contents that search knew by another text than theirs.
    pub wrong: u64,
}

/// Holds the index of SQLite against the entries, and builds it anew when the two disagree. Answers
/// whether it did. It takes the write lock: for about a second for each 20,000 contents, and longer
/// when it builds. PostgreSQL keeps index and entry in one row.
///
/// # Errors
///
/// Those of the database.
pub async fn check_index(store: &Store) -> Result<bool> {
    if store.database.dialect() == Dialect::Postgres {
        return Ok(false);
    }
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    match command(transaction.connection(), "integrity-check", 1).await {
        Ok(()) => {
            transaction.commit().await?;
            return Ok(false);
        }
        Err(error) if is_corrupt(&error) => transaction.roll_back().await?,
        Err(error) => return Err(error),
    }
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    command(transaction.connection(), "rebuild", 0).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Deletes entries that no content has. Answers how many.
///
/// # Errors
///
/// Those of the database.
pub async fn delete_orphans(store: &Store) -> Result<u64> {
    let mut deleted = 0;
    loop {
        let some = Query::select()
            .column(("s", "content_id"))
            .from_as("post_search", "s")
            .join_as(
                JoinType::LeftJoin,
                "post_content",
                "c",
                Expr::cust("c.id = s.content_id"),
            )
            .and_where(Expr::cust("c.id IS NULL"))
            .limit(ORPHANS_AT_ONCE)
            .to_owned();
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let gone = post_search::Entity::delete_many()
            .filter(post_search::Column::ContentId.in_subquery(some))
            .exec(transaction.connection())
            .await?;
        transaction.commit().await?;
        deleted += gone.rows_affected;
        if gone.rows_affected < ORPHANS_AT_ONCE {
            return Ok(deleted);
        }
    }
}

/// Looks at some of the contents with keys above `after`, and mends their entries. Answers the last
/// key that was looked at; none when there are no more.
///
/// # Errors
///
/// Those of the database.
pub async fn mend_from(store: &Store, after: i64) -> Result<(Mended, Option<i64>)> {
    let database = store.database.clone();
    let ids: Vec<i64> = post_content::Entity::find()
        .filter(post_content::Column::Id.gt(after))
        .order_by_asc(post_content::Column::Id)
        .limit(CONTENTS_AT_ONCE)
        .select_only()
        .column(post_content::Column::Id)
        .into_tuple()
        .all(database.reader())
        .await?;
    let known: HashMap<i64, post_search::Model> = post_search::Entity::find()
        .filter(post_search::Column::ContentId.is_in(ids.iter().copied()))
        .all(database.reader())
        .await?
        .into_iter()
        .map(|entry| (entry.content_id, entry))
        .collect();
    let contents = contents(&Reader::new(database, Perspective::Draft), &ids).await?;
    let entries = tokio::task::spawn_blocking(move || {
        let entries = contents.into_iter().map(|(id, content)| {
            let text = markdown::render(&content.body).text;
            (id, SearchEntry::of(&content, text))
        });
        entries.collect()
    });
    let entries: Vec<(i64, SearchEntry)> = joined(entries).await?;

    let mut mended = Mended {
        looked_at: ids.len() as u64,
        ..Mended::default()
    };
    let mut rows = Vec::new();
    for (content_id, mut entry) in entries {
        match known.get(&content_id) {
            None => mended.missing += 1,
            Some(known) => {
                entry.terms = terms(&known.terms, &entry.terms);
                if is_same(known, &entry) {
                    continue;
                }
                mended.wrong += 1;
            }
        }
        rows.push(row(content_id, entry));
    }
    if !rows.is_empty() {
        write(store, rows).await?;
    }
    Ok((mended, ids.last().copied()))
}

/// Merges the segments of SQLite's index, a little at a time, so that search reads few of them.
///
/// # Errors
///
/// Those of the database.
pub async fn optimise(store: &Store) -> Result<()> {
    if store.database.dialect() == Dialect::Postgres {
        return Ok(());
    }
    // A negative number begins anew and merges whatever there is, the others go on with it.
    let mut pages = -PAGES_A_MERGE;
    loop {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let before = changes(transaction.connection()).await?;
        command(transaction.connection(), "merge", pages).await?;
        let after = changes(transaction.connection()).await?;
        transaction.commit().await?;
        // The statement itself counts as one.
        if after - before < 2 {
            return Ok(());
        }
        pages = PAGES_A_MERGE;
    }
}

/// The terms that an entry should have: those it has when none is missing, else the wanted ones
/// and after them what else it has. A word that was renamed is still found by its old name.
fn terms(known: &str, wanted: &str) -> String {
    let is_in = |terms: &str, term: &str| terms.lines().any(|line| line == term);
    if wanted.lines().all(|term| is_in(known, term)) {
        return known.to_owned();
    }
    let more = known.lines().filter(|term| !is_in(wanted, term));
    let all: Vec<&str> = wanted.lines().chain(more).collect();
    all.join("\n")
}

fn is_same(known: &post_search::Model, entry: &SearchEntry) -> bool {
    known.title == entry.title
        && known.summary == entry.summary
        && known.terms == entry.terms
        && known.body == entry.body
}

fn row(content_id: i64, entry: SearchEntry) -> post_search::ActiveModel {
    post_search::ActiveModel {
        content_id: Set(content_id),
        title: Set(entry.title),
        summary: Set(entry.summary),
        terms: Set(entry.terms),
        body: Set(entry.body),
    }
}

/// Writes entries; contents that were deleted since they were looked at get none.
async fn write(store: &Store, rows: Vec<post_search::ActiveModel>) -> Result<()> {
    use post_search::Column::{Body, ContentId, Summary, Terms, Title};
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    let connection = transaction.connection();
    let ids = rows.iter().filter_map(|row| row.content_id.try_as_ref());
    let there: Vec<i64> = post_content::Entity::find()
        .filter(post_content::Column::Id.is_in(ids.copied()))
        .select_only()
        .column(post_content::Column::Id)
        .into_tuple()
        .all(connection)
        .await?;
    let rows: Vec<post_search::ActiveModel> = rows
        .into_iter()
        .filter(|row| {
            let id = row.content_id.try_as_ref();
            id.is_some_and(|id| there.contains(id))
        })
        .collect();
    if !rows.is_empty() {
        post_search::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::column(ContentId)
                    .update_columns([Title, Summary, Terms, Body])
                    .to_owned(),
            )
            .exec_without_returning(connection)
            .await?;
    }
    transaction.commit().await
}

/// A command to FTS5.
async fn command(connection: &DatabaseTransaction, command: &str, rank: i64) -> Result<()> {
    let statement = format!(
        "INSERT INTO post_search_index (post_search_index, rank) VALUES ('{command}', {rank})"
    );
    connection.execute_unprepared(&statement).await?;
    Ok(())
}

async fn changes(connection: &DatabaseTransaction) -> Result<i64> {
    let select = Query::select()
        .expr(Expr::cust("total_changes()"))
        .to_owned();
    let row = connection.query_one(&select).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// Whether FTS5 says that its index and the entries disagree.
fn is_corrupt(error: &Error) -> bool {
    matches!(error, Error::Database(error) if error.to_string().contains("malformed"))
}
