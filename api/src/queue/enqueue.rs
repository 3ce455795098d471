//! Writing jobs, inside the transaction of the change that wants them.

use std::cmp::{max, min};
use std::collections::BTreeMap;
use std::time::Duration;

use entity::job;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};
use serde_json::Value;

use super::notify;
use super::priority::Priority;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Dialect;

/// A job to be written by the transaction of the change that wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Which handler runs it.
    pub kind: &'static str,
    /// What the handler is told.
    pub payload: Value,
    /// While a job of this kind and key waits for its first run, another one is not added.
    pub unique_key: Option<String>,
    /// How urgent it is.
    pub priority: Priority,
    /// How long it must wait at least.
    pub delay: Duration,
}

/// Writes jobs into the caller's transaction. One whose kind and key wait already is not written
/// again: the waiting one then runs as soon, and with as high a priority, as either of them asks.
///
/// # Errors
///
/// Those of the database.
pub async fn enqueue(
    connection: &DatabaseTransaction,
    clock: &Clock,
    jobs: Vec<NewJob>,
) -> Result<(), DbErr> {
    enqueue_for(connection, clock, None, jobs).await
}

/// The same, keeping in words who wanted them. A job that waits already stays that of whoever asked
/// first.
///
/// # Errors
///
/// Those of the database.
pub async fn enqueue_for(
    connection: &DatabaseTransaction,
    clock: &Clock,
    asked_by: Option<&str>,
    jobs: Vec<NewJob>,
) -> Result<(), DbErr> {
    const JOBS_A_STATEMENT: usize = 1_000;

    let dialect = Dialect::from(connection.get_database_backend());
    let now = time::now(dialect, clock);
    for jobs in collapse(jobs).chunks(JOBS_A_STATEMENT) {
        let mut insert = Query::insert();
        insert.into_table(job::Entity).columns([
            job::Column::Kind,
            job::Column::Payload,
            job::Column::UniqueKey,
            job::Column::Status,
            job::Column::Priority,
            job::Column::DueAt,
            job::Column::CreatedAt,
            job::Column::AskedBy,
        ]);
        for job in jobs {
            let due_at = now.clone().add(time::microseconds(job.delay));
            insert.values_panic([
                job.kind.into(),
                job.payload.clone().into(),
                job.unique_key.clone().into(),
                "waiting".into(),
                job.priority.into(),
                due_at,
                now.clone(),
                asked_by.into(),
            ]);
        }
        insert.on_conflict(raise_the_waiting_one());
        if dialect == Dialect::Postgres {
            // Said to all processes once this is committed, however often it is said before.
            insert.returning(Query::returning().exprs([Expr::cust(notify::SAY)]));
        }
        connection.execute(&insert).await?;
    }
    Ok(())
}

/// `DO NOTHING` would not do: on PostgreSQL a worker could claim the waiting job, and read the
/// content, before the caller commits, and the caller's change would have no job at all. An update
/// locks the waiting job until the caller's commit, and claims pass over what is locked.
pub(super) fn raise_the_waiting_one() -> OnConflict {
    OnConflict::columns([job::Column::Kind, job::Column::UniqueKey])
        .target_and_where(Expr::cust(
            "status = 'waiting' AND lease = 0 AND unique_key IS NOT NULL",
        ))
        .values([
            (
                job::Column::Priority,
                Expr::cust(
                    "CASE WHEN excluded.priority > job.priority
                     THEN excluded.priority ELSE job.priority END",
                ),
            ),
            (
                job::Column::DueAt,
                Expr::cust(
                    "CASE WHEN excluded.due_at < job.due_at
                     THEN excluded.due_at ELSE job.due_at END",
                ),
            ),
        ])
        .to_owned()
}

/// One of each kind and key, since a statement can't update a row twice. Those with a key come in
/// the order of their keys, so that two transactions never wait for each other.
fn collapse(jobs: Vec<NewJob>) -> Vec<NewJob> {
    let mut keyed: BTreeMap<(&'static str, String), NewJob> = BTreeMap::new();
    let mut free = Vec::new();
    for job in jobs {
        let Some(key) = job.unique_key.clone() else {
            free.push(job);
            continue;
        };
        keyed
            .entry((job.kind, key))
            .and_modify(|first| {
                first.priority = max(first.priority, job.priority);
                first.delay = min(first.delay, job.delay);
            })
            .or_insert(job);
    }
    free.extend(keyed.into_values());
    free
}
