//! Ticks of checklist items.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared};
use crate::domain::error::Error;
use crate::domain::post::{self, Tick};

/// The ticks of a post, as far as somebody may see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct TicksKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<TicksKey> for Loaders {
    type Value = Arc<Vec<Tick>>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[TicksKey]) -> Shared<HashMap<TicksKey, Arc<Vec<Tick>>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = post::ticks(&self.reader, self.actor, &ids).await?;
        let shared = found.into_iter();
        Ok(shared
            .map(|(id, ticks)| (TicksKey(id), Arc::new(ticks)))
            .collect())
    }
}
