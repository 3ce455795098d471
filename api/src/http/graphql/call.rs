//! What a client sends, read.

use std::net::IpAddr;

use async_graphql::ServerError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::form_urlencoded;

use super::media_type::is_json;
use crate::cache::Key;
use crate::foundation::hash::sha256;
use crate::graphql::limits::refusal;
use crate::graphql::persisted_query::PersistedQueries;
use crate::http::admission::Overloaded;
use crate::http::places::{Place, Places};
use crate::http::rate_limit::Client;

/// The largest body of a request, in bytes.
pub(in crate::http) const BODY_BYTES: usize = 256 * 1024;

/// What a client sends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with `query`")]
pub(in crate::http) struct Call {
    pub(super) query: Option<String>,
    pub(super) operation_name: Option<String>,
    pub(super) variables: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    extensions: Option<Extensions>,
}

/// What the protocol leaves open. Others than these mean nothing here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    persisted_query: Option<Persisted>,
}

/// The hash that stands for the text of an operation, by the protocol of Apollo's clients.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Persisted {
    version: i64,
    sha256_hash: String,
}

/// How a call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Method {
    Get,
    Post,
}

impl Call {
    /// Finds the text that a hash stands for. Answers the hash of a text that is new, to be kept once
    /// the text turned out to be one that may be run.
    #[allow(clippy::result_large_err, reason = "one a request, on its way out")]
    pub(super) fn resolve(
        &mut self,
        known: &PersistedQueries,
    ) -> Result<Option<String>, (StatusCode, ServerError)> {
        let extensions = self.extensions.take().unwrap_or_default();
        let Some(persisted) = extensions.persisted_query else {
            return Ok(None);
        };
        if persisted.version != 1 {
            let message = "PersistedQueryNotSupported";
            let error = refusal("PERSISTED_QUERY_NOT_SUPPORTED", message);
            return Err((StatusCode::BAD_REQUEST, error));
        }
        let hash = persisted.sha256_hash.to_ascii_lowercase();
        match &self.query {
            None => match known.find(&hash) {
                Some(text) => {
                    self.query = Some(text.to_string());
                    Ok(None)
                }
                // The text that clients look for.
                None => Err((
                    StatusCode::OK,
                    refusal("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"),
                )),
            },
            Some(text) if sha256(text) == hash => Ok(Some(hash)),
            Some(_) => {
                let message =
                    "`extensions.persistedQuery.sha256Hash` is not the SHA-256 of `query`";
                Err((StatusCode::BAD_REQUEST, refusal("BAD_REQUEST", message)))
            }
        }
    }

    /// The text of the operation, empty when it is not known.
    pub(in crate::http) fn text(&self) -> &str {
        self.query.as_deref().unwrap_or_default()
    }

    /// What the answer depends on, so that two calls of one key have one answer: the operation, its
    /// name, and its variables in the order of their names. Nothing is kept of what takes very much to
    /// ask for.
    pub(super) fn key(&self) -> Option<Key> {
        const LONGEST: usize = 16 * 1024;

        let query = self.query.as_deref()?;
        let name = self.operation_name.as_deref().unwrap_or_default();
        let variables = match &self.variables {
            Some(variables) if !variables.is_empty() => serde_json::to_string(variables).ok()?,
            _ => String::new(),
        };
        // JSON has no such character, nor has the name of any operation.
        let key = [name, variables.as_str(), query].join("\u{1}");
        (key.len() <= LONGEST).then(|| key.into())
    }
}

/// The bodies that have not come to their end. They are in memory, before anybody has paid for them or
/// said who they are.
#[derive(Debug)]
pub struct Bodies(Places);

impl Default for Bodies {
    fn default() -> Self {
        const ALTOGETHER: usize = 256 * 1024 * 1024;
        const OF_ADDRESS: usize = 16 * 1024 * 1024;
        Self(Places::new(ALTOGETHER, OF_ADDRESS))
    }
}

impl Bodies {
    /// Makes room for a body; short ones need none.
    fn room(
        &self,
        address: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<Option<Place>, Overloaded> {
        const SHORT: usize = 16 * 1024;
        let length = declared_length(headers).and_then(|length| usize::try_from(length).ok());
        let length = length.unwrap_or(BODY_BYTES).min(BODY_BYTES);
        if length <= SHORT {
            return Ok(None);
        }
        let room = self.0.take_many(Client::at(address), length);
        room.map(Some).map_err(|_| Overloaded)
    }
}

/// Reads the body of a POST.
pub(super) async fn read_body(
    bodies: &Bodies,
    address: Option<IpAddr>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Call, (StatusCode, ServerError)> {
    refuse_compressed(headers)?;
    if !is_json(headers) {
        let message = "send the operation as JSON in UTF-8, with Content-Type: application/json";
        let error = refusal("UNSUPPORTED_MEDIA_TYPE", message);
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let _room = bodies
        .room(address, headers)
        .map_err(<(StatusCode, ServerError)>::from)?;
    let bytes = axum::body::to_bytes(body, BODY_BYTES).await.map_err(|_| {
        let message = format!("the body could not be read; {BODY_BYTES} bytes are the most");
        let error = refusal("BODY_TOO_LARGE", message);
        (StatusCode::PAYLOAD_TOO_LARGE, error)
    })?;
    let bad = |message: String| (StatusCode::BAD_REQUEST, refusal("BAD_REQUEST", message));
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(bad(
            "batches are not supported; send one operation a request".into(),
        ));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("the body is no operation: {error}")))
}

/// How many bytes a body has by its header.
pub(in crate::http) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?;
    length.parse().ok()
}

/// Refuses a body that would have to be unpacked: a little of it can stand for a lot.
#[allow(clippy::result_large_err, reason = "one a request, on its way out")]
pub(in crate::http) fn refuse_compressed(
    headers: &HeaderMap,
) -> Result<(), (StatusCode, ServerError)> {
    let encoding = headers.get(header::CONTENT_ENCODING);
    let encoding = encoding.map_or(&b"identity"[..], HeaderValue::as_bytes);
    if encoding.eq_ignore_ascii_case(b"identity") {
        return Ok(());
    }
    let message = "compressed bodies are not read; send it as it is, without Content-Encoding";
    let error = refusal("UNSUPPORTED_MEDIA_TYPE", message);
    Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
}

/// Reads the parameters of a GET.
pub(super) fn read_query(query: &str) -> Result<Call, ServerError> {
    let bad = |message: String| refusal("BAD_REQUEST", message);
    if query.len() > BODY_BYTES {
        return Err(refusal(
            "BODY_TOO_LARGE",
            format!("{BODY_BYTES} bytes are the most"),
        ));
    }
    let mut call = Call::default();
    let mut seen = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !["query", "operationName", "variables", "extensions"].contains(&&*name) {
            continue;
        }
        if seen.contains(&name) {
            return Err(bad(format!("the URL has `{name}` twice")));
        }
        match (&*name, &*value) {
            (_, "") => {}
            ("query", _) => call.query = Some(value.into_owned()),
            ("operationName", _) => call.operation_name = Some(value.into_owned()),
            ("variables", text) => {
                call.variables = serde_json::from_str(text)
                    .map_err(|error| bad(format!("`variables` is no JSON object: {error}")))?;
            }
            (_, text) => {
                call.extensions = serde_json::from_str(text)
                    .map_err(|error| bad(format!("`extensions` can't be read: {error}")))?;
            }
        }
        seen.push(name);
    }
    Ok(call)
}
