//! Has the rubric assess live posts that changed, and lets freshness decay.
//!
//! **Safe to run again**: what is due is worked out from what is live and from the newest
//! assessment, and written only while both are still the same. After that nothing is due any more,
//! so a second run on the same day writes nothing. A run that is cut off has done some posts, each
//! in whole, and the next one does the others.

use std::time::Duration;

use crate::domain::score::{self, JobPayload, Renewed};
use crate::domain::transaction::Store;
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        score::JOB_KIND,
        "Has the rubric assess live posts that changed, and lets freshness decay.",
        move |job| run(store.clone(), job),
    );
    handler.time_limit = Duration::from_secs(3_600);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let JobPayload { post_ids } = job.read()?;
    let mut all = Renewed::default();
    if let Some(post_ids) = post_ids {
        add(&mut all, score::renew(&store, &post_ids).await?);
    } else {
        let mut next = Some(0);
        while let Some(after) = next {
            let (some, last) = score::renew_from(&store, after).await?;
            add(&mut all, some);
            job.progress(all.looked_at, None);
            next = last.filter(|_| !job.cancelled.is_cancelled());
        }
    }
    let Renewed {
        looked_at,
        assessed,
        decayed,
    } = all;
    job.log(format!(
        "looked at {looked_at} posts: assessed {assessed}, let the freshness of {decayed} decay"
    ));
    Ok(())
}

fn add(all: &mut Renewed, some: Renewed) {
    all.looked_at += some.looked_at;
    all.assessed += some.assessed;
    all.decayed += some.decayed;
}
