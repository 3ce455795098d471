//! The two servers that bound alphanode: bytes from memory, and SQL written by hand. Neither knows
//! GraphQL, limits, tags or logs.

mod postgres;
mod sqlite;
mod writing;

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::Result;
use crate::client::Answer;

/// Connections of each pool, as many as alphanode's readers.
const CONNECTIONS: u32 = 4;

/// An answer that is given from memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    body: String,
    /// Those that go with it under [`WHOLE`].
    headers: Vec<(String, String)>,
}

/// What a path begins with whose answer has all headers of the original.
pub const WHOLE: &str = "/whole";

impl Kept {
    /// An answer of which the body counts.
    pub fn body(body: String) -> Self {
        Self {
            body,
            headers: Vec::new(),
        }
    }

    /// An answer as it was given, but for the headers that every server adds by itself.
    pub fn whole(answer: &Answer<'_>) -> Result<Self> {
        let head = std::str::from_utf8(answer.head)?;
        let headers = head.split("\r\n").skip(1);
        let headers = headers.filter_map(|line| line.split_once(": "));
        let own = ["date", "content-length", "connection"];
        let headers = headers.filter(|(name, _)| !own.contains(name));
        Ok(Self {
            body: std::str::from_utf8(answer.body)?.to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }
}

/// The same, ready to be sent.
struct Ready {
    body: Bytes,
    headers: HeaderMap,
}

/// Answers the same bytes from memory: what the HTTP server can do at all. Who names the ETag of an
/// answer is told that it has not changed.
pub async fn bytes(listen: &str, file: &Path) -> Result<ExitCode> {
    let kept: HashMap<String, Kept> = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut ready = HashMap::new();
    for (path, kept) in kept {
        let mut headers = HeaderMap::new();
        for (name, value) in kept.headers {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        let body = kept.body.into();
        ready.insert(path, Ready { body, headers });
    }
    let router = Router::new().fallback(from_memory);
    serve(listen, router.with_state(Arc::new(ready))).await
}

async fn from_memory(
    State(answers): State<Arc<HashMap<String, Ready>>>,
    uri: Uri,
    asked: HeaderMap,
) -> Response {
    let path = uri.path();
    let whole = path.strip_prefix(WHOLE);
    let Some(ready) = answers.get(whole.unwrap_or(path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if whole.is_none() {
        return json(ready.body.clone());
    }
    let tag = asked.get(header::IF_NONE_MATCH);
    let mut response = if tag.is_some() && tag == ready.headers.get(header::ETAG) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ready.body.clone().into_response()
    };
    *response.headers_mut() = ready.headers.clone();
    response
}

/// Runs hand-written SQL: what the database can do at all.
pub async fn sql(listen: &str, url: &str) -> Result<ExitCode> {
    let router = if url.starts_with("sqlite:") {
        sqlite::router(url).await?
    } else {
        postgres::router(url).await?
    };
    serve(listen, router.merge(writing::router(url).await?)).await
}

async fn serve(listen: &str, router: Router) -> Result<ExitCode> {
    let listener = TcpListener::bind(listen).await?.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(ExitCode::SUCCESS)
}

fn json(body: impl Into<axum::body::Body>) -> Response {
    let content_type = "application/json; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], body.into()).into_response()
}

fn answer(found: std::result::Result<String, sea_orm::sqlx::Error>) -> Response {
    match found {
        Ok(text) => json(text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
