//! Letting go of a job, by whoever holds it or because nobody does any more.

use std::time::Duration;

use entity::{job, job_attempt};
use sea_orm::sea_query::{
    CaseStatement, CommonTableExpression, Expr, ExprTrait, Order, Query, SubQueryStatement,
    UpdateStatement, WithClause,
};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr};
use serde_json::json;

use super::claim::{Claim, in_status, reader};
use super::enqueue::{NewJob, enqueue};
use super::handler::Handler;
use super::heartbeat::write_lines;
use super::job::Unwritten;
use super::outcome::Outcome;
use super::priority::Priority;
use super::status::Status;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};

/// An attempt that ends.
pub(super) struct Ending<'attempt> {
    pub(super) id: i64,
    /// The fencing token: it must still be the newest.
    pub(super) lease: i64,
    pub(super) outcome: &'attempt Outcome,
    /// What the handler has said since the last heartbeat.
    pub(super) said: Unwritten,
    /// Of which kind a job is enqueued that announces it, should the job be dead now.
    pub(super) announce: Option<&'static str>,
}

/// Ends an attempt and writes it into the job's history. Answers where the job stands now; `None`,
/// and nothing is changed, when it is no longer the claimant's.
pub(super) async fn finish(
    database: &Database,
    clock: &Clock,
    ending: &Ending<'_>,
) -> Result<Option<Status>, DbErr> {
    let Ending { id, lease, .. } = *ending;
    let now = time::now(database.dialect(), clock);
    let mut update = Query::update();
    update
        .table(job::Entity)
        .value(job::Column::LeasedUntil, Option::<i64>::None)
        .value(job::Column::Slot, Option::<i32>::None)
        .and_where(Expr::col(job::Column::Id).eq(id))
        .and_where(Expr::col(job::Column::Lease).eq(lease))
        .and_where(in_status("running"))
        .returning(Query::returning().columns([
            job::Column::Id,
            job::Column::Lease,
            job::Column::Status,
            job::Column::Worker,
            job::Column::StartedAt,
        ]));
    // Whoever called the job off did so for good, also when the worker had not seen it yet.
    let unless_called_off = |status: Status| -> Expr {
        CaseStatement::new()
            .case(
                Expr::col(job::Column::CancelRequestedAt).is_null(),
                status.name(),
            )
            .finally(Status::Cancelled.name())
            .into()
    };
    let again = |update: &mut UpdateStatement| {
        let finished_at = CaseStatement::new()
            .case(
                Expr::col(job::Column::CancelRequestedAt).is_not_null(),
                now.clone(),
            )
            .finally(Option::<i64>::None);
        update
            .value(job::Column::Status, unless_called_off(Status::Waiting))
            .value(job::Column::FinishedAt, finished_at);
    };
    let over = |update: &mut UpdateStatement, status: Expr| {
        update
            .value(job::Column::Status, status)
            .value(job::Column::FinishedAt, now.clone());
    };
    match ending.outcome {
        Outcome::Done => over(&mut update, Status::Done.name().into()),
        Outcome::Cancelled => over(&mut update, Status::Cancelled.name().into()),
        Outcome::Failed {
            again_after: Some(delay),
            ..
        } => {
            again(&mut update);
            let due_at = now.clone().add(time::microseconds(*delay));
            update.value(job::Column::DueAt, due_at);
        }
        // It keeps its place: it has waited long enough.
        Outcome::Lost { again: true } => again(&mut update),
        Outcome::Released => {
            again(&mut update);
            let attempts = Expr::col(job::Column::Attempts).sub(1);
            update.value(job::Column::Attempts, attempts);
        }
        Outcome::Failed {
            again_after: None, ..
        }
        | Outcome::Lost { again: false } => over(&mut update, unless_called_off(Status::Dead)),
    }
    if let Some(error) = ending.outcome.error() {
        update.value(job::Column::LastError, error);
    }
    if let Some(progress) = ending.said.progress {
        update.values(progress.columns());
    }
    if matches!(ending.outcome, Outcome::Lost { .. }) {
        // It may have been renewed since somebody thought it lost.
        update.and_where(Expr::col(job::Column::LeasedUntil).lte(now.clone()));
    }

    let may_announce = ending.announce.is_some() && !matches!(ending.outcome, Outcome::Done);
    if database.dialect() == Dialect::Postgres && ending.said.lines.is_empty() && !may_announce {
        return write(database.queue(), update, now, ending).await;
    }
    let transaction = database.begin_in_queue().await?;
    let Some(status) = write(&transaction, update, now, ending).await? else {
        return Ok(None);
    };
    write_lines(&transaction, id, lease, &ending.said).await?;
    if let (Status::Dead, Some(kind)) = (status, ending.announce) {
        let announcement = NewJob {
            kind,
            payload: json!({ "jobId": id }),
            unique_key: Some(id.to_string()),
            priority: Priority::Normal,
            delay: Duration::ZERO,
        };
        enqueue(&transaction, clock, vec![announcement]).await?;
    }
    transaction.commit().await?;
    Ok(Some(status))
}

/// Writes the end of an attempt, once `update` finds that the job is still the claimant's. On
/// PostgreSQL it is one statement, which most jobs end by.
async fn write(
    connection: &impl ConnectionTrait,
    update: UpdateStatement,
    now: Expr,
    ending: &Ending<'_>,
) -> Result<Option<Status>, DbErr> {
    let attempt = |table: &'static str| {
        let ended = Query::select()
            .columns([
                job::Column::Id,
                job::Column::Lease,
                job::Column::Worker,
                job::Column::StartedAt,
            ])
            .exprs([
                now,
                Expr::value(ending.outcome.name()),
                Expr::value(ending.outcome.error()),
            ])
            .from(table)
            .and_where(Expr::col(job::Column::Id).eq(ending.id))
            .to_owned();
        let mut insert = Query::insert();
        insert.into_table(job_attempt::Entity).columns([
            job_attempt::Column::JobId,
            job_attempt::Column::Lease,
            job_attempt::Column::Worker,
            job_attempt::Column::StartedAt,
            job_attempt::Column::FinishedAt,
            job_attempt::Column::Outcome,
            job_attempt::Column::Error,
        ]);
        match insert.select_from(ended) {
            Ok(_) => Ok(insert),
            Err(error) => Err(DbErr::Custom(error.to_string())),
        }
    };
    let row = if connection.get_database_backend() == DatabaseBackend::Postgres {
        let part = |name: &'static str, statement: SubQueryStatement| {
            CommonTableExpression::new()
                .query(statement)
                .table_name(name)
                .to_owned()
        };
        let both = WithClause::new()
            .cte(part("ended", update.into()))
            .cte(part("attempt", attempt("ended")?.into()))
            .to_owned()
            .query(Query::select().column("status").from("ended").to_owned());
        connection.query_one(&both).await?
    } else {
        let row = connection.query_one(&update).await?;
        if row.is_some() {
            connection.execute(&attempt("job")?).await?;
        }
        row
    };
    row.map(|row| Status::from_name(&row.try_get::<String>("", "status")?))
        .transpose()
}

/// An attempt whose worker has lost its lease.
pub(super) struct LostAttempt {
    pub(super) claim: Claim,
    pub(super) outcome: Outcome,
    /// Where the job stands now.
    pub(super) status: Status,
}

/// Takes jobs back whose lease has run out, so that they can be claimed again. Such an attempt
/// counts: a job that kills its worker each time must end as well.
pub(super) async fn take_back_lost(
    database: &Database,
    clock: &Clock,
    handlers: &[Handler],
    announce_dead: Option<&'static str>,
) -> Result<Vec<LostAttempt>, DbErr> {
    const MOST_AT_ONCE: u64 = 100;

    let expired = Query::select()
        .columns(Claim::COLUMNS)
        .from(job::Entity)
        .and_where(in_status("running"))
        .and_where(Expr::col(job::Column::LeasedUntil).lte(time::now(database.dialect(), clock)))
        .order_by(job::Column::LeasedUntil, Order::Asc)
        .limit(MOST_AT_ONCE)
        .to_owned();
    let mut lost = Vec::new();
    for row in reader(database).query_all(&expired).await? {
        let claim = Claim::from_row(&row)?;
        // A kind that this worker does not know is left to one that does.
        let Some(handler) = handlers.iter().find(|handler| handler.kind == claim.kind) else {
            continue;
        };
        let outcome = Outcome::Lost {
            again: claim.attempt < handler.max_attempts,
        };
        let ending = Ending {
            id: claim.id,
            lease: claim.lease,
            outcome: &outcome,
            said: Unwritten::default(),
            announce: handler.announced_by(announce_dead),
        };
        if let Some(status) = finish(database, clock, &ending).await? {
            lost.push(LostAttempt {
                claim,
                outcome,
                status,
            });
        }
    }
    Ok(lost)
}
