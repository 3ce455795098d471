//! Taking the job whose turn it is, and knowing when the next one's is.

use std::fmt::Write;
use std::time::Duration;

use entity::job::Column;
use sea_orm::IdenStatic;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, SqlErr, Statement, Value};

use super::handler::Handler;
use super::priority::Priority;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    pub(super) id: i64,
    pub(super) kind: String,
    pub(super) payload: serde_json::Value,
    /// Which attempt this is, from 1.
    pub(super) attempt: i32,
    /// The fencing token: the number of this claim among all of the job's.
    pub(super) lease: i64,
    /// When it was claimed.
    pub(super) started_at: i64,
}

impl Claim {
    /// The columns that it is read from.
    pub(super) const COLUMNS: [Column; 6] = [
        Column::Id,
        Column::Kind,
        Column::Payload,
        Column::Attempts,
        Column::Lease,
        Column::StartedAt,
    ];

    pub(super) fn from_row(row: &QueryResult) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.try_get("", "id")?,
            kind: row.try_get("", "kind")?,
            payload: row.try_get("", "payload")?,
            attempt: row.try_get("", "attempts")?,
            lease: row.try_get("", "lease")?,
            started_at: row.try_get("", "started_at")?,
        })
    }
}

/// Claims jobs of some kinds. Its statements are written out once: they are the same each time.
#[derive(Debug)]
pub(super) struct Claimant {
    kinds: Vec<Value>,
    claim: String,
    next_due: String,
}

/// The kinds that may be claimed now, each with the slot that its next job gets: not the paused
/// ones, nor those whose slots are all held.
const OPEN: &str = "
open (kind, slot) AS (
    SELECT kind, min(slot) FROM known
    WHERE NOT EXISTS (SELECT 1 FROM job_pause WHERE job_pause.kind = known.kind)
    AND (slot IS NULL OR NOT EXISTS (
        SELECT 1 FROM job WHERE job.kind = known.kind AND job.slot = known.slot))
    GROUP BY kind
)";

impl Claimant {
    /// One for the kinds that `handlers` are for.
    pub(super) fn new(dialect: Dialect, handlers: &[Handler]) -> Self {
        const FIRST_KIND: usize = 2; // The first parameter is the time.

        // One row for each slot of each kind, and one for a kind without a limit.
        let mut known = String::new();
        for (place, handler) in handlers.iter().enumerate() {
            let slots = match handler.max_running {
                Some(most) => (1..=most).map(|slot| slot.to_string()).collect(),
                None => vec!["NULL".to_owned()],
            };
            for slot in slots {
                let comma = if known.is_empty() { "" } else { ", " };
                let parameter = place + FIRST_KIND;
                // Writing to a string can't fail.
                let _ = write!(
                    known,
                    "{comma}(CAST(${parameter} AS TEXT), CAST({slot} AS INTEGER))"
                );
            }
        }
        let levels = Priority::ALL.map(|priority| format!("({})", priority.number()));
        let with = format!(
            "WITH known (kind, slot) AS (VALUES {known}),
             level (priority) AS (VALUES {}),{OPEN}",
            levels.join(", ")
        );
        let now = time::now_sql(dialect);
        // The first job that is due of one kind and priority: one step into the index, however many
        // jobs of other kinds there are, and however many whose time has not come.
        let first = |columns: &str, of: &str| {
            format!(
                "SELECT {columns} FROM job
                 WHERE status = 'waiting' AND job.kind = {of}.kind
                 AND job.priority = {of}.priority AND due_at <= {now}
                 ORDER BY due_at, id LIMIT 1"
            )
        };
        let picked = match dialect {
            // Only one statement writes at a time.
            Dialect::Sqlite => format!(
                "head (id, slot) AS MATERIALIZED (
                     SELECT ({}), slot FROM (SELECT * FROM open CROSS JOIN level) AS class
                 ),
                 picked (id, slot) AS MATERIALIZED (
                     SELECT head.id, head.slot FROM head JOIN job ON job.id = head.id
                     ORDER BY job.priority DESC, job.due_at, job.id LIMIT 1
                 )",
                first("id", "class")
            ),
            // Nothing is locked but the job that is taken: the classes are put in the order of their
            // first jobs, then each is tried until one has a job that nobody else is taking.
            Dialect::Postgres => format!(
                "class AS MATERIALIZED (
                     SELECT sought.kind, sought.slot, sought.priority
                     FROM (SELECT * FROM open CROSS JOIN level) AS sought
                     CROSS JOIN LATERAL ({}) AS first
                     ORDER BY sought.priority DESC, first.due_at, first.id
                 ),
                 picked AS MATERIALIZED (
                     SELECT taken.id, class.slot
                     FROM class CROSS JOIN LATERAL ({} FOR UPDATE SKIP LOCKED) AS taken
                     LIMIT 1
                 )",
                first("due_at, id", "sought"),
                first("id", "class")
            ),
        };
        let returned = Claim::COLUMNS.map(|column| format!("job.{}", column.as_str()));
        let claim = format!(
            "{with}, {picked}
             UPDATE job SET status = 'running', worker = ${}, lease = lease + 1,
                 attempts = attempts + 1, slot = picked.slot, started_at = {now},
                 leased_until = {now} + ${}, progress_done = NULL, progress_total = NULL
             FROM picked WHERE job.id = picked.id RETURNING {}",
            FIRST_KIND + handlers.len(),
            FIRST_KIND + handlers.len() + 1,
            returned.join(", ")
        );
        let next_due = format!(
            "{with}
             SELECT min(due_at) - {now} AS wait FROM (
                 SELECT (
                     SELECT due_at FROM job
                     WHERE status = 'waiting' AND job.kind = class.kind
                     AND job.priority = class.priority
                     ORDER BY due_at, id LIMIT 1
                 ) AS due_at
                 FROM (SELECT * FROM open CROSS JOIN level) AS class
             ) AS first"
        );
        let kinds = handlers.iter().map(|handler| handler.kind.into());
        Self {
            kinds: if known.is_empty() {
                Vec::new()
            } else {
                kinds.collect()
            },
            claim,
            next_due,
        }
    }

    /// Takes the job whose turn it is: the most urgent, then longest due, then oldest. Answers
    /// `None` when nothing is due that may run now.
    pub(super) async fn claim(
        &self,
        database: &Database,
        clock: &Clock,
        worker: &str,
        lease: Duration,
    ) -> Result<Option<Claim>, DbErr> {
        if self.kinds.is_empty() {
            return Ok(None);
        }
        let holder = vec![worker.into(), time::microseconds(lease).into()];
        loop {
            let statement = self.statement(database, clock, &self.claim, holder.clone());
            match database.query_in_queue(statement).await {
                Ok(row) => return row.as_ref().map(Claim::from_row).transpose(),
                // Another worker took the same slot at the same moment; it is seen as held now.
                Err(error)
                    if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How long until a job is due that may run now; none when no such job waits. It reads only.
    pub(super) async fn next_due(
        &self,
        database: &Database,
        clock: &Clock,
    ) -> Result<Option<Duration>, DbErr> {
        if self.kinds.is_empty() {
            return Ok(None);
        }
        let statement = self.statement(database, clock, &self.next_due, Vec::new());
        let Some(row) = reader(database).query_one_raw(statement).await? else {
            return Ok(None);
        };
        let wait: Option<i64> = row.try_get("", "wait")?;
        Ok(wait.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))))
    }

    fn statement(
        &self,
        database: &Database,
        clock: &Clock,
        sql: &str,
        more: Vec<Value>,
    ) -> Statement {
        let dialect = database.dialect();
        let mut values = vec![time::now_parameter(dialect, clock).into()];
        values.extend(self.kinds.iter().cloned());
        values.extend(more);
        Statement::from_sql_and_values(dialect.backend(), sql, values)
    }
}

/// Where a worker reads. On SQLite that must not wait for whoever writes.
pub(super) fn reader(database: &Database) -> &DatabaseConnection {
    match database.dialect() {
        Dialect::Sqlite => database.reader(),
        Dialect::Postgres => database.queue(),
    }
}

/// Written out and not bound as a parameter: only so does a planner see that the partial index for
/// this status has all the rows.
pub(super) fn in_status(status: &'static str) -> Expr {
    Expr::col(Column::Status).eq(Expr::Constant(status.into()))
}
