//! Revisions of posts, and their steps.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::post::{self, Content, Revision, Transition};

/// A revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct RevisionKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<RevisionKey> for Loaders {
    type Value = Revision;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[RevisionKey]) -> Shared<HashMap<RevisionKey, Revision>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = post::find_revisions(&self.reader, &ids).await?;
        Ok(found
            .into_iter()
            .map(|revision| (RevisionKey(revision.id), revision))
            .collect())
    }
}

/// The newest revisions of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct RevisionsKey {
    pub(in crate::graphql) post_id: i64,
    pub(in crate::graphql) limit: u32,
}

#[async_graphql::async_trait::async_trait]
impl Loader<RevisionsKey> for Loaders {
    type Value = Vec<Revision>;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[RevisionsKey]) -> Shared<HashMap<RevisionsKey, Vec<Revision>>> {
        let mut found = HashMap::new();
        for (limit, ids) in grouped(keys, |key| (key.limit, key.post_id)) {
            let revisions = post::revisions(&self.reader, &ids, limit).await?;
            let key = |post_id| RevisionsKey { post_id, limit };
            found.extend(revisions.into_iter().map(|(id, list)| (key(id), list)));
        }
        Ok(found)
    }
}

/// The steps of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct TransitionsKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<TransitionsKey> for Loaders {
    type Value = Vec<Transition>;
    type Error = Arc<Error>;

    async fn load(
        &self,
        keys: &[TransitionsKey],
    ) -> Shared<HashMap<TransitionsKey, Vec<Transition>>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = post::transitions(&self.reader, &ids).await?;
        Ok(found
            .into_iter()
            .map(|(id, list)| (TransitionsKey(id), list))
            .collect())
    }
}

/// What a revision says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct ContentKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<ContentKey> for Loaders {
    type Value = Content;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[ContentKey]) -> Shared<HashMap<ContentKey, Content>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = post::contents(&self.reader, &ids).await?.into_iter();
        Ok(found
            .map(|(id, content)| (ContentKey(id), content))
            .collect())
    }
}
