//! What background jobs do, one file a kind. A job's name, payload and unique key stand beside the
//! domain verb that asks for it.

mod announce_dead_job;
mod assess_scores;
mod count_views;
mod deliver_webhook;
mod export;
mod import;
mod purge;
mod render_feeds;
mod repair_search_index;
mod revert_import;
mod scheduled_post;
mod ship_release;
mod similar_posts;

use crate::domain::transaction::Store;
use crate::queue::Handler;

/// The handlers of all kinds, for a worker.
pub fn handlers(store: &Store) -> Vec<Handler> {
    vec![
        announce_dead_job::handler(store.clone()),
        assess_scores::handler(store.clone()),
        count_views::handler(store.clone()),
        deliver_webhook::handler(store.clone()),
        purge::handler(store.clone()),
        render_feeds::handler(store.clone()),
        repair_search_index::handler(store.clone()),
        export::handler(store.clone()),
        import::handler(store.clone()),
        revert_import::handler(store.clone()),
        scheduled_post::handler(store.clone()),
        ship_release::handler(store.clone()),
        similar_posts::handler(store.clone()),
    ]
}

/// The handlers of what is scheduled for a time that people look at the clock for. Such jobs are
/// quick, and a worker that knows no others is never busy with something long.
pub fn punctual_handlers(store: &Store) -> Vec<Handler> {
    vec![
        scheduled_post::handler(store.clone()),
        ship_release::handler(store.clone()),
    ]
}
