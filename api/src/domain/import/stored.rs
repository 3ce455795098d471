//! The files of runs that workers carry out, which are kept in the database, where every node can
//! read them, for as long as they are needed.

use chrono::TimeDelta;
use entity::{import_chunk, import_file, import_run};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::RunStatus;
use super::run::{signed, unsigned};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::database::Database;

/// For how long the files of a run that was stopped are kept, so that it can be resumed.
pub const DAYS_KEPT: i64 = 7;

/// The most runs that were stopped whose files are kept; those of the newest are.
const STOPPED_KEPT: u64 = 10;

/// After so long without a further piece, whoever uploads is gone.
const UPLOAD_HOURS: i64 = 1;

/// Pieces that are deleted at once: few enough that nobody waits long for the write lock of SQLite.
const PIECES: u64 = 64;

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Its name, as it was uploaded.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
}

/// The files of a run, in their order.
///
/// # Errors
///
/// Those of the database.
pub async fn stored_files(database: &Database, run_id: i64) -> Result<Vec<StoredFile>> {
    use sea_orm::QueryOrder;
    let rows = import_file::Entity::find()
        .filter(import_file::Column::ImportRunId.eq(run_id))
        .order_by_asc(import_file::Column::Number)
        .all(database.reader())
        .await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| StoredFile {
            name: row.name,
            bytes: unsigned(row.bytes),
        })
        .collect())
}

/// A piece of a file of a run; none after the last. Files and pieces count from 0, and every piece
/// but the last of a file has [`CHUNK_BYTES`](super::CHUNK_BYTES).
///
/// # Errors
///
/// Those of the database.
pub async fn chunk(
    database: &Database,
    run_id: i64,
    file: u64,
    number: u64,
) -> Result<Option<Vec<u8>>> {
    use import_chunk::Column;
    let row = import_chunk::Entity::find()
        .filter(Column::ImportRunId.eq(run_id))
        .filter(Column::File.eq(signed(file)))
        .filter(Column::Number.eq(signed(number)))
        .one(database.reader())
        .await?;
    Ok(row.map(|row| row.content))
}

/// Deletes the files of a run, which then can't be resumed. Its report stays.
///
/// # Errors
///
/// Those of the database; some pieces may be gone by then.
pub async fn drop_files(store: &Store, run_id: i64) -> Result<()> {
    use import_chunk::Column;
    loop {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        let some = Query::select()
            .column("id")
            .from("import_chunk")
            .and_where(Expr::col("import_run_id").eq(run_id))
            .limit(PIECES)
            .to_owned();
        let deleted = import_chunk::Entity::delete_many()
            .filter(Column::Id.in_subquery(some))
            .exec(transaction.connection())
            .await?;
        transaction.commit().await?;
        if deleted.rows_affected < PIECES {
            return Ok(());
        }
    }
}

/// Deletes what nobody needs any more: uploads that were broken off, and the files of runs that came
/// to their end, or were stopped and not resumed for [`DAYS_KEPT`] days, or while many others were
/// stopped. Answers how many runs it cleared.
///
/// # Errors
///
/// Those of the database; what is deleted by then stays deleted.
pub async fn purge(store: &Store) -> Result<u64> {
    let now = store.clock.now();
    let broken_off = now - TimeDelta::hours(UPLOAD_HOURS);
    let given_up = now - TimeDelta::days(DAYS_KEPT);
    let stopped = [
        RunStatus::Cancelled,
        RunStatus::Failed,
        RunStatus::Interrupted,
    ];
    let ended = [
        RunStatus::Finished,
        RunStatus::Reverting,
        RunStatus::Reverted,
    ];
    let words = |statuses: &[RunStatus]| -> Vec<&'static str> {
        statuses.iter().map(|status| status.as_str()).collect()
    };
    let status = || Expr::col(("r", "status"));
    let touched = || Expr::col(("r", "touched_at"));
    let with_files = Query::select()
        .column("import_run_id")
        .from("import_chunk")
        .to_owned();
    let newest = Query::select()
        .column("id")
        .from("import_run")
        .and_where(Expr::col("stored").eq(true))
        .and_where(Expr::col("status").is_in(words(&stopped)))
        .order_by("id", Order::Desc)
        .limit(STOPPED_KEPT)
        .to_owned();
    let is_old = touched().lt(given_up);
    let is_one_of_many = Expr::col(("r", "id")).not_in_subquery(newest);
    let needless = Expr::col(("r", "id")).in_subquery(with_files).and(
        status().is_in(words(&ended)).or(status()
            .is_in(words(&stopped))
            .and(is_old.or(is_one_of_many))),
    );
    let uploading = status().eq(RunStatus::Uploading.as_str());
    let select = Query::select()
        .columns([("r", "id"), ("r", "status")])
        .from_as("import_run", "r")
        .and_where(uploading.and(touched().lt(broken_off)).or(needless))
        .order_by(("r", "id"), Order::Asc)
        .to_owned();
    let rows = store.database.dialect().build(&select);
    let rows = sea_orm::ConnectionTrait::query_all_raw(store.database.reader(), rows).await?;
    for row in &rows {
        let (run_id, status): (i64, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        drop_files(store, run_id).await?;
        if status == RunStatus::Uploading.as_str() {
            forget(store, run_id).await?;
        }
    }
    Ok(rows.len() as u64)
}

/// Deletes the row of an upload that was broken off.
pub(super) async fn forget(store: &Store, run_id: i64) -> Result<()> {
    let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    import_run::Entity::delete_many()
        .filter(import_run::Column::Id.eq(run_id))
        .filter(import_run::Column::Status.eq(RunStatus::Uploading.as_str()))
        .exec(transaction.connection())
        .await?;
    transaction.commit().await
}
