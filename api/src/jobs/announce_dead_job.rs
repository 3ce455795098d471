//! Tells endpoints that a job was given up.
//!
//! **Safe to run again**: the death of a job is one event, known by its `webhook-id`, which is made
//! of what died when. A second run finds it and does nothing; a run that is cut off has done nothing.

use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::webhook::{self, DeadJobPayload};
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        webhook::DEAD_JOB_KIND,
        "Tells webhook endpoints that a job was given up.",
        move |job| run(store.clone(), job),
    );
    handler.announce_dead = false;
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let payload: DeadJobPayload = job.read()?;
    let mut transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
    webhook::announce_dead_job(&mut transaction, payload.job_id).await?;
    transaction.commit().await?;
    Ok(())
}
