//! Writing the file of an export, a piece at a time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{export_chunk, export_run};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{ExportRun, ExportStatus, KEPT, NOUN};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::import::wait_after;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;

/// Attempts that may fail one after the other, without a post getting in, before an export gives up.
const MOST_FAILURES: i32 = 10;

/// Pieces that are deleted at once: few enough that nobody waits long for the write lock of SQLite.
const PIECES: u64 = 64;

/// A piece of a file, with what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// Its bytes.
    pub content: Vec<u8>,
    /// How many posts it holds.
    pub posts: i64,
    /// The key of the last of them.
    pub cursor: i64,
}

/// Begins an attempt at an export. Nothing when there is nothing to do: it is at its end, or gave up.
///
/// # Errors
///
/// Those of the database.
pub async fn begin(store: &Store, id: i64) -> Result<Option<ExportRun>> {
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Export).await?;
    let run = lock(&transaction, id)
        .await?
        .filter(|run| matches!(run.status, ExportStatus::Waiting | ExportStatus::Running));
    if run.is_some() {
        put(&mut transaction, id, ExportStatus::Running).await?;
    }
    transaction.commit().await?;
    Ok(run)
}

/// Adds a piece to an export, which is at its end with the last one: its file is kept for a week from
/// then on. Answers the export as it is then; nothing when somebody else has gone on with it.
///
/// # Errors
///
/// Those of the database; then nothing was added.
pub async fn add(
    store: &Store,
    run: &ExportRun,
    piece: Piece,
    is_last: bool,
) -> Result<Option<ExportRun>> {
    use export_run::Column;
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Export).await?;
    let held = lock(&transaction, run.id).await?;
    let Some(mut held) = held.filter(|held| is_where_it_was(held, run)) else {
        transaction.roll_back().await?;
        return Ok(None);
    };
    held.posts += piece.posts;
    held.cursor = piece.cursor;
    if !piece.content.is_empty() {
        held.bytes += i64::try_from(piece.content.len()).unwrap_or_default();
        let row = export_chunk::ActiveModel {
            export_run_id: Set(run.id),
            number: Set(held.pieces),
            content: Set(piece.content),
            ..Default::default()
        };
        export_chunk::Entity::insert(row)
            .exec_without_returning(transaction.connection())
            .await?;
        held.pieces += 1;
    }
    let mut update = export_run::Entity::update_many()
        .col_expr(Column::Bytes, Expr::value(held.bytes))
        .col_expr(Column::Posts, Expr::value(held.posts))
        .col_expr(Column::Cursor, Expr::value(held.cursor))
        .col_expr(Column::Chunks, Expr::value(held.pieces))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::Failure, Expr::value(None::<String>))
        .filter(Column::Id.eq(run.id));
    if is_last {
        let now = transaction.now();
        put(&mut transaction, run.id, ExportStatus::Finished).await?;
        held.status = ExportStatus::Finished;
        update = update
            .col_expr(Column::FinishedAt, Expr::value(now))
            .col_expr(Column::ExpiresAt, Expr::value(now + KEPT));
    }
    update.exec(transaction.connection()).await?;
    transaction.touch(CacheTag::Row(NOUN, run.id));
    transaction.commit().await?;
    Ok(Some(held))
}

/// Notes that an attempt at an export failed. Answers how long the next one waits; nothing when the
/// export has given up by that.
///
/// # Errors
///
/// Those of the database.
pub async fn fail(store: &Store, id: i64, reason: &str) -> Result<Option<Duration>> {
    use export_run::Column;
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Export).await?;
    let row = export_run::Entity::find_by_id(id)
        .one(transaction.connection())
        .await?;
    let Some(row) = row.filter(|row| row.status == ExportStatus::Running.as_str()) else {
        return Ok(None);
    };
    let failures = row.failures + 1;
    let gives_up = failures >= MOST_FAILURES;
    if gives_up {
        put(&mut transaction, id, ExportStatus::Failed).await?;
    }
    let now = transaction.now();
    export_run::Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures))
        .col_expr(Column::Failure, Expr::value(reason))
        // What is written of it is not kept for ever.
        .col_expr(Column::ExpiresAt, Expr::value(gives_up.then(|| now + KEPT)))
        .filter(Column::Id.eq(id))
        .exec(transaction.connection())
        .await?;
    transaction.commit().await?;
    Ok((!gives_up).then(|| wait_after(failures)))
}

/// Deletes the files that are not kept any more. Answers how many there were.
///
/// # Errors
///
/// Those of the database; what is deleted by then stays deleted.
pub async fn purge(store: &Store) -> Result<u64> {
    use export_run::Column;
    let expired: Vec<i64> = export_run::Entity::find()
        .filter(Column::ExpiresAt.lte(store.clock.now()))
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(store.database.reader())
        .await?;
    for id in &expired {
        // Nobody begins to fetch what is about to go.
        let mut transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        put(&mut transaction, *id, ExportStatus::Expired).await?;
        transaction.commit().await?;
        drop_file(store, *id).await?;
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        export_run::Entity::update_many()
            .col_expr(Column::ExpiresAt, Expr::value(None::<DateTime<Utc>>))
            .filter(Column::Id.eq(*id))
            .exec(transaction.connection())
            .await?;
        transaction.commit().await?;
    }
    Ok(expired.len() as u64)
}

async fn drop_file(store: &Store, id: i64) -> Result<()> {
    loop {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let some = Query::select()
            .column("id")
            .from("export_chunk")
            .and_where(Expr::col("export_run_id").eq(id))
            .limit(PIECES)
            .to_owned();
        let deleted = export_chunk::Entity::delete_many()
            .filter(export_chunk::Column::Id.in_subquery(some))
            .exec(transaction.connection())
            .await?;
        transaction.commit().await?;
        if deleted.rows_affected < PIECES {
            return Ok(());
        }
    }
}

/// Has the file of an export deleted when what is old is purged next.
pub(super) async fn expire(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let now = transaction.now();
    export_run::Entity::update_many()
        .col_expr(export_run::Column::ExpiresAt, Expr::value(now))
        .filter(export_run::Column::Id.eq(id))
        .exec(transaction.connection())
        .await?;
    put(transaction, id, ExportStatus::Expired).await
}

/// Lets an export that gave up wait for a worker again.
pub(super) async fn wait_again(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    use export_run::Column;
    export_run::Entity::update_many()
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::Failure, Expr::value(None::<String>))
        .col_expr(Column::ExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::Id.eq(id))
        .exec(transaction.connection())
        .await?;
    put(transaction, id, ExportStatus::Waiting).await
}

/// Puts an export at another status.
async fn put(transaction: &mut Transaction<'_>, id: i64, status: ExportStatus) -> Result<()> {
    export_run::Entity::update_many()
        .col_expr(export_run::Column::Status, Expr::value(status.as_str()))
        .filter(export_run::Column::Id.eq(id))
        .exec(transaction.connection())
        .await?;
    transaction.touch(CacheTag::Row(NOUN, id));
    transaction.touch(CacheTag::List(NOUN));
    Ok(())
}

fn is_where_it_was(held: &ExportRun, run: &ExportRun) -> bool {
    held.status == ExportStatus::Running && held.cursor == run.cursor && held.pieces == run.pieces
}

async fn lock(transaction: &Transaction<'_>, id: i64) -> Result<Option<ExportRun>> {
    let row = export_run::Entity::find_by_id(id)
        .lock(LockType::NoKeyUpdate)
        .one(transaction.connection())
        .await?;
    row.map(ExportRun::try_from).transpose()
}
