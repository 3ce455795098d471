//! What background jobs do, one file a kind. A job's name, payload and unique key stand beside the
//! domain verb that asks for it.

mod export;
mod import;
mod revert_import;
mod scheduled_post;
mod ship_release;
mod similar_posts;

use crate::domain::transaction::Store;
use crate::queue::Handler;

/// The handlers of all kinds, for a worker.
pub fn handlers(store: &Store) -> Vec<Handler> {
    vec![
        export::handler(store.clone()),
        import::handler(store.clone()),
        revert_import::handler(store.clone()),
        scheduled_post::handler(store.clone()),
        ship_release::handler(store.clone()),
        similar_posts::handler(store.clone()),
    ]
}
