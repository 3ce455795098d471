//! What resolvers of one request share.

use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};

use super::loader::Loaders;
use crate::domain::perspective::Reader;

/// What resolvers of one request share.
pub struct RequestContext {
    /// The request's id, in its response and in the log.
    pub request_id: String,
    /// Reads through the request's perspective.
    pub reader: Arc<Reader>,
    /// Gathers look-ups of nested fields into one each.
    pub loaders: DataLoader<Loaders>,
}

impl RequestContext {
    /// The context of one request.
    pub fn new(request_id: String, reader: Arc<Reader>) -> Self {
        let loaders = Loaders {
            reader: Arc::clone(&reader),
        };
        Self {
            request_id,
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

/// The request's reader.
pub(super) fn reader<'context>(context: &Context<'context>) -> &'context Reader {
    &context.data_unchecked::<RequestContext>().reader
}

/// The request's loaders.
pub(super) fn loaders<'context>(context: &Context<'context>) -> &'context DataLoader<Loaders> {
    &context.data_unchecked::<RequestContext>().loaders
}
