//! Deletes what nobody needs any more, night after night.
//!
//! **Safe to run again**: a step deletes what is too old at that moment, in transactions of their
//! own; a second run finds nothing of it. A run that is cut off has deleted a part, and the next one
//! deletes the rest.

use std::time::Duration;

use crate::domain::purge::{self, Step, purge};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        purge::JOB_KIND,
        "Deletes what nobody needs any more: ended sessions, jobs that are over, trash past its days.",
        move |job| run(store.clone(), job),
    );
    handler.time_limit = Duration::from_secs(3_600);
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let mut failed = Vec::new();
    for step in Step::ALL {
        let what = step.what();
        match purge(&store, step).await {
            Ok(0) => {}
            Ok(deleted) => job.log(format!("deleted {deleted} {what}")),
            Err(error) => {
                job.log(format!("could not delete {what}: {error}"));
                failed.push(what);
            }
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(JobError::new(format!(
            "could not delete {}; the rest is done",
            failed.join(", ")
        ))),
    }
}
