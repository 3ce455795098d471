//! One log line a request, and the id that ties it to the answer.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::futures_util::FutureExt;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::{REQUEST_ID, Server, add_request_id};
use crate::foundation::served::{CacheOutcome, Served};

/// The id of a request: the caller's `X-Request-Id` when it is a plain word, else a new one.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

/// What a handler knows about an answer that the log should tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// The name of the operation.
    pub(super) operation: Option<Arc<str>>,
    /// What became of it in the response cache.
    pub(super) cache: Option<CacheOutcome>,
    /// The cache rules that applied.
    pub(super) rule: Option<Arc<str>>,
    /// Statements the database ran.
    pub(super) statements: u32,
    /// How long the request waited for them.
    pub(super) database_time: Duration,
    /// The code of the first error.
    pub(super) error: Option<String>,
}

/// Gives the request an id, runs it, counts it, and writes its line.
pub(super) async fn log(server: &Server, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_plain(id))
        .map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned);
    let method = request.method().clone();
    let path = without_secrets(request.uri().path()).to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(RequestId(id.clone()));

    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answer.unwrap_or_else(|panic| {
        log_panic(&*panic);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    });

    let facts = response.extensions_mut().remove::<Facts>();
    let facts = facts.unwrap_or_default();
    let served = Served {
        route: route.as_ref().map_or("none", MatchedPath::as_str),
        operation: facts.operation.as_deref(),
        status: response.status().as_u16(),
        duration: started.elapsed(),
        cache: facts.cache,
        statements: facts.statements,
        database_time: facts.database_time,
        error: facts.error.as_deref(),
    };
    server.metrics.record(&served);
    server.traffic.record(&served);
    tracing::info!(
        target: "request",
        id,
        %method,
        path,
        operation = served.operation,
        status = served.status,
        duration_ms = milliseconds(served.duration),
        cache = served.cache.map(CacheOutcome::as_str),
        rule = facts.rule.as_deref(),
        statements = served.statements,
        database_ms = milliseconds(facts.database_time),
        error = served.error,
    );
    add_request_id(&mut response, &id);
    response
}

/// Says what a fault of ours ended a request with.
pub(super) fn log_panic(panic: &(dyn Any + Send)) {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text, "a request failed");
}

/// The path without what lets somebody in.
fn without_secrets(path: &str) -> &str {
    match path.starts_with("/link/") {
        true => "/link/…",
        false => path,
    }
}

/// Milliseconds to the microsecond.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_does_not_get_into_the_log() {
        assert_eq!(without_secrets("/link/abc"), "/link/…");
        assert_eq!(without_secrets("/graphql"), "/graphql");
    }
}
