//! Users, and what they sign in with.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::actor::Actor;
use crate::domain::api_token;
use crate::domain::error::Error;
use crate::domain::page::PageRequest;
use crate::domain::permission::{self, Action, Role};
use crate::domain::session;
use crate::domain::user;
use crate::graphql::context::{permit, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::api_token::ApiTokenConnection;
use crate::graphql::types::session::Session;
use crate::graphql::types::user::{User, UserConnection};

/// Users, and what they sign in with.
#[derive(Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Who is signed in, or for whom the token acts.
    async fn me(&self, context: &Context<'_>) -> Result<User> {
        let me = async {
            let id = oneself(context, Action::ReadSelf)?;
            let found = user::find(reader(context), &[id]).await?.pop();
            found.ok_or(Error::SignInRequired)
        };
        Ok(me.await.or_graphql_error(context)?.into())
    }

    /// The sessions of whoever is signed in that go on, the newest first.
    async fn sessions(&self, context: &Context<'_>) -> Result<Vec<Session>> {
        let request = request(context);
        let current = match request.caller.actor {
            Actor::User { session_id, .. } => Some(session_id),
            _ => None,
        };
        let sessions = async {
            let id = oneself(context, Action::ReadSelf)?;
            session::list(reader(context), request.store.clock.now(), id).await
        };
        let sessions = sessions.await.or_graphql_error(context)?.into_iter();
        Ok(sessions
            .map(|session| Session::new(session, current))
            .collect())
    }

    /// One user, or null.
    async fn user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Their id.")] id: ID,
    ) -> Result<Option<User>> {
        permit(context, Action::ReadUsers)?;
        let id = NodeType::User.key(&id).or_graphql_error(context)?;
        let found = user::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(User))
    }

    /// Everybody who may sign in, or could, the newest first.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first so many, 20 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<UserConnection> {
        permit(context, Action::ReadUsers)?;
        let page = async {
            let request = PageRequest::new(first, after, last, before, None)?;
            user::list(reader(context), &request).await
        };
        let page = page.await.or_graphql_error(context)?;
        Ok(UserConnection::new(page, user::Everybody))
    }

    /// The API tokens of whoever is signed in, the newest first, revoked ones too; to an admin those
    /// of everybody.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    async fn api_tokens(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The first so many, 20 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<ApiTokenConnection> {
        let page = async {
            let own = oneself(context, Action::ManageOwnTokens)?;
            let owner = match request(context).caller.actor {
                Actor::User {
                    role: Role::Admin, ..
                } => None,
                _ => Some(own),
            };
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = api_token::list(reader(context), owner, &request).await?;
            Ok::<_, Error>((page, owner))
        };
        let (page, owner) = page.await.or_graphql_error(context)?;
        Ok(ApiTokenConnection::new(page, owner))
    }
}

/// The user who asks, if they may do this.
fn oneself(context: &Context<'_>, action: Action) -> Result<i64, Error> {
    let actor = request(context).caller.actor;
    permission::check(actor, action)?;
    actor.user_id().ok_or(Error::SignInRequired)
}
