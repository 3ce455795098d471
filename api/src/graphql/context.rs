//! What resolvers of one request share.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};

use super::loader::Loaders;
use crate::domain::actor::Caller;
use crate::domain::perspective::Reader;
use crate::domain::transaction::Store;

/// What resolvers of one request share.
pub struct RequestContext {
    /// Who asks, and the request's id, which is in its response and in the log.
    pub caller: Caller,
    /// Where changes are made.
    pub store: Store,
    /// Reads through the request's perspective.
    pub reader: Arc<Reader>,
    /// Gathers look-ups of nested fields into one each.
    pub loaders: DataLoader<Loaders>,
}

impl RequestContext {
    /// The context of one request.
    pub fn new(store: Store, caller: Caller, reader: Arc<Reader>) -> Self {
        let loaders = Loaders {
            reader: Arc::clone(&reader),
            actor: caller.actor,
        };
        Self {
            caller,
            store,
            reader,
            loaders: DataLoader::new(loaders, TokioSpawner::current(), TokioTimer::default())
                .delay(std::time::Duration::ZERO),
        }
    }
}

/// The public site that the content is for.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it is, without a slash at the end, e.g. `https://example.org`.
    pub url: String,
}

/// The request.
pub(super) fn request<'context>(context: &Context<'context>) -> &'context RequestContext {
    context.data_unchecked::<RequestContext>()
}

/// The request's reader.
pub(super) fn reader<'context>(context: &Context<'context>) -> &'context Reader {
    &request(context).reader
}

/// The request's loaders.
pub(super) fn loaders<'context>(context: &Context<'context>) -> &'context DataLoader<Loaders> {
    &request(context).loaders
}
