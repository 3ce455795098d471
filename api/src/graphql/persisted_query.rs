//! Texts of operations that clients name by their hash once they have sent them, by the protocol of
//! Apollo's automatic persisted queries: short requests, and addresses that a cache in front can keep.

use std::sync::Arc;

use moka::sync::Cache;

/// How many bytes of text are kept together.
const TEXT_BYTES: u64 = 4 * 1024 * 1024;

/// The texts of late, each under its SHA-256 in hexadecimal digits.
#[derive(Debug)]
pub struct PersistedQueries(Cache<String, Arc<str>>);

impl Default for PersistedQueries {
    fn default() -> Self {
        let bytes = |hash: &String, text: &Arc<str>| {
            u32::try_from(hash.len() + text.len()).unwrap_or(u32::MAX)
        };
        Self(
            Cache::builder()
                .max_capacity(TEXT_BYTES)
                .weigher(bytes)
                .build(),
        )
    }
}

impl PersistedQueries {
    /// The text of a hash, when it has been sent to this process. If it has not, the client sends it
    /// again.
    pub fn find(&self, hash: &str) -> Option<Arc<str>> {
        self.0.get(hash)
    }

    /// Keeps a text under its hash.
    pub fn keep(&self, hash: String, text: &str) {
        self.0.insert(hash, text.into());
    }
}
