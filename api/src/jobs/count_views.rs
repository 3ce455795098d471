//! Adds views to the counts of posts, and forgets the days that are over.
//!
//! **Safe to run again**: a view is marked as counted in the transaction that adds it to its post,
//! so it is added once, however often this runs and wherever it is cut off. What a run that was cut
//! off left uncounted, the next one counts. Only what is counted is forgotten.

use crate::domain::actor::Actor;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::domain::view::{self, Counted};
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        view::JOB_KIND,
        "Adds views to the counts of posts, and forgets the days that are over.",
        move |job| run(store.clone(), job),
    );
    handler.max_running = Some(1);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let mut all = Counted::default();
    loop {
        let transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
        let counted = view::count(&transaction).await?;
        transaction.commit().await?;
        if counted == Counted::default() {
            break;
        }
        all.views += counted.views;
        all.posts += counted.posts;
    }
    let mut forgotten = 0;
    loop {
        let transaction = Transaction::begin(&store, Actor::Worker, Action::Maintain).await?;
        let some = view::forget_past_days(&transaction).await?;
        transaction.commit().await?;
        if some == 0 {
            break;
        }
        forgotten += some;
    }
    if all.views + forgotten > 0 {
        let Counted { views, posts } = all;
        job.log(format!(
            "counted {views} views of {posts} posts; forgot {forgotten} of days that are over"
        ));
    }
    Ok(())
}
