//! Carries out an import whose files are kept in the database.
//!
//! **Safe to run again**: every batch is one transaction that writes its posts, its part of the report
//! and how far the run is, and begins by making sure that the run is where this attempt believes it to
//! be. A run that is cut off has taken in whole batches; the next attempt goes on after the last of
//! them, and counts and report are those of one clean run. A second run of a job whose import is at
//! its end, or was cancelled, finds nothing to do.
//!
//! A worker that is killed costs the run no attempt of its own: a run gives up when ten attempts have
//! failed one after the other without a document getting in, and can be resumed then.

use std::time::Duration;

use crate::domain::import::{self, JOB_KIND, JobPayload, RunStatus};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};
use crate::transfer::import::{ImportEvent, carry_out};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        JOB_KIND,
        "Carries out imports whose files are kept in the database.",
        move |job| run(store.clone(), job),
    );
    // The run itself counts what fails; workers may come and go as often as they like.
    handler.max_attempts = 100_000;
    handler.time_limit = Duration::from_secs(24 * 60 * 60);
    // Two imports at once would only wait for each other's posts.
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let JobPayload { run_id } = job.read()?;
    // Again while the run is not where this attempt believed it to be: a commit may have gone through
    // whose answer was lost.
    while let Some(run) = import::start(&store, run_id).await? {
        let mut tell = |event| {
            if let ImportEvent::Progress { bytes, .. } = event {
                job.progress(bytes, run.total_bytes);
            }
        };
        let report = match carry_out(&store, &run, &job.cancelled, &mut tell).await {
            Ok(report) => report,
            Err(error) => {
                let reason = error.to_string();
                return Err(match import::fail(&store, run_id, &reason).await? {
                    Some(wait) => JobError::new(reason).retry_after(wait),
                    None => JobError::give_up(reason),
                });
            }
        };
        if report.status == RunStatus::Finished {
            let counts = report.counts;
            job.log(format!(
                "{} created, {} updated, {} skipped, {} in conflict, {} failed",
                counts.created, counts.updated, counts.skipped, counts.conflicted, counts.failed
            ));
            import::drop_files(&store, run_id).await?;
        }
    }
    if import::is_cancelled(&store, run_id).await? {
        job.call_off();
    }
    Ok(())
}
