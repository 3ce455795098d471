//! The loop that claims, finishes and writes down attempts in SQL, as one would write it by hand for
//! one kind of jobs: no limits, pauses, priorities, heartbeats or logs.

use alphanode::foundation::database::{Database, Dialect};
use sea_orm::{ConnectionTrait, DatabaseBackend, Statement, Value};

use super::KIND;
use crate::Result;

/// Runs jobs until none is due.
pub async fn work(database: &Database) -> Result<()> {
    while let Some((id, lease, started_at)) = claim(database).await? {
        finish(database, id, lease, started_at).await?;
    }
    Ok(())
}

async fn claim(database: &Database) -> Result<Option<(i64, i64, i64)>> {
    let locking = match database.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE job SET status = 'running', worker = 'by hand', lease = lease + 1,
             attempts = attempts + 1, started_at = $1, leased_until = $1 + 60000000
         WHERE id = (
             SELECT id FROM job
             WHERE status = 'waiting' AND kind = $2 AND priority = 0 AND due_at <= $1
             ORDER BY due_at, id LIMIT 1 {locking})
         RETURNING id, lease, started_at"
    );
    let values = [now(), KIND.into()];
    let row = database
        .queue()
        .query_one_raw(statement(database, sql, values))
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((
        row.try_get("", "id")?,
        row.try_get("", "lease")?,
        row.try_get("", "started_at")?,
    )))
}

const FINISH: &str = "
UPDATE job SET status = 'done', leased_until = NULL, finished_at = $1
WHERE id = $2 AND lease = $3 AND status = 'running'";

const ATTEMPT: &str = "
INSERT INTO job_attempt (job_id, lease, worker, started_at, finished_at, outcome)";

async fn finish(database: &Database, id: i64, lease: i64, started_at: i64) -> Result<()> {
    let finished_at = now();
    if database.dialect() == Dialect::Postgres {
        let sql = format!(
            "WITH finished AS ({FINISH} RETURNING id, lease, worker, started_at, finished_at)
             {ATTEMPT} SELECT *, 'done' FROM finished"
        );
        let values = [finished_at, id.into(), lease.into()];
        let statement = statement(database, sql, values);
        database.queue().execute_raw(statement).await?;
        return Ok(());
    }
    let transaction = database.begin_in_queue().await?;
    let values = [finished_at.clone(), id.into(), lease.into()];
    transaction
        .execute_raw(statement(database, FINISH.to_owned(), values))
        .await?;
    let sql = format!("{ATTEMPT} VALUES ($1, $2, 'by hand', $3, $4, 'done')");
    let values = [id.into(), lease.into(), started_at.into(), finished_at];
    transaction
        .execute_raw(statement(database, sql, values))
        .await?;
    Ok(transaction.commit().await?)
}

fn now() -> Value {
    chrono::Utc::now().timestamp_micros().into()
}

fn statement<const VALUES: usize>(
    database: &Database,
    sql: String,
    values: [Value; VALUES],
) -> Statement {
    let backend = match database.dialect() {
        Dialect::Sqlite => DatabaseBackend::Sqlite,
        Dialect::Postgres => DatabaseBackend::Postgres,
    };
    Statement::from_sql_and_values(backend, sql, values)
}
