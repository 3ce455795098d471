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
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::Result;

/// Connections of each pool, as many as alphanode's readers.
const CONNECTIONS: u32 = 4;

/// Answers the same bytes from memory: what the HTTP server can do at all.
pub async fn bytes(listen: &str, file: &Path) -> Result<ExitCode> {
    let answers: HashMap<String, String> = serde_json::from_slice(&std::fs::read(file)?)?;
    let answers = answers.into_iter();
    let answers: HashMap<String, Bytes> = answers.map(|(path, body)| (path, body.into())).collect();
    let router = Router::new()
        .fallback(
            async |State(answers): State<Arc<HashMap<String, Bytes>>>, uri: Uri| match answers
                .get(uri.path())
            {
                Some(bytes) => json(bytes.clone()),
                None => StatusCode::NOT_FOUND.into_response(),
            },
        )
        .with_state(Arc::new(answers));
    serve(listen, router).await
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
