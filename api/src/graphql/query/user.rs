//! Users.

use async_graphql::{Context, Object, Result};

use crate::domain::error::Error;
use crate::domain::permission::{self, Action};
use crate::domain::user;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::user::User;

/// Users.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Who is signed in, or for whom the token acts.
    async fn me(&self, context: &Context<'_>) -> Result<User> {
        let me = async {
            let actor = request(context).caller.actor;
            permission::check(actor, Action::ReadSelf)?;
            let id = actor.user_id().ok_or(Error::SignInRequired)?;
            let found = user::find(reader(context), &[id]).await?.pop();
            found.ok_or(Error::SignInRequired)
        };
        Ok(me.await.or_graphql_error(context)?.into())
    }
}
