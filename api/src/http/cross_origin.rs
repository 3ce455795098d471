//! What pages of other sites may do: those of the configured origins read and write as their users
//! may, all others nothing that takes a user.

use std::time::Duration;

use async_graphql::ServerError;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tower_http::cors::CorsLayer;

use super::authenticate::refresh_token;
use crate::graphql::limits::refusal;
use crate::graphql::perspective::HEADER;

/// How long a browser remembers what it may send. None remembers longer.
const REMEMBERED: Duration = Duration::from_secs(2 * 60 * 60);

/// Headers that a page may send, besides those that any may.
const SENT: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_TYPE,
    header::IF_NONE_MATCH,
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static(HEADER),
];

/// Headers of answers that a page may read, besides those that any may. The tags are for caches.
const READ: [HeaderName; 11] = [
    header::AGE,
    header::ETAG,
    header::RETRY_AFTER,
    header::CONTENT_DISPOSITION,
    HeaderName::from_static("ratelimit-limit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("ratelimit-remaining"),
    HeaderName::from_static("ratelimit-reset"),
    HeaderName::from_static("server-timing"),
    HeaderName::from_static("x-cache"),
    HeaderName::from_static("x-request-id"),
];

/// What a browser says of where the page is that asks.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Where pages may come from that ask for something.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    /// Where people reach this server.
    pub own: Option<HeaderValue>,
    /// Those of other sites that browsers let ask.
    pub friends: Vec<HeaderValue>,
}

/// Lets pages of friends ask; nothing when there are none.
pub(super) fn layer(origins: &Origins) -> Option<CorsLayer> {
    if origins.friends.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(origins.friends.clone())
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(REMEMBERED)
        .vary([header::ORIGIN]);
    Some(layer)
}

/// Refuses a request that carries the cookie of a session and comes from a page of a stranger. Cookies
/// of ours are not sent by such pages; this holds should a browser send one all the same.
#[allow(clippy::result_large_err, reason = "one a request, on its way out")]
pub(super) fn check_cookie(
    headers: &HeaderMap,
    origins: &Origins,
) -> Result<(), (StatusCode, ServerError)> {
    if refresh_token(headers).is_none() || comes_from_a_friend(headers, origins) {
        return Ok(());
    }
    let message = "the request carries a session and comes from a page of another site; its origin \
                   has to be among the setting `cors_origins`";
    Err((StatusCode::FORBIDDEN, refusal("FORBIDDEN", message)))
}

/// Whether it comes from a page of this server, from one of the origins, or from no page at all.
pub(super) fn comes_from_a_friend(headers: &HeaderMap, origins: &Origins) -> bool {
    let origin = headers.get(header::ORIGIN);
    let is_friend =
        |origin| origins.own.as_ref() == Some(origin) || origins.friends.contains(origin);
    if origin.is_some_and(is_friend) {
        return true;
    }
    let site = headers.get(SITE).map(HeaderValue::as_bytes);
    match (site, origin) {
        (Some(site), _) => matches!(site, b"same-origin" | b"none"),
        // Browsers that say nothing of their own say where a page is from.
        (None, Some(origin)) => is_of_host(origin, headers.get(header::HOST)),
        (None, None) => true,
    }
}

/// Whether an origin is that of the host which is asked.
fn is_of_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    let authority = origin.as_ref().and_then(Uri::authority);
    let host = host.and_then(|host| host.to_str().ok());
    match (authority, host) {
        (Some(authority), Some(host)) => authority.as_str().eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn is_friend(headers: &[(&str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            map.insert(name, value.parse().unwrap());
        }
        map.insert(header::HOST, HeaderValue::from_static("cms.example.org"));
        let origins = Origins {
            own: Some(HeaderValue::from_static("https://api.example.org")),
            friends: vec![HeaderValue::from_static("https://app.example.org")],
        };
        comes_from_a_friend(&map, &origins)
    }

    #[test]
    fn friends_are_known_by_origin_or_by_what_the_browser_says() {
        assert!(is_friend(&[]));
        assert!(is_friend(&[("origin", "https://cms.example.org")]));
        assert!(is_friend(&[("origin", "https://api.example.org")]));
        assert!(is_friend(&[("origin", "https://app.example.org")]));
        assert!(is_friend(&[("sec-fetch-site", "same-origin")]));
        assert!(is_friend(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://app.example.org"),
        ]));
        for stranger in [
            "https://evil.example",
            "https://cms.example.org.evil.example",
            "null",
        ] {
            assert!(!is_friend(&[("origin", stranger)]), "{stranger}");
        }
        assert!(!is_friend(&[("sec-fetch-site", "cross-site")]));
        assert!(!is_friend(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://www.example.org"),
        ]));
    }
}
