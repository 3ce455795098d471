//! Looks for what an operator should know, and tells webhook endpoints when that changes.
//!
//! **Safe to run again**: an alarm is told by whoever writes, in the same transaction, that it is
//! raised or over. A second run finds that written and tells nothing; a run that is cut off has
//! written and told nothing.

use std::time::Duration;

use crate::domain::status;
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let purpose = "Looks for alarms, and tells webhook endpoints when one is raised or over.";
    let mut handler = Handler::new(status::JOB_KIND, purpose, move |job| {
        run(store.clone(), job)
    });
    handler.time_limit = Duration::from_secs(30);
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let changes = status::check(&store).await?;
    for code in changes.raised {
        job.log(format!("{code} is raised"));
    }
    for code in changes.cleared {
        job.log(format!("{code} is over"));
    }
    Ok(())
}
