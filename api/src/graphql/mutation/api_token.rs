//! API tokens.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::{Outcome, change};
use crate::domain::actor::Actor;
use crate::domain::api_token::{self, NewApiToken};
use crate::domain::error::Error;
use crate::domain::permission::{Action, Role};
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::api_token::{ApiTokenPayload, Scope};
use crate::graphql::types::time::check_time;

/// API tokens.
#[derive(Default)]
pub struct ApiTokenMutation;

/// A token to be.
#[derive(InputObject)]
pub struct CreateApiTokenInput {
    /// What it is for, e.g. `nightly import`.
    pub name: String,
    /// What it may do, as far as its user may.
    pub scopes: Vec<Scope>,
    /// When it stops being good; not by itself when absent.
    #[graphql(validator(custom = "check_time"))]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which token is revoked.
#[derive(InputObject)]
pub struct RevokeApiTokenInput {
    /// The token.
    pub id: ID,
}

#[Object]
impl ApiTokenMutation {
    /// Makes a token that acts for whoever is signed in. It is shown this once.
    async fn create_api_token(
        &self,
        context: &Context<'_>,
        input: CreateApiTokenInput,
    ) -> Result<ApiTokenPayload> {
        let outcome = change(
            context,
            Action::ManageOwnTokens,
            None,
            async |transaction| {
                let user_id = transaction.actor().user_id().ok_or(Error::SignInRequired)?;
                let new = NewApiToken {
                    user_id,
                    name: input.name,
                    scopes: input.scopes.into_iter().map(Into::into).collect(),
                    expires_at: input.expires_at,
                };
                let (id, secret) = api_token::create(transaction, new).await?;
                Ok((id, Some(secret)))
            },
        );
        payload(context, outcome.await?).await
    }

    /// Revokes a token, at once. An admin may revoke those of others.
    async fn revoke_api_token(
        &self,
        context: &Context<'_>,
        input: RevokeApiTokenInput,
    ) -> Result<ApiTokenPayload> {
        let outcome = change(
            context,
            Action::ManageOwnTokens,
            None,
            async |transaction| {
                let id = NodeType::ApiToken.key(&input.id)?;
                let owner = match transaction.actor() {
                    Actor::User {
                        role: Role::Admin, ..
                    } => None,
                    actor => Some(actor.user_id().ok_or(Error::SignInRequired)?),
                };
                api_token::revoke(transaction, id, owner).await?;
                Ok((id, None))
            },
        );
        payload(context, outcome.await?).await
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome<(i64, Option<String>)>,
) -> Result<ApiTokenPayload> {
    let (id, secret) = match outcome {
        Ok(outcome) => outcome,
        Err(user_errors) => {
            return Ok(ApiTokenPayload {
                user_errors,
                ..ApiTokenPayload::default()
            });
        }
    };
    let found = api_token::find(reader(context), id).await;
    Ok(ApiTokenPayload {
        api_token: found.or_graphql_error(context)?.map(Into::into),
        secret,
        user_errors: Vec::new(),
    })
}
