//! Who asks, and from where.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_graphql::ServerError;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use super::Server;
use super::request_log::RequestId;
use crate::domain::actor::{Actor, Caller};
use crate::domain::authentication::authenticate;
use crate::domain::error::Error;
use crate::foundation::database::StatementCount;
use crate::graphql::context::{Client, REFRESH_COOKIE};
use crate::graphql::limits::refusal;

/// Which request, and where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) request_id: String,
    pub(super) address: Option<IpAddr>,
}

impl Origin {
    /// The request as one of `actor`.
    pub(super) fn into_caller(self, actor: Actor) -> Caller {
        Caller {
            actor,
            request_id: Some(self.request_id),
            address: self.address,
        }
    }
}

impl FromRequestParts<Arc<Server>> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        server: &Arc<Server>,
    ) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        let id = parts.extensions.get::<RequestId>();
        Ok(Self {
            request_id: id.map(|RequestId(id)| id.clone()).unwrap_or_default(),
            address: peer.map(|peer| client_address(peer, &parts.headers, &server.trusted_proxies)),
        })
    }
}

/// The address of the client: the peer, or whom trusted proxies say that they speak for. Only what a
/// trusted proxy has added is believed; what stands before it anybody could have written.
fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let forwarded = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let mut client = peer;
    for address in forwarded.rev() {
        if !trusted.contains(&client) {
            break;
        }
        let Ok(address) = address.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

/// Who asks. A credential that is not good is refused, never overlooked.
pub(super) async fn caller(
    server: &Server,
    origin: Origin,
    headers: &HeaderMap,
    cost: &StatementCount,
) -> Result<Caller, (StatusCode, ServerError)> {
    let actor = match bearer(headers) {
        Ok(None) => Ok(Actor::Anonymous),
        Ok(Some(token)) => authenticate(&server.store, &server.keys, token, cost).await,
        Err(error) => Err(error),
    };
    match actor {
        Ok(actor) => Ok(origin.into_caller(actor)),
        Err(error) => Err(refuse(&error, &origin.request_id)),
    }
}

/// The status and the error of a request that may not be answered.
pub(super) fn refuse(error: &Error, request_id: &str) -> (StatusCode, ServerError) {
    let (status, code) = match error {
        Error::SignInRequired | Error::BadCredential(_) => {
            (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")
        }
        Error::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
        Error::BadArgument(_) => (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"),
        _ => {
            tracing::error!(request_id, %error, "a caller could not be told");
            let message = format!("something went wrong on our side; quote request {request_id}");
            let error = refusal("INTERNAL_SERVER_ERROR", message);
            return (StatusCode::INTERNAL_SERVER_ERROR, error);
        }
    };
    (status, refusal(code, error.to_string()))
}

/// The token of `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let parts = value.to_str().ok().and_then(|value| value.split_once(' '));
    match parts {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Error::BadCredential(
            "the header Authorization can't be read; send `Authorization: Bearer …`, or leave it \
             out"
            .into(),
        )),
    }
}

/// What the program that asks says of itself.
pub(super) fn client(headers: &HeaderMap) -> Client {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    Client {
        user_agent: text(header::USER_AGENT).map(str::to_owned),
        refresh_token: refresh_token(headers).map(str::to_owned),
    }
}

/// The value of the cookie [`REFRESH_COOKIE`].
pub(super) fn refresh_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter();
    let mut cookies = cookies.flat_map(|value| value.to_str().unwrap_or_default().split(';'));
    cookies.find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == REFRESH_COOKIE && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let far = "203.0.113.9";
        assert_eq!(address("198.51.100.1", &[far], &[]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &[far], &["10.0.0.1"]), far);
        // What the client wrote itself stands before what the proxy added.
        let spoofed = ["192.0.2.66, 203.0.113.9"];
        assert_eq!(address("10.0.0.1", &spoofed, &["10.0.0.1"]), far);
        let chain = ["192.0.2.66, 203.0.113.9", "10.0.0.2"];
        assert_eq!(address("10.0.0.1", &chain, &["10.0.0.1", "10.0.0.2"]), far);
        assert_eq!(
            address("10.0.0.1", &["nonsense"], &["10.0.0.1"]),
            "10.0.0.1"
        );
        assert_eq!(address("10.0.0.1", &[], &["10.0.0.1"]), "10.0.0.1");
    }
}
