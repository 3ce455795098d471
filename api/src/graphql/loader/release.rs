//! What releases hold.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::release::{self, ReleaseItem};

/// The first items of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct ReleaseItemsKey {
    pub(in crate::graphql) release_id: i64,
    pub(in crate::graphql) limit: u32,
}

#[async_graphql::async_trait::async_trait]
impl Loader<ReleaseItemsKey> for Loaders {
    type Value = Vec<ReleaseItem>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[ReleaseItemsKey],
    ) -> Shared<HashMap<ReleaseItemsKey, Vec<ReleaseItem>>> {
        let mut found = HashMap::new();
        for (limit, ids) in grouped(keys, |key| (key.limit, key.release_id)) {
            let items = release::items_of(&self.reader, &ids, limit).await?;
            let key = |release_id| ReleaseItemsKey { release_id, limit };
            found.extend(items.into_iter().map(|(id, list)| (key(id), list)));
        }
        Ok(found)
    }
}
