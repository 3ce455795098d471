//! What answers requests: the GraphQL endpoint, feeds and the health checks.

mod authenticate;
mod cache_headers;
mod download;
mod feeds;
mod graphql;
mod health;
mod link;
mod perspective;
mod request_log;
mod upload;
mod websocket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use tower_http::catch_panic::CatchPanicLayer;

use crate::cache::ResponseCache;
use crate::domain::signing_key::SigningKeys;
use crate::domain::transaction::Store;
use crate::domain::user::password::Passwords;
use crate::graphql::Schema;
use crate::graphql::document::Documents;
use crate::graphql::persisted_query::PersistedQueries;

pub use self::websocket::Sockets;

/// What handlers share.
pub struct Server {
    /// The schema.
    pub schema: Schema,
    /// The documents it was asked to run.
    pub documents: Documents,
    /// The texts that clients name by their hash.
    pub persisted_queries: PersistedQueries,
    /// Answers that are ready to be sent again.
    pub cache: ResponseCache,
    /// Where content lives.
    pub store: Store,
    /// What tokens are signed with.
    pub keys: SigningKeys,
    /// Hashes passwords.
    pub passwords: Passwords,
    /// Proxies whose word is taken for where a request comes from.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether a browser gets GraphiQL.
    pub graphiql: bool,
    /// The most bytes of one upload of files for an import.
    pub upload_limit: u64,
    /// How long one request may take altogether, its body included; of an upload, how long nothing may
    /// come.
    pub request_timeout: Duration,
    /// Origins of pages of other sites that may connect, e.g. `https://example.org`.
    pub allowed_origins: Vec<String>,
    /// Its WebSockets.
    pub sockets: Sockets,
}

/// Everything under its path.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", get(welcome))
        .route("/graphql", graphql::methods())
        .route("/graphql/", any(graphql::not_found))
        .route("/graphql/{*rest}", any(graphql::not_found))
        .route("/graphql/ws", any(websocket::connect))
        .route(
            "/link/{token}",
            get(link::get)
                .post(link::post)
                .layer(DefaultBodyLimit::max(link::FORM_BYTES)),
        )
        .route(
            "/imports",
            post(upload::post).layer(DefaultBodyLimit::disable()),
        )
        .route("/exports/{id}", get(download::get))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/{feed}", get(feeds::get).fallback(not_found))
        .fallback(not_found)
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(request_log::log))
        .with_state(server)
}

async fn welcome() -> &'static str {
    "alphanode\n\nAPI       /graphql\nfeeds     /feed.xml, /atom.xml, /feed.json, /sitemap.xml\nhealth    /healthz, /readyz\n"
}

async fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        "nothing is here; the API is at /graphql\n",
    )
        .into_response()
}

/// Headers that every answer carries.
fn add_common_headers(response: &mut Response, request_id: &str) {
    let headers = response.headers_mut();
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}
