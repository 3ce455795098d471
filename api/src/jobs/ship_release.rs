//! Ships a release at the time it was scheduled for.
//!
//! **Safe to run again**: the release ships in one transaction, and only while it is scheduled for
//! the time that the job was made for. A run that is cut off has done nothing; a second run finds
//! the release shipped, moved, cancelled or deleted, and does nothing.

use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::release::{self, JobPayload};
use crate::domain::transaction::{Store, Transaction};
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        release::JOB_KIND,
        "Ships a release at the time it was scheduled for.",
        move |job| run(store.clone(), job),
    );
    // People rely on it: a database that is away for some hours must not end it.
    handler.max_attempts = 20;
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let payload: JobPayload = job.read()?;
    let mut transaction = Transaction::begin(&store, Actor::Worker, Action::ShipRelease).await?;
    release::ship_as_scheduled(&mut transaction, &payload).await?;
    transaction.commit().await?;
    Ok(())
}
