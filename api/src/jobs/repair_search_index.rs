//! Finds contents that search does not know, or knows wrong, and mends that.
//!
//! **Safe to run again**: entries are made from their contents, which never change, and replaced as
//! a whole; what is right is left alone. A run that is cut off has mended some of them, and the next
//! one mends the rest.

use std::time::Duration;

use crate::domain::search_index::{self, Mended};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        search_index::JOB_KIND,
        "Finds contents that search does not know, or knows wrong, and mends that.",
        move |job| run(store.clone(), job),
    );
    handler.time_limit = Duration::from_secs(6 * 3_600);
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    // First, for entries can't be changed while the index disagrees with them.
    if search_index::check_index(&store).await? {
        job.log("the index disagreed with its entries and was built anew");
    }
    let orphans = search_index::delete_orphans(&store).await?;
    let mut all = Mended::default();
    let mut next = Some(0);
    while let Some(after) = next {
        let (some, last) = search_index::mend_from(&store, after).await?;
        all.looked_at += some.looked_at;
        all.missing += some.missing;
        all.wrong += some.wrong;
        job.progress(all.looked_at, None);
        next = last.filter(|_| !job.cancelled.is_cancelled());
    }
    search_index::optimise(&store).await?;
    let Mended {
        looked_at,
        missing,
        wrong,
    } = all;
    job.log(format!(
        "looked at {looked_at} contents: {missing} entries were missing, {wrong} wrong, \
         {orphans} had no content"
    ));
    Ok(())
}
