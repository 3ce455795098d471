//! Letting go of a job, by whoever holds it or because nobody does any more.

use entity::{job, job_attempt};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DbErr};

use super::claim::{self, Claim, in_status};
use super::handler::Handler;
use super::outcome::Outcome;
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// Ends an attempt and writes it into the job's history. Answers false, and changes nothing, when
/// the job is no longer the claimant's.
pub(super) async fn finish(
    database: &Database,
    clock: &Clock,
    id: i64,
    lease: i64,
    outcome: &Outcome,
) -> Result<bool, DbErr> {
    let now = time::now(database.dialect(), clock);
    let mut update = Query::update();
    update
        .table(job::Entity)
        .value(job::Column::LeasedUntil, Option::<i64>::None)
        .and_where(Expr::col(job::Column::Id).eq(id))
        .and_where(Expr::col(job::Column::Lease).eq(lease))
        .and_where(in_status("running"))
        .returning(Query::returning().columns([job::Column::Worker, job::Column::StartedAt]));
    match outcome {
        Outcome::Done => update
            .value(job::Column::Status, "done")
            .value(job::Column::FinishedAt, now.clone()),
        Outcome::Failed {
            again_after: Some(delay),
            ..
        } => update.value(job::Column::Status, "waiting").value(
            job::Column::DueAt,
            now.clone().add(time::microseconds(*delay)),
        ),
        // It keeps its place: it has waited long enough.
        Outcome::Lost { again: true } => update.value(job::Column::Status, "waiting"),
        Outcome::Released => update.value(job::Column::Status, "waiting").value(
            job::Column::Attempts,
            Expr::col(job::Column::Attempts).sub(1),
        ),
        Outcome::Failed {
            again_after: None, ..
        }
        | Outcome::Lost { again: false } => update
            .value(job::Column::Status, "dead")
            .value(job::Column::FinishedAt, now.clone()),
    };
    if let Some(error) = outcome.error() {
        update.value(job::Column::LastError, error);
    }
    if matches!(outcome, Outcome::Lost { .. }) {
        // It may have been renewed since somebody thought it lost.
        update.and_where(Expr::col(job::Column::LeasedUntil).lte(now.clone()));
    }

    let transaction = database.begin().await?;
    let Some(row) = transaction.query_one(&update).await? else {
        return Ok(false);
    };
    let worker: Option<String> = row.try_get("", "worker")?;
    let started_at: Option<i64> = row.try_get("", "started_at")?;
    let attempt = Query::insert()
        .into_table(job_attempt::Entity)
        .columns([
            job_attempt::Column::JobId,
            job_attempt::Column::Lease,
            job_attempt::Column::Worker,
            job_attempt::Column::StartedAt,
            job_attempt::Column::FinishedAt,
            job_attempt::Column::Outcome,
            job_attempt::Column::Error,
        ])
        .values_panic([
            id.into(),
            lease.into(),
            worker.unwrap_or_default().into(),
            started_at.unwrap_or_default().into(),
            now,
            outcome.name().into(),
            outcome.error().map(str::to_owned).into(),
        ])
        .to_owned();
    transaction.execute(&attempt).await?;
    transaction.commit().await?;
    Ok(true)
}

/// An attempt whose worker has lost its lease.
pub(super) struct LostAttempt {
    pub(super) claim: Claim,
    pub(super) outcome: Outcome,
}

/// Takes jobs back whose lease has run out, so that they can be claimed again. Such an attempt
/// counts: a job that kills its worker each time must end as well.
pub(super) async fn take_back_lost(
    database: &Database,
    clock: &Clock,
    handlers: &[Handler],
) -> Result<Vec<LostAttempt>, DbErr> {
    const MOST_AT_ONCE: u64 = 100;

    let expired = Query::select()
        .columns(claim::COLUMNS)
        .from(job::Entity)
        .and_where(in_status("running"))
        .and_where(Expr::col(job::Column::LeasedUntil).lte(time::now(database.dialect(), clock)))
        .order_by(job::Column::LeasedUntil, Order::Asc)
        .limit(MOST_AT_ONCE)
        .to_owned();
    let mut lost = Vec::new();
    for row in database.reader().query_all(&expired).await? {
        let claim = Claim::from_row(&row)?;
        // A kind that this worker does not know is left to one that does.
        let Some(handler) = handlers.iter().find(|handler| handler.kind == claim.kind) else {
            continue;
        };
        let outcome = Outcome::Lost {
            again: claim.attempt < handler.max_attempts,
        };
        if finish(database, clock, claim.id, claim.lease, &outcome).await? {
            lost.push(LostAttempt { claim, outcome });
        }
    }
    Ok(lost)
}
