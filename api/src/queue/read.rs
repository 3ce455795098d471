//! Reading jobs and their history.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{job, job_attempt, job_log_line, job_pause};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, FromQueryResult, Iterable, QueryFilter, QueryOrder,
};
use serde_json::Value;

use super::job::Progress;
use super::priority::Priority;
use super::status::Status;
use super::time::from_micros;

/// A job, as people see it. Its times are those of the queue's clock.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// Its key.
    pub id: i64,
    /// Which handler runs it.
    pub kind: String,
    /// What the handler is told.
    pub payload: Value,
    /// What kept a second one like it from being added while it waited for its first attempt.
    pub unique_key: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How urgent it is.
    pub priority: Priority,
    /// Not before this time it runs, or ran.
    pub due_at: DateTime<Utc>,
    /// Attempts that used up one of its tries, since it was last given all of them.
    pub attempts: i32,
    /// Who holds it, or held it last.
    pub worker: Option<String>,
    /// Why the last attempt that failed did.
    pub last_error: Option<String>,
    /// How far the newest attempt is, or got, when the handler tells.
    pub progress: Option<Progress>,
    /// Since when somebody wants the running job to end, or wanted.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When the newest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// Since when it is over.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who wanted it, in words, where that is known.
    pub asked_by: Option<String>,
}

impl TryFrom<job::Model> for JobRecord {
    type Error = DbErr;

    fn try_from(job: job::Model) -> Result<Self, DbErr> {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Self {
            id: job.id,
            kind: job.kind,
            payload: job.payload,
            unique_key: job.unique_key,
            status: Status::from_name(&job.status)?,
            priority: Priority::from_number(job.priority),
            due_at: from_micros(job.due_at),
            attempts: job.attempts,
            worker: job.worker,
            last_error: job.last_error,
            progress: job.progress_done.map(|done| Progress {
                done: count(done),
                total: job.progress_total.map(count),
            }),
            cancel_requested_at: job.cancel_requested_at.map(from_micros),
            created_at: from_micros(job.created_at),
            started_at: job.started_at.map(from_micros),
            finished_at: job.finished_at.map(from_micros),
            asked_by: job.asked_by,
        })
    }
}

/// Which jobs a list is about. Conditions that are not given leave nothing out; ranges include
/// their beginning and not their end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JobFilter {
    /// Of any of these kinds.
    pub kinds: Vec<String>,
    /// In any of these.
    pub statuses: Vec<Status>,
    /// With exactly this key.
    pub unique_key: Option<String>,
    /// Enqueued then or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Enqueued before.
    pub created_before: Option<DateTime<Utc>>,
    /// Over since then or later.
    pub finished_from: Option<DateTime<Utc>>,
    /// Over before.
    pub finished_before: Option<DateTime<Utc>>,
}

impl JobFilter {
    fn select(&self) -> SelectStatement {
        let mut select = Query::select();
        select.from(job::Entity);
        if !self.kinds.is_empty() {
            select.and_where(Expr::col(job::Column::Kind).is_in(self.kinds.iter().cloned()));
        }
        if !self.statuses.is_empty() {
            let names = self.statuses.iter().map(|status| status.name());
            select.and_where(Expr::col(job::Column::Status).is_in(names));
        }
        if let Some(key) = &self.unique_key {
            select.and_where(Expr::col(job::Column::UniqueKey).eq(key.clone()));
        }
        let from = [
            (job::Column::CreatedAt, self.created_from),
            (job::Column::FinishedAt, self.finished_from),
        ];
        for (column, time) in from {
            if let Some(time) = time {
                select.and_where(Expr::col(column).gte(time.timestamp_micros()));
            }
        }
        let before = [
            (job::Column::CreatedAt, self.created_before),
            (job::Column::FinishedAt, self.finished_before),
            // What was over by then had been enqueued: the order of the list can begin there.
            (job::Column::CreatedAt, self.finished_before),
        ];
        for (column, time) in before {
            if let Some(time) = time {
                select.and_where(Expr::col(column).lt(time.timestamp_micros()));
            }
        }
        select
    }
}

/// A part of a list, which has the newest job first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPlace {
    /// The job next to which the part begins, as when it was enqueued and its key; it is not part of
    /// it. Without one, the part begins at the end of the list.
    pub next_to: Option<(DateTime<Utc>, i64)>,
    /// Whether the list is read from its oldest job on, so that newer ones follow.
    pub backward: bool,
    /// The most jobs to read.
    pub limit: u64,
    /// Jobs to pass over first.
    pub offset: u64,
}

/// Reads a part of a list of jobs, in the order in which it is read. One statement.
///
/// # Errors
///
/// Those of the database.
pub async fn list(
    connection: &impl ConnectionTrait,
    filter: &JobFilter,
    place: JobPlace,
) -> Result<Vec<JobRecord>, DbErr> {
    let mut select = filter.select();
    let (age, id) = (
        Expr::col(job::Column::CreatedAt),
        Expr::col(job::Column::Id),
    );
    if let Some((created_at, key)) = place.next_to {
        let here = Expr::tuple([age.clone(), id.clone()]);
        let there = Expr::tuple([created_at.timestamp_micros().into(), key.into()]);
        select.and_where(match place.backward {
            false => here.lt(there),
            true => here.gt(there),
        });
    }
    let order = match place.backward {
        false => Order::Desc,
        true => Order::Asc,
    };
    select
        .columns(job::Column::iter())
        .order_by_expr(age, order.clone())
        .order_by_expr(id, order)
        .limit(place.limit)
        .offset(place.offset);
    let rows = connection.query_all(&select).await?;
    rows.iter()
        .map(|row| job::Model::from_query_result(row, "")?.try_into())
        .collect()
}

/// How many jobs a list has.
///
/// # Errors
///
/// Those of the database.
pub async fn count(connection: &impl ConnectionTrait, filter: &JobFilter) -> Result<u64, DbErr> {
    let mut select = filter.select();
    select.expr(Expr::col(job::Column::Id).count());
    let row = connection.query_one(&select).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Reads one job.
///
/// # Errors
///
/// Those of the database.
pub async fn read(connection: &impl ConnectionTrait, id: i64) -> Result<Option<JobRecord>, DbErr> {
    let job = job::Entity::find_by_id(id).one(connection).await?;
    job.map(JobRecord::try_from).transpose()
}

/// An attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number among all claims of the job, from 1; some numbers may be missing.
    pub number: i64,
    /// Who made it.
    pub worker: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; none while it goes on.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended: `done`, `failed`, `lost`, `released` or `cancelled`; none while it goes on.
    pub outcome: Option<String>,
    /// Why it failed, with the causes of the error.
    pub error: Option<String>,
    /// What the handler said, oldest first.
    pub lines: Vec<LogLine>,
}

/// What a handler said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub text: String,
}

/// Reads jobs by key, in the order of their keys.
///
/// # Errors
///
/// Those of the database.
pub async fn find(connection: &impl ConnectionTrait, ids: &[i64]) -> Result<Vec<JobRecord>, DbErr> {
    let jobs = job::Entity::find()
        .filter(Expr::col(job::Column::Id).is_in(ids.iter().copied()))
        .order_by_asc(job::Column::Id)
        .all(connection)
        .await?;
    jobs.into_iter().map(JobRecord::try_from).collect()
}

/// Reads the jobs of these kinds with these unique keys, those enqueued first coming first.
///
/// # Errors
///
/// Those of the database.
pub async fn find_by_key(
    connection: &impl ConnectionTrait,
    kinds: &[&str],
    keys: &[String],
) -> Result<Vec<JobRecord>, DbErr> {
    let jobs = job::Entity::find()
        .filter(Expr::col(job::Column::UniqueKey).is_in(keys))
        .filter(Expr::col(job::Column::Kind).is_in(kinds.iter().copied()))
        .order_by_asc(job::Column::CreatedAt)
        .order_by_asc(job::Column::Id)
        .all(connection)
        .await?;
    jobs.into_iter().map(JobRecord::try_from).collect()
}

/// Reads all attempts at a job, the one that goes on as well, oldest first.
///
/// # Errors
///
/// Those of the database.
pub async fn attempts(
    connection: &impl ConnectionTrait,
    job_id: i64,
) -> Result<Vec<Attempt>, DbErr> {
    let mut attempts = attempts_of(connection, &[job_id]).await?;
    Ok(attempts.remove(&job_id).unwrap_or_default())
}

/// Reads all attempts at some jobs, in as many statements as those at one; by the key of the job.
///
/// # Errors
///
/// Those of the database.
pub async fn attempts_of(
    connection: &impl ConnectionTrait,
    job_ids: &[i64],
) -> Result<HashMap<i64, Vec<Attempt>>, DbErr> {
    let mut attempts: HashMap<i64, Vec<Attempt>> = HashMap::new();
    let over = job_attempt::Entity::find()
        .filter(Expr::col(job_attempt::Column::JobId).is_in(job_ids.iter().copied()))
        .order_by_asc(job_attempt::Column::JobId)
        .order_by_asc(job_attempt::Column::Lease)
        .all(connection)
        .await?;
    for attempt in over {
        attempts.entry(attempt.job_id).or_default().push(Attempt {
            number: attempt.lease,
            worker: attempt.worker,
            started_at: from_micros(attempt.started_at),
            finished_at: Some(from_micros(attempt.finished_at)),
            outcome: Some(attempt.outcome),
            error: attempt.error,
            lines: Vec::new(),
        });
    }
    let running = job::Entity::find()
        .filter(Expr::col(job::Column::Id).is_in(job_ids.iter().copied()))
        .filter(Expr::col(job::Column::Status).eq(Status::Running.name()))
        .all(connection)
        .await?;
    for job in running {
        let attempts = attempts.entry(job.id).or_default();
        // It may have ended between the two statements.
        if attempts.iter().all(|attempt| attempt.number != job.lease) {
            attempts.push(Attempt {
                number: job.lease,
                worker: job.worker.unwrap_or_default(),
                started_at: from_micros(job.started_at.unwrap_or_default()),
                finished_at: None,
                outcome: None,
                error: None,
                lines: Vec::new(),
            });
        }
    }
    let lines = job_log_line::Entity::find()
        .filter(Expr::col(job_log_line::Column::JobId).is_in(job_ids.iter().copied()))
        .order_by_asc(job_log_line::Column::JobId)
        .order_by_asc(job_log_line::Column::Lease)
        .order_by_asc(job_log_line::Column::Number)
        .all(connection)
        .await?;
    for line in lines {
        let attempts = attempts.get_mut(&line.job_id).into_iter().flatten();
        for attempt in attempts.filter(|attempt| attempt.number == line.lease) {
            attempt.lines.push(LogLine {
                at: from_micros(line.at),
                text: line.line.clone(),
            });
        }
    }
    Ok(attempts)
}

/// A kind of jobs that is not run for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The kind.
    pub kind: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Who wanted it, in words.
    pub by: String,
}

/// Reads which kinds are paused, in the order of their names.
///
/// # Errors
///
/// Those of the database.
pub async fn pauses(connection: &impl ConnectionTrait) -> Result<Vec<Pause>, DbErr> {
    let pauses = job_pause::Entity::find()
        .order_by_asc(job_pause::Column::Kind)
        .all(connection)
        .await?;
    Ok(pauses
        .into_iter()
        .map(|pause| Pause {
            kind: pause.kind,
            since: from_micros(pause.paused_at),
            by: pause.paused_by,
        })
        .collect())
}
