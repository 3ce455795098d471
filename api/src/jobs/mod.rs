//! What background jobs do, one file a kind. A job's name, payload and unique key stand beside the
//! domain verb that asks for it.

mod announce_dead_job;
mod deliver_webhook;
mod scheduled_post;
mod ship_release;
mod similar_posts;

use crate::domain::transaction::Store;
use crate::queue::Handler;

/// The handlers of all kinds, for a worker.
pub fn handlers(store: &Store) -> Vec<Handler> {
    vec![
        announce_dead_job::handler(store.clone()),
        deliver_webhook::handler(store.clone()),
        scheduled_post::handler(store.clone()),
        ship_release::handler(store.clone()),
        similar_posts::handler(store.clone()),
    ]
}
