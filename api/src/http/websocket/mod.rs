//! Subscriptions over a WebSocket, by the protocol `graphql-transport-ws`: who may open one.
//!
//! A connection (`connection.rs`) belongs to whoever its first message names (`session.rs`). Each of
//! its subscriptions (`operation.rs`) runs by itself and puts what it has to tell into one outbox of
//! bounded size (`outbox.rs`), which the connection empties as fast as its client reads.

mod close;
mod connection;
mod message;
mod operation;
mod outbox;
mod session;

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::Connection;
use super::Server;
use super::authenticate::Origin;
use super::cross_origin::comes_from_a_friend;
use super::graphql::{BODY_BYTES, limit, refuse};
use super::places::{Full, Place, Places};
use super::rate_limit::{Client, PLAIN_COST, TooMany};
use crate::graphql::limits::refusal;

const PROTOCOL: &str = "graphql-transport-ws";

/// The longest message of a client, in bytes: as long as the body of a request.
const MESSAGE_BYTES: usize = BODY_BYTES;

/// What is read of a message at most. A client whose message is merely too long is told so; whoever
/// goes on beyond this is cut.
const FRAME_BYTES: usize = 2 * MESSAGE_BYTES;

/// What is read at once. Most messages are short, and most connections silent.
const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Connections from one address: an office behind one, each of its people with several tabs.
const OF_ADDRESS: usize = 100;

/// How soon a client may try again for which there was no place, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// The connections of a server.
#[derive(Clone, Debug)]
pub struct Sockets {
    places: Places,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Sockets {
    /// No connection, and `places` for those that will be.
    pub fn new(places: usize) -> Self {
        Self {
            places: Places::new(places, OF_ADDRESS),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Waits for `stop`, then tells all clients that the server goes away, and waits until they have
    /// gone.
    pub async fn close_after(self, stop: CancellationToken) {
        stop.cancelled().await;
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Upgrades a request to a connection.
pub(super) async fn connect(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = upgrade.map(|upgrade| upgrade.protocols([PROTOCOL]));
    let admitted = admit(&server, &origin, &headers, upgrade);
    let (upgrade, place) = match admitted {
        Ok(admitted) => admitted,
        Err(reason) => return reason.into_response(&headers),
    };
    upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .max_frame_size(FRAME_BYTES)
        .max_message_size(FRAME_BYTES)
        .on_upgrade(async move |socket| {
            let Sockets { stop, tasks, .. } = server.sockets.clone();
            let connection = Connection::new(server, origin, socket, stop);
            tasks.track_future(connection.serve()).await;
            drop(place);
        })
}

/// Why there is no connection.
enum Refused {
    NoUpgrade,
    OtherProtocol,
    OtherSite,
    TooMuch(TooMany),
    NoPlace(Full),
}

fn admit(
    server: &Server,
    origin: &Origin,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<(WebSocketUpgrade, Place), Refused> {
    let upgrade = upgrade.map_err(|_| Refused::NoUpgrade)?;
    if upgrade.selected_protocol().is_none() {
        return Err(Refused::OtherProtocol);
    }
    if !comes_from_a_friend(headers, &server.origins) {
        return Err(Refused::OtherSite);
    }
    let client = Client::at(origin.address);
    let spent = server.rate_limits.spend(client, PLAIN_COST);
    spent.map_err(Refused::TooMuch)?;
    let place = server.sockets.places.take(client);
    Ok((upgrade, place.map_err(Refused::NoPlace)?))
}

impl Refused {
    fn into_response(self, headers: &HeaderMap) -> Response {
        let (status, code, message) = match self {
            Self::NoUpgrade => (
                StatusCode::UPGRADE_REQUIRED,
                "UPGRADE_REQUIRED",
                "this is for WebSockets: connect with `new WebSocket(url, \"graphql-transport-ws\")`; \
                 other requests go to /graphql",
            ),
            Self::OtherProtocol => (
                StatusCode::BAD_REQUEST,
                "BAD_REQUEST",
                "offer the sub-protocol `graphql-transport-ws`; no other is spoken here",
            ),
            Self::OtherSite => (
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "pages of this origin may not connect; the setting `cors_origins` names those that may",
            ),
            Self::TooMuch(too_many) => return limit(headers, &too_many),
            Self::NoPlace(Full::Altogether) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "TOO_MANY_CONNECTIONS",
                "as many clients are connected as there may be; try again later",
            ),
            Self::NoPlace(Full::OfAddress) => (
                StatusCode::TOO_MANY_REQUESTS,
                "TOO_MANY_CONNECTIONS",
                "as many connections come from your address as there may be; one of them can carry \
                 many subscriptions",
            ),
        };
        let mut response = refuse(headers, status, refusal(code, message));
        let headers = response.headers_mut();
        match self {
            Self::NoUpgrade => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            }
            Self::NoPlace(_) => {
                headers.insert(header::RETRY_AFTER, RETRY_AFTER);
            }
            Self::OtherProtocol | Self::OtherSite | Self::TooMuch(_) => {}
        }
        response
    }
}
