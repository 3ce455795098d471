//! Managing users, and the links that let them in.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::session::{session_payload, user_payload};
use super::{Outcome, change, outcome_of};
use crate::domain::one_time_link::{self, Follow, NewLink};
use crate::domain::permission::Action;
use crate::domain::user::{self, NewUser, UserChange};
use crate::graphql::context::{Links, keys, passwords, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::payload::{UserLinkPayload, UserPayload};
use crate::graphql::types::session::{RefreshTokenPlace, SessionPayload};
use crate::graphql::types::user::{Role, User};

/// Managing users.
#[derive(Default)]
pub struct UserMutation;

/// A user to be.
#[derive(InputObject)]
pub struct InviteUserInput {
    /// The address they will sign in with. Nothing is sent there.
    pub email: String,
    /// What others will see.
    pub name: String,
    /// What they are trusted with.
    pub role: Role,
}

/// Whom the link is for.
#[derive(InputObject)]
pub struct CreatePasswordResetLinkInput {
    /// The user.
    pub id: ID,
}

/// What about a user should change. What is absent is left alone.
#[derive(InputObject)]
pub struct UpdateUserInput {
    /// The user.
    pub id: ID,
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether they are shut out: their sessions end at once, and their tokens are of no use.
    pub disabled: Option<bool>,
}

/// What somebody who follows a link says.
#[derive(InputObject)]
pub struct FollowLinkInput {
    /// The last part of the link.
    pub token: String,
    /// The password they choose: 12 to 200 characters.
    pub password: String,
    /// Their address; for the first admin only, the others have one.
    pub email: Option<String>,
    /// Their name; for the first admin only, the others have one.
    pub name: Option<String>,
    /// Where the refresh token goes.
    #[graphql(default)]
    pub refresh_token_in: RefreshTokenPlace,
}

#[Object]
impl UserMutation {
    /// Adds a user and makes the link by which they choose a password and come in. It is good for a
    /// week.
    async fn invite_user(
        &self,
        context: &Context<'_>,
        input: InviteUserInput,
    ) -> Result<UserLinkPayload> {
        let outcome = change(context, Action::ManageUsers, None, async |transaction| {
            let new = NewUser {
                email: input.email,
                name: input.name,
                role: input.role.into(),
            };
            one_time_link::invite(transaction, new).await
        });
        link_payload(context, outcome.await?).await
    }

    /// Makes a link by which a user chooses another password. It is good for a day; links made
    /// before are void.
    async fn create_password_reset_link(
        &self,
        context: &Context<'_>,
        input: CreatePasswordResetLinkInput,
    ) -> Result<UserLinkPayload> {
        let outcome = change(context, Action::ManageUsers, None, async |transaction| {
            let user_id = NodeType::User.key(&input.id)?;
            one_time_link::reset(transaction, user_id).await
        });
        link_payload(context, outcome.await?).await
    }

    /// Changes a user's name or role, shuts them out, or lets them in again. There is always an
    /// admin left.
    async fn update_user(
        &self,
        context: &Context<'_>,
        input: UpdateUserInput,
    ) -> Result<UserPayload> {
        let outcome = change(context, Action::ManageUsers, None, async |transaction| {
            let user_id = NodeType::User.key(&input.id)?;
            let change = UserChange {
                name: input.name,
                role: input.role.map(Into::into),
                disabled: input.disabled,
            };
            user::update(transaction, user_id, change).await?;
            Ok(user_id)
        });
        user_payload(context, outcome.await?).await
    }

    /// Follows a one-time link: gives its user the password, ends what sessions they had, and signs
    /// them in.
    async fn follow_link(
        &self,
        context: &Context<'_>,
        input: FollowLinkInput,
    ) -> Result<SessionPayload> {
        let request = request(context);
        let place = input.refresh_token_in;
        let follow = Follow {
            token: input.token,
            password: input.password,
            email: input.email,
            name: input.name,
            user_agent: request.client.user_agent.clone(),
        };
        let caller = request.caller.clone();
        let (keys, passwords) = (keys(context), passwords(context));
        let followed = one_time_link::follow(&request.store, keys, passwords, caller, follow).await;
        let outcome = outcome_of(context, followed)?;
        Ok(session_payload(context, outcome, place))
    }
}

async fn link_payload(context: &Context<'_>, outcome: Outcome<NewLink>) -> Result<UserLinkPayload> {
    let link = match outcome {
        Ok(link) => link,
        Err(user_errors) => {
            return Ok(UserLinkPayload {
                user_errors,
                ..UserLinkPayload::default()
            });
        }
    };
    let ids: Vec<i64> = link.user_id.into_iter().collect();
    let found = user::find(reader(context), &ids).await;
    let links = context.data_unchecked::<Links>();
    Ok(UserLinkPayload {
        user: found.or_graphql_error(context)?.pop().map(User),
        link: Some(links.one_time(&link.token)),
        expires_at: Some(link.expires_at),
        user_errors: Vec::new(),
    })
}
