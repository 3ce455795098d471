//! Signing in and out.

use async_graphql::{Context, InputObject, Object, Result};

use super::{Outcome, change, outcome_of};
use crate::domain::error::{Error, Problem, ProblemCode};
use crate::domain::permission::Action;
use crate::domain::session::{self, SignIn, SignedIn};
use crate::domain::user;
use crate::graphql::context::{keys, passwords, reader, refresh_cookie, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::types::payload::UserPayload;
use crate::graphql::types::session::{RefreshTokenPlace, SessionPayload};

/// Signing in and out.
#[derive(Default)]
pub struct SessionMutation;

/// Address and password.
#[derive(InputObject)]
pub struct SignInInput {
    /// The address.
    pub email: String,
    /// The password.
    pub password: String,
    /// Where the refresh token goes.
    #[graphql(default)]
    pub refresh_token_in: RefreshTokenPlace,
}

/// What to renew a session with.
#[derive(Default, InputObject)]
pub struct RefreshSessionInput {
    /// The refresh token; the one in the cookie when absent. The next one goes where this one came
    /// from.
    pub refresh_token: Option<String>,
}

/// The present password and the next.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The password as it is.
    pub current_password: String,
    /// The password as it should be: 12 to 200 characters.
    pub new_password: String,
}

#[Object]
impl SessionMutation {
    /// Signs in with address and password. After five wrong passwords an account waits, and after
    /// twenty an address does, each time twice as long, up to a quarter of an hour.
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SessionPayload> {
        let request = request(context);
        let sign_in = SignIn {
            email: input.email,
            password: input.password,
            user_agent: request.client.user_agent.clone(),
        };
        let caller = request.caller.clone();
        let (keys, passwords) = (keys(context), passwords(context));
        let signed_in = session::sign_in(&request.store, keys, passwords, caller, sign_in).await;
        let outcome = outcome_of(context, signed_in)?;
        Ok(session_payload(context, outcome, input.refresh_token_in))
    }

    /// Renews the session: answers a new access token and a new refresh token. A refresh token is
    /// good once; used twice, it ends the session. An access token that has expired may stay in the
    /// `Authorization` header.
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(default)] input: RefreshSessionInput,
    ) -> Result<SessionPayload> {
        let request = request(context);
        let (token, place) = match (&input.refresh_token, &request.client.refresh_token) {
            (Some(token), _) => (Some(token), RefreshTokenPlace::Payload),
            (None, token) => (token.as_ref(), RefreshTokenPlace::Cookie),
        };
        let refreshed = match token {
            Some(token) => {
                let caller = request.caller.clone();
                session::refresh(&request.store, keys(context), caller, token).await
            }
            None => Err(Error::from(Problem::new(
                ProblemCode::WrongCredentials,
                "refreshToken",
                "is missing, and there is no cookie either; sign in",
            ))),
        };
        let outcome = outcome_of(context, refreshed)?;
        if outcome.is_err() && place == RefreshTokenPlace::Cookie {
            forget_cookie(context);
        }
        Ok(session_payload(context, outcome, place))
    }

    /// Ends the session. Its tokens are of no use from now on.
    async fn sign_out(&self, context: &Context<'_>) -> Result<UserPayload> {
        let outcome = change(context, Action::SignOut, None, session::sign_out).await?;
        forget_cookie(context);
        user_payload(context, outcome).await
    }

    /// Ends every session of the user, this one too. API tokens are not sessions: revoke them by
    /// `revokeApiToken`.
    async fn sign_out_everywhere(&self, context: &Context<'_>) -> Result<UserPayload> {
        let verb = session::sign_out_everywhere;
        let outcome = change(context, Action::SignOut, None, verb).await?;
        forget_cookie(context);
        user_payload(context, outcome).await
    }

    /// Gives the user another password, and ends their other sessions.
    async fn change_password(
        &self,
        context: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<UserPayload> {
        let request = request(context);
        let changed = session::change_password(
            &request.store,
            passwords(context),
            request.caller.clone(),
            input.current_password,
            input.new_password,
        );
        let outcome = outcome_of(context, changed.await)?;
        user_payload(context, outcome).await
    }
}

/// Hands over the tokens of a session.
pub(super) fn session_payload(
    context: &Context<'_>,
    outcome: Outcome<SignedIn>,
    place: RefreshTokenPlace,
) -> SessionPayload {
    let signed_in = match outcome {
        Ok(signed_in) => signed_in,
        Err(user_errors) => {
            return SessionPayload {
                user_errors,
                ..SessionPayload::default()
            };
        }
    };
    let refresh_token = match place {
        RefreshTokenPlace::Payload => Some(signed_in.refresh_token),
        RefreshTokenPlace::Cookie => {
            let seconds = session::IDLE.num_seconds();
            set_cookie(context, &signed_in.refresh_token, seconds);
            None
        }
    };
    SessionPayload {
        access_token: Some(signed_in.access_token),
        expires_at: Some(signed_in.access_expires_at),
        refresh_token,
        user: Some(signed_in.user.into()),
        user_errors: Vec::new(),
    }
}

/// The user of an outcome as they are now.
pub(super) async fn user_payload(
    context: &Context<'_>,
    outcome: Outcome<i64>,
) -> Result<UserPayload> {
    let user_id = match outcome {
        Ok(user_id) => user_id,
        Err(user_errors) => {
            return Ok(UserPayload {
                user: None,
                user_errors,
            });
        }
    };
    let found = user::find(reader(context), &[user_id]).await;
    Ok(UserPayload {
        user: found.or_graphql_error(context)?.pop().map(Into::into),
        user_errors: Vec::new(),
    })
}

fn forget_cookie(context: &Context<'_>) {
    set_cookie(context, "", 0);
}

fn set_cookie(context: &Context<'_>, value: &str, seconds: i64) {
    context.append_http_header("set-cookie", refresh_cookie(value, seconds));
}
