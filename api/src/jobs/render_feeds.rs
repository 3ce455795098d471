//! Renders feeds and sitemaps after something else is live.
//!
//! **Safe to run again**: every file is made from what is live at that moment and replaced as a
//! whole, or left alone when it says the same. A run that is cut off has replaced some files and not
//! yet others; each of them is whole, and the next run does the rest.

use std::time::Duration;

use crate::domain::feed;
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        feed::JOB_KIND,
        "Renders feeds and sitemaps after something else is live.",
        move |job| run(store.clone(), job),
    );
    handler.time_limit = Duration::from_secs(600);
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let rendered = feed::render(&store).await?;
    job.log(format!(
        "{} of {} files changed",
        rendered.changed, rendered.files
    ));
    Ok(())
}
