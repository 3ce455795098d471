//! Announcing that a job was given up.

use entity::webhook_event::{Column, Entity};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde::Deserialize;

use super::announcement::{Announcement, DeadJob};
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;
use crate::foundation::hash::sha256;
use crate::queue::{self, Status};

/// The kind of jobs that announce the death of others. The queue writes one in the transaction in
/// which a job dies.
pub const DEAD_JOB_KIND: &str = "announce_dead_job";

/// What such a job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadJobPayload {
    /// The job that is dead.
    pub job_id: i64,
}

/// Characters of the error that a message repeats.
const ERROR_LENGTH: usize = 1_000;

/// Announces that a job is dead, unless that was announced already, or it is not dead any more.
///
/// # Errors
///
/// Those of the database.
pub async fn announce_dead_job(transaction: &mut Transaction<'_>, job_id: i64) -> Result<()> {
    let job = queue::read(transaction.connection(), job_id).await?;
    let Some(job) = job.filter(|job| job.status == Status::Dead) else {
        return Ok(());
    };
    // It may be retried and die again, which is another event.
    let death = format!("{} {} {:?}", job.id, job.created_at, job.finished_at);
    let message_id = format!("evt_{}", &sha256(death)[..32]);
    let announced = Entity::find()
        .filter(Column::MessageId.eq(&message_id))
        .count(transaction.connection())
        .await?;
    if announced == 0 {
        let error = job.last_error;
        transaction.announce(Announcement::DeadJob(DeadJob {
            message_id,
            job_id,
            kind: job.kind,
            attempts: job.attempts,
            error: error.map(|text| text.chars().take(ERROR_LENGTH).collect()),
        }));
    }
    Ok(())
}
