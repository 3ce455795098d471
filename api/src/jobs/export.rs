//! Writes the file of an export into the database.
//!
//! **Safe to run again**: every piece is one transaction that adds it, says how far the export is, and
//! begins by making sure that the export is where this attempt believes it to be. A run that is cut off
//! has written whole pieces, and the next one goes on after them; a second run of an export that is at
//! its end finds nothing to do.

use std::time::Duration;

use crate::domain::export::{self, JOB_KIND, JobPayload};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};
use crate::transfer::export::to_database;

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(JOB_KIND, "Writes the files of exports.", move |job| {
        run(store.clone(), job)
    });
    // The export itself counts what fails; workers may come and go as often as they like.
    handler.max_attempts = 100_000;
    handler.time_limit = Duration::from_secs(6 * 60 * 60);
    handler.max_running = Some(2);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let JobPayload { export_id } = job.read()?;
    // Again while it is not where this attempt believed it to be: a commit may have gone through whose
    // answer was lost.
    while let Some(run) = export::begin(&store, export_id).await? {
        let total = run.total_posts.and_then(|total| u64::try_from(total).ok());
        let mut tell = |posts: i64| job.progress(u64::try_from(posts).unwrap_or_default(), total);
        match to_database(&store, run, &mut tell).await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => {
                let reason = error.to_string();
                return Err(match export::fail(&store, export_id, &reason).await? {
                    Some(wait) => JobError::new(reason).retry_after(wait),
                    None => JobError::give_up(reason),
                });
            }
        }
    }
    Ok(())
}
