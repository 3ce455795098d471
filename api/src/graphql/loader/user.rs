//! Users.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;

use super::{Loaders, Shared};
use crate::domain::error::Error;
use crate::domain::user::{self, User};

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::graphql) struct UserKey(pub(in crate::graphql) i64);

#[async_graphql::async_trait::async_trait]
impl Loader<UserKey> for Loaders {
    type Value = User;
    type Error = Arc<Error>;

    async fn load(&self, keys: &[UserKey]) -> Shared<HashMap<UserKey, User>> {
        let ids: Vec<i64> = keys.iter().map(|UserKey(id)| *id).collect();
        let users = user::find(&self.reader, &ids).await?;
        let users = users.into_iter();
        Ok(users.map(|user| (UserKey(user.id), user)).collect())
    }
}
