//! Computes the similar posts of posts that changed, and of their neighbours.
//!
//! **Safe to run again**: the lists of a post are computed from the live content as it is now and
//! replaced as a whole, so a second run writes what the first one wrote. A run that is cut off has
//! replaced the lists of some posts and not yet of others; each of them is whole. It enqueues
//! nothing, so it ends.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::actor::Actor;
use crate::domain::error;
use crate::domain::permission::Action;
use crate::domain::similar::{self, JobPayload};
use crate::domain::transaction::{Store, Transaction};
use crate::queue::{Handler, Job, JobError};

/// Posts in one transaction: few enough that nobody waits long for the write lock of SQLite.
const POSTS_A_TRANSACTION: usize = 50;

/// Neighbours of all the posts of one job: plenty for an edit, and a bound for a bulk load, whose
/// posts are mostly each other's neighbours.
const MOST_NEIGHBOURS: usize = 500;

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        similar::JOB_KIND,
        "Computes the similar posts of posts that changed, and of their neighbours.",
        move |job| run(store.clone(), job),
    );
    handler.time_limit = Duration::from_secs(600);
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let JobPayload { post_ids } = job.read()?;
    let neighbours = recompute(&store, &post_ids).await?;
    let mut seen: BTreeSet<i64> = post_ids.into_iter().collect();
    let neighbours: Vec<i64> = neighbours
        .into_iter()
        .filter(|post_id| seen.insert(*post_id))
        .take(MOST_NEIGHBOURS)
        .collect();
    recompute(&store, &neighbours).await?;
    Ok(())
}

async fn recompute(store: &Store, post_ids: &[i64]) -> error::Result<Vec<i64>> {
    let mut neighbours = Vec::new();
    for post_ids in post_ids.chunks(POSTS_A_TRANSACTION) {
        let transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
        neighbours.extend(similar::recompute(&transaction, post_ids).await?);
        transaction.commit().await?;
    }
    Ok(neighbours)
}
