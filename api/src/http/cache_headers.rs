//! What tells clients and caches in between how long an answer is good for, and people why.
//!
//! Every header about caching is written here.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::graphql::MediaType;
use crate::cache::{Entry, ResponseCache, TagHeaders};
use crate::domain::cache_rule::{Policy, Reason, Target, asks_for_fresh};
use crate::domain::perspective::PUBLISHED;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::served::CacheOutcome;
use crate::graphql::perspective;

const AGE: HeaderName = HeaderName::from_static("age");
const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");
pub(super) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What an answer depends on beside its address.
const VARY: HeaderValue =
    HeaderValue::from_static("accept, authorization, x-alphanode-perspective");

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Why the cache was left out, and the rules that would have let the answer be kept.
#[derive(Clone, Debug)]
pub(super) struct Bypass {
    reason: &'static str,
    rules: Option<Arc<str>>,
}

impl Bypass {
    /// Because of something that no rule can change.
    pub(super) fn because(reason: &'static str) -> Self {
        Self {
            reason,
            rules: None,
        }
    }

    /// Although these rules would have let it be kept.
    pub(super) fn despite(rules: Arc<str>, reason: &'static str) -> Self {
        Self {
            reason,
            rules: Some(rules),
        }
    }

    /// As the rules say.
    pub(super) fn of(reason: &Reason) -> Self {
        Self {
            reason: reason.word().unwrap_or_default(),
            rules: reason.rules().map(Arc::from),
        }
    }

    pub(super) fn rules(&self) -> Option<&Arc<str>> {
        self.rules.as_ref()
    }
}

/// Whether a request is one of the public for what is published, by its headers alone.
pub(super) fn is_public(headers: &HeaderMap) -> bool {
    let mut perspectives = headers.get_all(perspective::HEADER).iter();
    !headers.contains_key(header::AUTHORIZATION) && perspectives.all(|value| value == PUBLISHED)
}

/// What the cache rules allow to be kept of a target, or why nothing.
pub(super) async fn allowed(cache: &ResponseCache, target: &Target<'_>) -> Result<Policy, Bypass> {
    match cache.rules().await {
        Ok(rules) => rules.allow(target).map_err(|reason| Bypass::of(&reason)),
        Err(error) => {
            tracing::error!(%error, "the cache rules can't be read; nothing is kept");
            Err(Bypass::because("rules-unknown"))
        }
    }
}

/// Whether a condition of the rules has this request pass by.
pub(super) fn is_bypassed(policy: &Policy, headers: &HeaderMap) -> bool {
    if policy.bypass.is_empty() {
        return false;
    }
    // HTTP/2 may send each cookie by itself.
    let cookies = headers.get_all(header::COOKIE).iter();
    let cookies: Vec<&str> = cookies.filter_map(|value| value.to_str().ok()).collect();
    let cookies = cookies.join("; ");
    let value = |name: &str| match name.eq_ignore_ascii_case("cookie") {
        true => Some(cookies.as_str()).filter(|cookies| !cookies.is_empty()),
        false => headers.get(name).and_then(|value| value.to_str().ok()),
    };
    policy.bypass(value).is_some()
}

/// Whether a client wants an answer that is made for it.
pub(super) fn wants_new(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let mut values = values.map(|value| value.to_str().unwrap_or_default());
    values.any(asks_for_fresh)
}

/// Headers of an answer that is kept, at most about.
const HEADERS: usize = 24;

/// An answer that is kept, or that the client has it already when `conditions` holds its entity tag.
pub(super) fn kept(
    entry: &Entry,
    media_type: MediaType,
    conditions: Option<&HeaderMap>,
    outcome: CacheOutcome,
    age: u64,
) -> Response {
    let etag = match media_type {
        MediaType::GraphqlResponse => &entry.etags.graphql_response,
        MediaType::Json => &entry.etags.json,
    };
    let is_known = |headers| etag.to_str().is_ok_and(|etag| is_known(headers, etag));
    let mut response = match conditions.is_some_and(is_known) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let mut response = entry.body.clone().into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, media_type.header());
            response
        }
    };
    let headers = response.headers_mut();
    // Room for all that are to come, made once.
    headers.reserve(HEADERS);
    headers.insert(header::ETAG, etag.clone());
    headers.insert(header::CACHE_CONTROL, entry.cache_control.clone());
    headers.insert(header::VARY, VARY);
    headers.insert(SURROGATE_KEY, entry.tags.surrogate_key.clone());
    headers.insert(CACHE_TAG, entry.tags.cache_tag.clone());
    if outcome != CacheOutcome::Miss {
        headers.insert(AGE, HeaderValue::from(age));
    }
    let x_cache = match outcome {
        CacheOutcome::Hit => entry.hit.clone(),
        _ => x_cache(outcome, &entry.policy.rules, None),
    };
    headers.insert(X_CACHE, x_cache);
    response
}

/// The header `X-Cache` of what is kept by this policy, and sent again.
pub(super) fn hit(policy: &Policy) -> HeaderValue {
    x_cache(CacheOutcome::Hit, &policy.rules, None)
}

/// Marks an answer that nobody may keep, and says why.
pub(super) fn not_kept(
    response: &mut Response,
    private: bool,
    tags: Option<&BTreeSet<CacheTag>>,
    why: &Bypass,
) {
    let headers = response.headers_mut();
    let cache_control = match private {
        true => HeaderValue::from_static("private, no-store"),
        false => NO_STORE,
    };
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::VARY, VARY);
    if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
        let tags = TagHeaders::of(tags);
        headers.insert(SURROGATE_KEY, tags.surrogate_key);
        headers.insert(CACHE_TAG, tags.cache_tag);
    }
    let rules = why.rules.as_deref().unwrap_or_default();
    headers.insert(
        X_CACHE,
        x_cache(CacheOutcome::Bypass, rules, Some(why.reason)),
    );
}

/// `Cache-Control` and `X-Cache` of a file, which is never kept here but may be elsewhere.
pub(super) fn of_file(policy: Result<Policy, Bypass>) -> [HeaderValue; 2] {
    match policy {
        Ok(policy) => [
            HeaderValue::from_str(&policy.cache_control).unwrap_or(NO_STORE),
            x_cache(CacheOutcome::Miss, &policy.rules, None),
        ],
        Err(why) => {
            let rules = why.rules.as_deref().unwrap_or_default();
            [
                NO_STORE,
                x_cache(CacheOutcome::Bypass, rules, Some(why.reason)),
            ]
        }
    }
}

/// Whether a client that names entity tags names this one.
pub(super) fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let named = headers.get_all(header::IF_NONE_MATCH).iter();
    let named = named.filter_map(|value| value.to_str().ok());
    let mut named = named.flat_map(|value| value.split(',')).map(str::trim);
    named.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

fn x_cache(outcome: CacheOutcome, rules: &str, reason: Option<&str>) -> HeaderValue {
    let mut text = String::from(outcome.as_str());
    for (name, value) in [("rule", Some(rules)), ("reason", reason)] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // Writing to a string can't fail.
            let _ = write!(text, "; {name}={value}");
        }
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("BYPASS"))
}
