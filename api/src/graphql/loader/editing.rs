//! What editors see of posts.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared, grouped};
use crate::domain::error::Error;
use crate::domain::post::{self, Autosave, Editing};

/// What editors see of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct EditingKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<EditingKey> for Loaders {
    type Value = Editing;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[EditingKey]) -> Shared<HashMap<EditingKey, Editing>> {
        let ids: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let found = post::editing(&self.reader, &ids).await?.into_iter();
        Ok(found
            .map(|(id, editing)| (EditingKey(id), editing))
            .collect())
    }
}

/// The unfinished change that a user has of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct AutosaveKey {
    pub(in crate::graphql) user_id: i64,
    pub(in crate::graphql) post_id: i64,
}

#[async_graphql::async_trait::async_trait]
impl Loader<AutosaveKey> for Loaders {
    type Value = Autosave;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[AutosaveKey]) -> Shared<HashMap<AutosaveKey, Autosave>> {
        let mut found = HashMap::new();
        for (user_id, ids) in grouped(keys, |key| (key.user_id, key.post_id)) {
            let autosaves = post::autosaves(&self.reader, user_id, &ids).await?;
            let key = |post_id| AutosaveKey { user_id, post_id };
            found.extend(autosaves.into_iter().map(|(id, value)| (key(id), value)));
        }
        Ok(found)
    }
}
