//! What is sent back.

use async_graphql::{Response as GraphqlResponse, ServerError};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::media_type::MediaType;
use crate::graphql::limits::refusal;
use crate::http::rate_limit::TooMany;
use crate::http::request_log::Facts;

/// Gives the library's own errors the codes that ours have.
pub(in crate::http) fn add_codes(answer: &mut GraphqlResponse) {
    for error in &mut answer.errors {
        if code_of(error).is_some() {
            continue;
        }
        let code = if error.message == "Query is too complex." {
            error.message = format!(
                "the operation is too complex: lists multiply what is below them, and {} is the \
                 most; ask for fewer rows or fields",
                crate::graphql::limits::COMPLEXITY
            );
            "COMPLEXITY_LIMIT"
        } else if error.path.is_empty() {
            "GRAPHQL_VALIDATION_FAILED"
        } else {
            "BAD_USER_INPUT"
        };
        error
            .extensions
            .get_or_insert_with(Default::default)
            .set("code", code);
    }
}

pub(super) fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

/// Says that a request took too long.
pub(super) fn too_slow(headers: &HeaderMap) -> Response {
    refuse(headers, StatusCode::REQUEST_TIMEOUT, request_timeout())
}

/// The error of a request that took too long.
pub(super) fn request_timeout() -> ServerError {
    let message = "the request took too long and was given up; ask for less, and send a change again \
                   with its idempotency key, for it may have been made";
    refusal("REQUEST_TIMEOUT", message)
}

/// Says that a client has spent what it may, and when to come back.
pub(in crate::http) fn limit(headers: &HeaderMap, too_many: &TooMany) -> Response {
    let (status, error) = too_many.refusal();
    let mut response = refuse(headers, status, error);
    too_many.write_to(response.headers_mut());
    response
}

/// Refuses a request as a whole.
pub(in crate::http) fn refuse(
    headers: &HeaderMap,
    status: StatusCode,
    error: ServerError,
) -> Response {
    let code = code_of(&error);
    let answer = GraphqlResponse::from_errors(vec![error]);
    let mut response = to_response(headers, status, &answer);
    let must_say = match status {
        StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
        StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
        StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
        _ => None,
    };
    if let Some((name, value)) = must_say {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response.extensions_mut().insert(Facts {
        error: code,
        ..Facts::default()
    });
    response
}

/// Whether an operation was refused as a whole: nothing of it was run.
pub(super) fn was_refused_before_running(answer: &GraphqlResponse) -> bool {
    answer.data == async_graphql::Value::Null
        && !answer.errors.is_empty()
        && answer.errors.iter().all(|error| error.path.is_empty())
}

/// An answer that holds no `data`, which would mean that something was run.
#[derive(Serialize)]
struct Refusal<'answer> {
    errors: &'answer [ServerError],
}

/// An answer that nobody keeps. One that is 200 though nothing was run is so only in JSON, where a
/// client could not tell another status from one of a proxy.
pub(super) fn to_response(
    headers: &HeaderMap,
    status: StatusCode,
    answer: &GraphqlResponse,
) -> Response {
    let media_type = MediaType::of(headers);
    let refused = was_refused_before_running(answer);
    let errors = &answer.errors;
    let status = match (status, media_type) {
        (StatusCode::OK, MediaType::GraphqlResponse) if refused => StatusCode::BAD_REQUEST,
        (status, _) => status,
    };
    let body = match refused {
        true => serde_json::to_vec(&Refusal { errors }),
        false => serde_json::to_vec(answer),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer can't be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, body).into_response();
    let response_headers = response.headers_mut();
    response_headers.insert(header::CONTENT_TYPE, media_type.header());
    response_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
