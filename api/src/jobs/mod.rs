//! What background jobs do, one file a kind. A job's name, payload and unique key stand beside the
//! domain verb that asks for it.

mod announce_dead_job;
mod assess_scores;
mod check_alarms;
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

/// The handlers of all kinds.
pub fn handlers(store: &Store) -> Vec<Handler> {
    let mut all = general_handlers(store);
    all.extend(long_handlers(store));
    all
}

/// The handlers of all kinds but the long ones, for the workers of which there are several. Each of
/// their jobs is over soon, so that the next one has its turn.
pub fn general_handlers(store: &Store) -> Vec<Handler> {
    let mut general = vec![
        announce_dead_job::handler(store.clone()),
        assess_scores::handler(store.clone()),
        check_alarms::handler(store.clone()),
        count_views::handler(store.clone()),
        deliver_webhook::handler(store.clone()),
        purge::handler(store.clone()),
        render_feeds::handler(store.clone()),
        repair_search_index::handler(store.clone()),
        similar_posts::handler(store.clone()),
    ];
    general.extend(punctual_handlers(store));
    general
}

/// The handlers of what goes on for hours when there is much of it. A worker of its own runs such
/// jobs one after another, and everything else goes on meanwhile.
pub fn long_handlers(store: &Store) -> Vec<Handler> {
    vec![
        export::handler(store.clone()),
        import::handler(store.clone()),
        revert_import::handler(store.clone()),
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
