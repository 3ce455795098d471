//! Holding on to a job while its handler runs, and writing down what it says.

use std::time::Duration;

use entity::job::{Column, Entity};
use entity::job_log_line;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ConnectionTrait, DbErr};
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{info, warn};

use super::claim::{Claim, in_status};
use super::job::{Job, Unwritten};
use super::time;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// What keeps a claim alive.
pub(super) struct Heartbeat<'worker> {
    pub(super) database: &'worker Database,
    pub(super) clock: &'worker Clock,
    pub(super) claim: &'worker Claim,
    /// For how long the job is held each time.
    pub(super) lease: Duration,
    /// How often.
    pub(super) every: Duration,
    /// When the claim was asked for: its lease began later.
    pub(super) claimed: Instant,
}

impl Heartbeat<'_> {
    /// Renews the lease, writes down what the handler has said, and tells it when somebody wants it
    /// to end. Returns when the job is somebody else's, or could soon be: while the database does
    /// not answer nothing is renewed, and the handler must have stopped before another worker may
    /// begin.
    pub(super) async fn run(&self, job: &Job) {
        // To stop the handler, before the lease could run out.
        let margin = self.lease / 6;
        let mut safe_until = self.claimed + self.lease - margin;
        let mut answers = true;
        loop {
            let next = Instant::now() + self.every;
            if next >= safe_until {
                sleep_until(safe_until).await;
                return;
            }
            sleep_until(next).await;
            let asked = Instant::now();
            let unwritten = job.notes.unwritten();
            match timeout_at(safe_until, self.renew(&unwritten)).await {
                Ok(Ok(Some(renewed))) => {
                    safe_until = asked + self.lease - margin;
                    job.notes.written(&unwritten);
                    if renewed.cancel_requested {
                        job.cancelled.cancel();
                    }
                    if !answers {
                        answers = true;
                        info!(job = self.claim.id, "the lease is renewed again");
                    }
                }
                Ok(Ok(None)) => return,
                Ok(Err(error)) => {
                    if answers {
                        answers = false;
                        warn!(job = self.claim.id, %error, "the lease can't be renewed");
                    }
                }
                Err(_) => return,
            }
        }
    }

    /// Holds on to the job for another lease from now. Answers `None` when it is not the worker's
    /// any more.
    async fn renew(&self, unwritten: &Unwritten) -> Result<Option<Renewed>, DbErr> {
        let until =
            time::now(self.database.dialect(), self.clock).add(time::microseconds(self.lease));
        let mut renew = Query::update();
        renew
            .table(Entity)
            .value(Column::LeasedUntil, until)
            .and_where(Expr::col(Column::Id).eq(self.claim.id))
            .and_where(Expr::col(Column::Lease).eq(self.claim.lease))
            .and_where(in_status("running"))
            .returning(Query::returning().columns([Column::CancelRequestedAt]));
        if let Some(progress) = unwritten.progress {
            renew.values(progress.columns());
        }
        let row = if unwritten.lines.is_empty() {
            self.database
                .query_in_queue(self.database.dialect().statement(&renew))
                .await?
        } else {
            let transaction = self.database.begin_in_queue().await?;
            let row = transaction.query_one(&renew).await?;
            if row.is_some() {
                write_lines(&transaction, self.claim.id, self.claim.lease, unwritten).await?;
            }
            transaction.commit().await?;
            row
        };
        let Some(row) = row else { return Ok(None) };
        let cancel_requested_at: Option<i64> = row.try_get("", "cancel_requested_at")?;
        Ok(Some(Renewed {
            cancel_requested: cancel_requested_at.is_some(),
        }))
    }
}

struct Renewed {
    cancel_requested: bool,
}

/// Writes lines of an attempt. One that is there already was written by a call whose answer did not
/// arrive.
pub(super) async fn write_lines(
    connection: &impl ConnectionTrait,
    job_id: i64,
    lease: i64,
    unwritten: &Unwritten,
) -> Result<(), DbErr> {
    if unwritten.lines.is_empty() {
        return Ok(());
    }
    let mut insert = Query::insert();
    insert.into_table(job_log_line::Entity).columns([
        job_log_line::Column::JobId,
        job_log_line::Column::Lease,
        job_log_line::Column::Number,
        job_log_line::Column::At,
        job_log_line::Column::Line,
    ]);
    for line in &unwritten.lines {
        insert.values_panic([
            job_id.into(),
            lease.into(),
            line.number.into(),
            line.at.into(),
            line.text.clone().into(),
        ]);
    }
    insert.on_conflict(
        OnConflict::columns([
            job_log_line::Column::JobId,
            job_log_line::Column::Lease,
            job_log_line::Column::Number,
        ])
        .do_nothing()
        .to_owned(),
    );
    connection.execute(&insert).await?;
    Ok(())
}
