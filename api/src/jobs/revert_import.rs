//! Takes an import back, some documents at a time.
//!
//! **Safe to run again**: every batch is one transaction that takes documents back, says so in the
//! report and moves on how far that is, and begins by making sure that nobody else has moved on. A run
//! that is cut off has taken back whole batches, and the next one goes on after them; a second run
//! finds nothing to do.

use std::time::Duration;

use crate::domain::import::{JobPayload, REVERT_JOB_KIND, RunStatus, revert_batch};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(REVERT_JOB_KIND, "Takes imports back.", move |job| {
        run(store.clone(), job)
    });
    // As often as workers come and go: a run that stays half taken back would help nobody.
    handler.max_attempts = 1_000;
    handler.time_limit = Duration::from_secs(24 * 60 * 60);
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let JobPayload { run_id } = job.read()?;
    while let Some(run) = revert_batch(&store, run_id).await? {
        job.progress(run.reverted, Some(run.counts.documents()));
        if run.status == RunStatus::Reverted {
            break;
        }
    }
    Ok(())
}
