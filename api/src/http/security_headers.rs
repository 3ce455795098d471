//! What every answer tells browsers to refuse, in one place.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// What a page may do that says nothing else: nothing. It holds for JSON, too, should a browser ever
/// take it for a page.
const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What GraphiQL may do, which only developers are shown: it comes from a server of others, is put
/// together by a script in the page, and talks to this one.
pub(super) const GRAPHIQL: &str = "default-src 'none'; script-src 'unsafe-inline' https://esm.sh \
    blob: data:; worker-src blob: https://esm.sh; style-src 'unsafe-inline' https://esm.sh; \
    font-src https://esm.sh data:; img-src 'self' https: data:; connect-src 'self' ws: wss: \
    https://esm.sh; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long browsers ask for this server by HTTPS only: a year.
const HTTPS_ONLY: &str = "max-age=31536000";

/// What does not depend on the answer.
const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Adds the headers to an answer, where it does not have its own. `is_https` says whether people reach
/// the server by HTTPS.
pub(super) fn add(response: &mut Response, is_https: bool) {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static(NOTHING);
        headers.insert(header::CONTENT_SECURITY_POLICY, nothing);
    }
    // What anybody may keep anybody may show.
    let whose = if is_public(headers) {
        "cross-origin"
    } else {
        "same-origin"
    };
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static(whose));
    if is_page(headers) {
        let policy = HeaderName::from_static("cross-origin-opener-policy");
        headers.insert(policy, HeaderValue::from_static("same-origin"));
    }
    if is_https {
        let only = HeaderValue::from_static(HTTPS_ONLY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, only);
    }
}

fn is_public(headers: &HeaderMap) -> bool {
    holds(headers, header::CACHE_CONTROL, "public")
}

fn is_page(headers: &HeaderMap) -> bool {
    holds(headers, header::CONTENT_TYPE, "text/html")
}

fn holds(headers: &HeaderMap, name: HeaderName, text: &str) -> bool {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains(text))
}
