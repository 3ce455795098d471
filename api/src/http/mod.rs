//! What answers requests: the GraphQL endpoint, feeds and the health checks.

pub mod admission;
mod authenticate;
mod cache_headers;
pub mod cross_origin;
mod download;
mod feeds;
mod graphql;
mod health;
mod link;
mod metrics;
mod pace;
mod perspective;
mod pieces;
mod places;
pub mod rate_limit;
mod request_log;
mod security_headers;
pub mod serve;
mod upload;
mod websocket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use admission::Admission;
use cross_origin::Origins;
use rate_limit::RateLimits;

use crate::cache::ResponseCache;
use crate::domain::signing_key::SigningKeys;
use crate::domain::traffic::Traffic;
use crate::domain::transaction::Store;
use crate::domain::user::password::Passwords;
use crate::graphql::Schema;
use crate::graphql::document::Documents;
use crate::graphql::persisted_query::PersistedQueries;
use crate::telemetry::Metrics;

pub use metrics::MetricsReaders;
pub use websocket::Sockets;

pub use graphql::Bodies;

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
    /// Whether it is for developers: a browser gets GraphiQL, and everybody the schema.
    pub for_developers: bool,
    /// The most bytes of one upload of files for an import.
    pub upload_limit: u64,
    /// How long one request may take altogether, its body included; of an upload, how long nothing may
    /// come.
    pub request_timeout: Duration,
    /// Its WebSockets.
    pub sockets: Sockets,
    /// How many operations run at once.
    pub admission: Admission,
    /// How many files come and go at once, which take their time.
    pub transfers: Admission,
    /// How many bytes of bodies there are that have not come to their end.
    pub bodies: Bodies,
    /// How much one client may ask for.
    pub rate_limits: RateLimits,
    /// Where pages may come from that ask for something.
    pub origins: Origins,
    /// Whether people reach it by HTTPS.
    pub is_https: bool,
    /// Counts for Prometheus.
    pub metrics: Metrics,
    /// Who may read them.
    pub metrics_readers: MetricsReaders,
    /// Counts for the statistics of each minute.
    pub traffic: Traffic,
}

/// Everything under its path.
pub fn router(server: Arc<Server>) -> Router {
    let paid = || from_fn_with_state(Arc::clone(&server), rate_limit::of_address);
    let router = Router::new()
        .route("/", get(welcome))
        .route("/graphql", graphql::methods())
        .route("/graphql/", any(graphql::not_found))
        .route("/graphql/{*rest}", any(graphql::not_found))
        .route("/graphql/ws", any(websocket::connect))
        .route(
            "/link/{token}",
            get(link::get)
                .post(link::post)
                .layer(DefaultBodyLimit::max(link::FORM_BYTES))
                .layer(paid()),
        )
        .route(
            "/imports",
            post(upload::post).layer(DefaultBodyLimit::disable()),
        )
        .route("/exports/{id}", get(download::get))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::get))
        .route("/{feed}", get(feeds::get).fallback(not_found).layer(paid()))
        .fallback(not_found);
    let router = match cross_origin::layer(&server.origins) {
        Some(layer) => router.layer(layer),
        None => router,
    };
    router
        .layer(from_fn_with_state(Arc::clone(&server), around))
        .with_state(server)
}

/// What every request gets, whatever it is for.
async fn around(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut response = request_log::log(&server, request, next).await;
    security_headers::add(&mut response, server.is_https);
    response
}

async fn welcome() -> &'static str {
    "alphanode\n\nAPI       /graphql\nfeeds     /feed.xml, /atom.xml, /feed.json, /sitemap.xml\nhealth    /healthz, /readyz\nmetrics   /metrics\n"
}

async fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        "nothing is here; the API is at /graphql\n",
    )
        .into_response()
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Says in an answer which request it is of.
fn add_request_id(response: &mut Response, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}
