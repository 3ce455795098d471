//! The GraphQL endpoint: POST with JSON, GET for queries, GraphiQL for a browser.

mod answer;
mod call;
mod make;
mod media_type;
mod operation;
mod respond;
mod run;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::futures_util::FutureExt;
use async_graphql::http::GraphiQLSource;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{self, MethodRouter};

use self::answer::too_slow;
use self::call::{read_body, read_query};
use self::media_type::wants_page;
use self::run::run;
use super::authenticate::Origin;
use super::request_log::log_panic;
use super::{Server, security_headers};
use crate::graphql::limits::refusal;

pub(super) use self::answer::{add_codes, limit, refuse};
pub(super) use self::call::{BODY_BYTES, Call, Method, declared_length, refuse_compressed};
pub(super) use self::media_type::MediaType;
pub(super) use self::operation::prepare;

pub use self::call::Bodies;

/// The endpoint, of which every answer is one of GraphQL.
pub(super) fn methods() -> MethodRouter<Arc<Server>> {
    routing::get(get).post(post).fallback(method_not_allowed)
}

/// Runs an operation sent as JSON.
async fn post(State(server): State<Arc<Server>>, origin: Origin, request: Request) -> Response {
    let (Parts { headers, .. }, body) = request.into_parts();
    if MediaType::preferred(&headers).is_none() {
        return not_acceptable(&headers);
    }
    let answer = async {
        match read_body(&server.bodies, origin.address, &headers, body).await {
            Ok(call) => run(&server, origin, &headers, call, Method::Post).await,
            Err((status, error)) => refuse(&headers, status, error),
        }
    };
    in_time(&server, &headers, answer).await
}

/// Runs a query given in the URL, or shows GraphiQL to a browser.
async fn get(State(server): State<Arc<Server>>, origin: Origin, request: Request) -> Response {
    let (Parts { headers, uri, .. }, _) = request.into_parts();
    let query = uri.query().unwrap_or_default();
    if server.for_developers && wants_page(&headers) && !query.contains("query=") {
        let page = GraphiQLSource::build()
            .endpoint("/graphql")
            .subscription_endpoint("/graphql/ws")
            .finish();
        let policy = [(header::CONTENT_SECURITY_POLICY, security_headers::GRAPHIQL)];
        return (policy, Html(page)).into_response();
    }
    if MediaType::preferred(&headers).is_none() {
        return not_acceptable(&headers);
    }
    let call = match read_query(query) {
        Ok(call) => call,
        Err(error) => return refuse(&headers, StatusCode::BAD_REQUEST, error),
    };
    let answer = run(&server, origin, &headers, call, Method::Get);
    in_time(&server, &headers, answer).await
}

/// Answers within the time that a request may take, whatever happens.
async fn in_time(
    server: &Server,
    headers: &HeaderMap,
    answer: impl Future<Output = Response>,
) -> Response {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    match tokio::time::timeout(server.request_timeout, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            log_panic(&*panic);
            let message = "something went wrong on our side; quote the request's id";
            let error = refusal("INTERNAL_SERVER_ERROR", message);
            refuse(headers, StatusCode::INTERNAL_SERVER_ERROR, error)
        }
        Err(_) => too_slow(headers),
    }
}

fn not_acceptable(headers: &HeaderMap) -> Response {
    let message = "answers are application/graphql-response+json or application/json, in UTF-8; the \
                   header Accept leaves none of them";
    let error = refusal("NOT_ACCEPTABLE", message);
    refuse(headers, StatusCode::NOT_ACCEPTABLE, error)
}

async fn method_not_allowed(headers: HeaderMap) -> Response {
    let message = "send operations by POST, or queries by GET";
    let error = refusal("METHOD_NOT_ALLOWED", message);
    let mut response = refuse(&headers, StatusCode::METHOD_NOT_ALLOWED, error);
    // The router knows which.
    response.headers_mut().remove(header::ALLOW);
    response
}

/// Nothing is here.
pub(super) async fn not_found(headers: HeaderMap) -> Response {
    let message = "nothing is here; the API is at /graphql, and its WebSocket at /graphql/ws";
    refuse(
        &headers,
        StatusCode::NOT_FOUND,
        refusal("NOT_FOUND", message),
    )
}
