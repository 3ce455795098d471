//! Assessments of posts.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::post::{self, Assessment};

/// The newest assessments of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct AssessmentsKey {
    pub(in crate::graphql) post_id: i64,
    pub(in crate::graphql) limit: u32,
}

#[async_graphql::async_trait::async_trait]
impl Loader<AssessmentsKey> for Loaders {
    type Value = Vec<Assessment>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[AssessmentsKey],
    ) -> Shared<HashMap<AssessmentsKey, Vec<Assessment>>> {
        let mut found = HashMap::new();
        for (limit, ids) in grouped(keys, |key| (key.limit, key.post_id)) {
            let assessments = post::assessments(&self.reader, &ids, limit).await?;
            let key = |post_id| AssessmentsKey { post_id, limit };
            found.extend(assessments.into_iter().map(|(id, list)| (key(id), list)));
        }
        Ok(found)
    }
}
