//! Loaders: look-ups of nested fields, gathered so that a page costs as many statements as a row.

mod editing;
mod job;
mod post;
mod release;
mod revision;
mod score;
mod similar_post;
mod term;
mod tick;
mod turn;
mod user;
mod webhook;

use std::sync::Arc;

pub(super) use editing::{AutosaveKey, EditingKey};
pub(super) use job::{AttemptsKey, ImportJobKey, JobKey};
pub(super) use post::{PostKey, PostListKey, PostListShape};
pub(super) use release::ReleaseItemsKey;
pub(super) use revision::{ContentKey, RevisionKey, RevisionsKey, TransitionsKey};
pub(super) use score::AssessmentsKey;
pub(super) use similar_post::SimilarPostsKey;
pub(super) use term::PostCountKey;
pub(super) use tick::TicksKey;
pub use turn::Turn;
pub(super) use user::UserKey;
pub(super) use webhook::{WebhookAttemptsKey, WebhookBodyKey, WebhookEndpointKey};

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::domain::perspective::Reader;

/// Reads for every loader of a request.
pub struct Loaders {
    pub(super) reader: Arc<Reader>,
    /// Who asks: some of what is loaded is not for everybody.
    pub(super) actor: Actor,
}

/// An error that several waiting fields share.
pub(super) type Shared<T> = Result<T, Arc<Error>>;

/// Groups keys by what one statement can answer together.
fn grouped<K, G, V>(keys: &[K], split: impl Fn(&K) -> (G, V)) -> Vec<(G, Vec<V>)>
where
    G: PartialEq,
{
    let mut groups: Vec<(G, Vec<V>)> = Vec::new();
    for key in keys {
        let (group, value) = split(key);
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, values)) => values.push(value),
            None => groups.push((group, vec![value])),
        }
    }
    groups
}
