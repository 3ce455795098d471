//! The GraphQL endpoint: POST with JSON, GET for queries, GraphiQL for a browser.

mod answer;
mod call;
mod operation;
mod run;

use std::sync::Arc;

use async_graphql::http::GraphiQLSource;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use self::answer::{accepts, too_slow};
use self::call::{read_body, read_query};
use self::run::run;
use super::authenticate::Origin;
use super::{Server, security_headers};

pub(super) use self::answer::{limit, refuse};
pub(super) use self::call::{BODY_BYTES, Call, Method, refuse_compressed};
pub(super) use self::operation::prepare;

/// Runs an operation sent as JSON.
pub(in crate::http) async fn post(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limit = server.request_timeout;
    let answer = tokio::time::timeout(limit, async {
        match read_body(&headers, body).await {
            Ok(call) => run(&server, origin, &headers, call, Method::Post).await,
            Err((status, error)) => refuse(&headers, status, error),
        }
    });
    answer.await.unwrap_or_else(|_| too_slow(&headers))
}

/// Runs a query given in the URL, or shows GraphiQL to a browser.
pub(in crate::http) async fn get(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let wants_page = accepts(&headers, "text/html");
    if server.graphiql
        && wants_page
        && query
            .as_deref()
            .is_none_or(|query| !query.contains("query="))
    {
        let page = GraphiQLSource::build()
            .endpoint("/graphql")
            .subscription_endpoint("/graphql/ws")
            .finish();
        let policy = [(header::CONTENT_SECURITY_POLICY, security_headers::GRAPHIQL)];
        return (policy, Html(page)).into_response();
    }
    let call = match read_query(query.as_deref().unwrap_or_default()) {
        Ok(call) => call,
        Err(error) => return refuse(&headers, StatusCode::BAD_REQUEST, error),
    };
    let answer = run(&server, origin, &headers, call, Method::Get);
    let answer = tokio::time::timeout(server.request_timeout, answer);
    answer.await.unwrap_or_else(|_| too_slow(&headers))
}
