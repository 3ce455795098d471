//! Whose connection it is.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::close::Close;
use super::outbox::Outbox;
use crate::domain::actor::{Actor, Caller};
use crate::domain::authentication;
use crate::domain::error::{Error, Result};
use crate::domain::permission;
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::database::StatementCount;
use crate::graphql::context::RequestContext;
use crate::graphql::perspective;
use crate::http::Server;
use crate::http::authenticate::{self, Origin};
use crate::http::rate_limit::{Client, GUESS_COST};

/// How often the credential of a silent connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What a client says of itself when it connects.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Introduction {
    /// `Bearer` and a token, as in the header of the same name.
    authorization: Option<String>,
    /// As in the header `X-Alphanode-Perspective`; what is published when absent.
    perspective: Option<String>,
}

/// Whose connection it is, and what they see.
pub(super) struct Session {
    pub(super) server: Arc<Server>,
    caller: Caller,
    perspective: Perspective,
    /// The token that it was opened with.
    bearer: Option<String>,
}

impl Session {
    /// Works out who connects and what they see.
    pub(super) async fn begin(
        server: Arc<Server>,
        origin: Origin,
        payload: Map<String, Value>,
    ) -> Result<Self, Close> {
        let introduction: Introduction = serde_json::from_value(payload.into())
            .map_err(|error| Close::BadMessage(error.to_string()))?;
        let bearer = introduction.authorization.as_deref().map(|value| {
            let token = value.strip_prefix("Bearer ").unwrap_or(value);
            token.trim().to_owned()
        });
        let perspective = introduction.perspective.as_deref();
        let (request_id, address) = (origin.request_id.clone(), origin.address);
        let begun = async {
            let perspective = perspective.map_or(Ok(Perspective::Published), perspective::parse)?;
            let actor = who(&server, bearer.as_deref()).await?;
            permission::may_see(actor, perspective)?;
            Ok((actor, perspective))
        };
        let (actor, perspective) = begun.await.map_err(|error| {
            if let Error::BadCredential(_) = error {
                // Whoever guesses on is not let in any more: that costs points, too.
                let _ = server.rate_limits.spend(Client::at(address), GUESS_COST);
            }
            to_close(&error, &request_id)
        })?;
        Ok(Self {
            caller: origin.into_caller(actor),
            server,
            perspective,
            bearer,
        })
    }

    /// What resolvers of one subscription share.
    pub(super) fn context(&self) -> RequestContext {
        let store = self.server.store.clone();
        let reader = Reader::new(store.database.clone(), self.perspective);
        RequestContext::new(store, self.caller.clone(), Arc::new(reader))
    }

    /// Spends points of whoever it is.
    #[allow(
        clippy::result_large_err,
        reason = "one a subscription, on its way out"
    )]
    pub(super) fn spend(&self, cost: u32) -> Result<(), ServerError> {
        let client = Client::of(self.caller.actor, self.caller.address);
        match self.server.rate_limits.spend(client, cost) {
            Ok(_) => Ok(()),
            Err(too_many) => Err(too_many.refusal().1),
        }
    }

    /// The request that the connection began with, for the log.
    pub(super) fn request_id(&self) -> &str {
        self.caller.request_id.as_deref().unwrap_or_default()
    }

    /// Makes sure that the credential is as good as it was.
    ///
    /// # Errors
    ///
    /// [`Error::BadCredential`] when it is not.
    pub(super) async fn look_again(&self) -> Result<()> {
        let actor = who(&self.server, self.bearer.as_deref()).await?;
        if actor == self.caller.actor {
            return Ok(());
        }
        let message = "what you may do has changed; connect again";
        Err(Error::BadCredential(message.into()))
    }

    /// Looks at the credential again and again, and has the connection closed when it is no longer
    /// good. While that can't be found out the connection stays: it is told nothing either.
    pub(super) async fn watch(self: Arc<Self>, outbox: Outbox) {
        while self.bearer.is_some() {
            tokio::time::sleep(LOOK_EVERY).await;
            match self.look_again().await {
                Err(error) if is_refusal(&error) => {
                    return outbox.close(Close::Forbidden(error.to_string()));
                }
                Err(error) => tracing::warn!(%error, "a credential could not be looked at again"),
                Ok(()) => {}
            }
        }
    }
}

async fn who(server: &Server, bearer: Option<&str>) -> Result<Actor> {
    match bearer {
        None => Ok(Actor::Anonymous),
        Some(bearer) => {
            let cost = StatementCount::default();
            authentication::authenticate(&server.store, &server.keys, bearer, &cost).await
        }
    }
}

/// Whether the error says that somebody may not go on, and not that nobody can tell.
pub(super) fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::SignInRequired | Error::BadCredential(_) | Error::Forbidden(_)
    )
}

/// How a connection is closed because of an error, our own masked and logged.
fn to_close(error: &Error, request_id: &str) -> Close {
    match error {
        Error::BadArgument(why) => Close::BadMessage(why.clone()),
        error if is_refusal(error) => Close::Forbidden(error.to_string()),
        error => {
            authenticate::refuse(error, request_id);
            Close::Fault(request_id.to_owned())
        }
    }
}
