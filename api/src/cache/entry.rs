//! One answer that is ready to be sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderValue;
use chrono::{DateTime, Utc};

use crate::domain::cache_rule::Policy;
use crate::foundation::cache_tag::{CacheTag, joined};
use crate::foundation::hash::sha256;
use crate::foundation::tag_versions::{Moment, Places};

/// A longer header of tags is dropped by proxies; then the lists stand for their rows.
const TAG_HEADER_BYTES: usize = 8 * 1024;

/// An answer that was just made.
#[derive(Debug)]
pub struct NewEntry {
    /// What is sent.
    pub body: Vec<u8>,
    /// The name of the operation.
    pub operation: Option<Arc<str>>,
    /// What it was made from.
    pub tags: BTreeSet<CacheTag>,
    /// The header `X-Cache` when it is sent again.
    pub hit: HeaderValue,
    /// The rules that let it be kept.
    pub policy: Policy,
    /// When it began to be made.
    pub made_at: DateTime<Utc>,
    /// The moment before anything was read for it.
    pub read_at: Moment,
}

/// One answer that is ready to be sent.
#[derive(Debug)]
pub struct Entry {
    /// What is sent.
    pub body: Bytes,
    /// What it is known by.
    pub etags: EntityTags,
    /// The name of the operation.
    pub operation: Option<Arc<str>>,
    /// The header `Cache-Control`.
    pub cache_control: HeaderValue,
    /// The tags it was made from, for caches that are told by them what to drop.
    pub tags: TagHeaders,
    /// The header `X-Cache` when it is sent again.
    pub hit: HeaderValue,
    /// The rules that let it be kept.
    pub policy: Policy,
    made_at: DateTime<Utc>,
    pub(super) read_at: Moment,
    pub(super) places: Places,
}

impl Entry {
    pub(super) fn new(new: NewEntry, places: Places) -> Self {
        let cache_control = HeaderValue::from_str(&new.policy.cache_control);
        Self {
            etags: EntityTags::of(&new.body),
            body: new.body.into(),
            operation: new.operation,
            cache_control: cache_control.unwrap_or(HeaderValue::from_static("no-store")),
            tags: TagHeaders::of(&new.tags),
            hit: new.hit,
            policy: new.policy,
            made_at: new.made_at,
            read_at: new.read_at,
            places,
        }
    }

    /// Seconds since it was made.
    pub fn age(&self, now: DateTime<Utc>) -> u64 {
        u64::try_from((now - self.made_at).num_seconds()).unwrap_or_default()
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        const ALL_ELSE: usize = 600;
        let tags = self.tags.surrogate_key.len() + self.tags.cache_tag.len();
        ALL_ELSE + self.body.len() + tags + 2 * self.places.count()
    }
}

/// What an answer is known by, in each of the media types that it is sent as: their bytes are the same,
/// what they mean is not.
#[derive(Clone, Debug)]
pub struct EntityTags {
    /// As `application/graphql-response+json`.
    pub graphql_response: HeaderValue,
    /// As `application/json`.
    pub json: HeaderValue,
}

impl EntityTags {
    fn of(body: &[u8]) -> Self {
        const HEXADECIMAL_DIGITS: usize = 32;
        let mut hash = sha256(body);
        hash.truncate(HEXADECIMAL_DIGITS);
        let tag = |letter| HeaderValue::from_str(&format!("\"{hash}{letter}\"")).ok();
        let empty = HeaderValue::from_static("\"\"");
        Self {
            graphql_response: tag('g').unwrap_or_else(|| empty.clone()),
            json: tag('j').unwrap_or(empty),
        }
    }
}

/// The tags of an answer as the two headers that caches know.
#[derive(Clone, Debug)]
pub struct TagHeaders {
    /// With spaces between: `Surrogate-Key`.
    pub surrogate_key: HeaderValue,
    /// With commas between: `Cache-Tag`.
    pub cache_tag: HeaderValue,
}

impl TagHeaders {
    /// Those of these tags, shorter than what proxies take: when they are too many, lists stand for
    /// their rows.
    pub fn of(tags: &BTreeSet<CacheTag>) -> Self {
        let mut text = joined(tags);
        if text.len() > TAG_HEADER_BYTES {
            let lists = tags.iter().map(|tag| match tag {
                CacheTag::Row(noun, _) => CacheTag::List(noun),
                tag => *tag,
            });
            text = joined(&lists.collect::<BTreeSet<CacheTag>>());
        }
        let header = |text: &str| HeaderValue::from_str(text).ok();
        let empty = HeaderValue::from_static("");
        Self {
            surrogate_key: header(&text).unwrap_or_else(|| empty.clone()),
            cache_tag: header(&text.replace(' ', ",")).unwrap_or(empty),
        }
    }
}
