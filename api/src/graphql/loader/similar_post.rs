//! Posts that resemble a post.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::similar::{self, SimilarPost};

/// The posts that resemble a post most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct SimilarPostsKey {
    pub(in crate::graphql) post_id: i64,
    pub(in crate::graphql) limit: u16,
}

#[async_graphql::async_trait::async_trait]
impl Loader<SimilarPostsKey> for Loaders {
    type Value = Vec<SimilarPost>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[SimilarPostsKey],
    ) -> Shared<HashMap<SimilarPostsKey, Vec<SimilarPost>>> {
        let mut found: HashMap<SimilarPostsKey, Vec<SimilarPost>> = HashMap::new();
        for (limit, ids) in grouped(keys, |key| (key.limit, key.post_id)) {
            for similar in similar::of(&self.reader, &ids, limit).await? {
                let key = SimilarPostsKey {
                    post_id: similar.post_id,
                    limit,
                };
                found.entry(key).or_default().push(similar);
            }
        }
        Ok(found)
    }
}
