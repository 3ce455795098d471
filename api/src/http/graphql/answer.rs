//! What is sent back.

use async_graphql::{Response as GraphqlResponse, ServerError};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::graphql::limits::refusal;
use crate::http::rate_limit::TooMany;
use crate::http::request_log::Facts;

/// Gives the library's own errors the codes that ours have.
pub(super) fn add_codes(answer: &mut GraphqlResponse) {
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
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let soon = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
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

/// An answer that nobody keeps.
pub(super) fn to_response(
    headers: &HeaderMap,
    status: StatusCode,
    answer: &GraphqlResponse,
) -> Response {
    let body = match serde_json::to_vec(answer) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer can't be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, body).into_response();
    let response_headers = response.headers_mut();
    response_headers.insert(header::CONTENT_TYPE, MediaType::of(headers).header());
    response_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// The one of GraphQL over HTTP.
    GraphqlResponse,
    /// The one before there was that.
    Json,
}

impl MediaType {
    /// The one that a client asks for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match accepts(headers, "application/graphql-response+json") {
            true => Self::GraphqlResponse,
            false => Self::Json,
        }
    }

    /// The header `Content-Type`.
    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// Whether the client takes this media type by name.
pub(super) fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(media_type))
}
