//! How many posts use a word.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::taxonomy::{self, Taxonomy};

/// The number of posts that use a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct PostCountKey {
    pub(in crate::graphql) taxonomy: Taxonomy,
    pub(in crate::graphql) term_id: i64,
}

#[async_graphql::async_trait::async_trait]
impl Loader<PostCountKey> for Loaders {
    type Value = i64;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[PostCountKey]) -> Shared<HashMap<PostCountKey, i64>> {
        let mut found = HashMap::new();
        for (taxonomy, ids) in grouped(keys, |key| (key.taxonomy, key.term_id)) {
            let counts = taxonomy::count_posts(&self.reader, taxonomy, &ids).await?;
            let key = |term_id| PostCountKey { taxonomy, term_id };
            found.extend(counts.into_iter().map(|(id, count)| (key(id), count)));
        }
        Ok(found)
    }
}
