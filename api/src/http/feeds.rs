//! Feeds and sitemaps, as they were rendered.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};

use super::cache_headers::Bypass;
use super::{Server, cache_headers, not_found};
use crate::domain::cache_rule::{FixedCondition, Target};
use crate::domain::feed::{self, FeedFile};

/// Answers with the file of a path, or that the asker has it already.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if !feed::is_path(uri.path()) {
        return not_found().await;
    }
    let found = match feed::find(&server.store, uri.path()).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(%error, path = uri.path(), "a feed could not be read");
            return try_again();
        }
    };
    match found {
        Some(file) => {
            let caching = caching(&server, &uri, &headers).await;
            answer(file, &headers, caching)
        }
        // The four that there always are have not been rendered yet.
        None if !uri.path().starts_with("/sitemap-") => try_again(),
        None => not_found().await,
    }
}

/// How long anybody may keep the file, by the cache rules, and which of them said so.
async fn caching(server: &Server, uri: &Uri, asked: &HeaderMap) -> [HeaderValue; 2] {
    let path = uri
        .path_and_query()
        .map_or(uri.path(), |path| path.as_str());
    let allowed = cache_headers::allowed(&server.cache, &Target::Page { path }).await;
    cache_headers::of_file(allowed.and_then(|policy| {
        let despite = |reason| Err(Bypass::despite(Arc::clone(&policy.rules), reason));
        if !cache_headers::is_public(asked) {
            despite(FixedCondition::SignedIn.word())
        } else if cache_headers::wants_new(asked) {
            despite(FixedCondition::FreshAsked.word())
        } else if cache_headers::is_bypassed(&policy, asked) {
            despite("condition")
        } else {
            Ok(policy)
        }
    }))
}

fn answer(file: FeedFile, asked: &HeaderMap, caching: [HeaderValue; 2]) -> Response {
    let mut response = if is_known(&file, asked) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = file.body.into_response();
        if let Ok(content_type) = HeaderValue::from_str(&file.content_type) {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        response
    };
    let headers = response.headers_mut();
    let [cache_control, x_cache] = caching;
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(cache_headers::X_CACHE, x_cache);
    for (name, value) in [
        (header::ETAG, file.etag),
        (header::LAST_MODIFIED, http_date(file.changed_at)),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// Whether the asker has this very file. Entity tags are the better witness: who names some is not
/// asked for a date.
fn is_known(file: &FeedFile, asked: &HeaderMap) -> bool {
    if asked.contains_key(header::IF_NONE_MATCH) {
        return cache_headers::is_known(asked, &file.etag);
    }
    let since = asked.get(header::IF_MODIFIED_SINCE);
    let since = since.and_then(|value| DateTime::parse_from_rfc2822(value.to_str().ok()?).ok());
    // The header has no fractions of a second.
    since.is_some_and(|since| file.changed_at.timestamp() <= since.timestamp())
}

fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn try_again() -> Response {
    let headers = [
        (header::RETRY_AFTER, "10"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let message = "the feeds are being rendered; try again in some seconds\n";
    (StatusCode::SERVICE_UNAVAILABLE, headers, message).into_response()
}
