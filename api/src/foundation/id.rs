//! Ids as the world outside holds them: a type and a key, opaque.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The id of the row with `key` of a type of the API, e.g. `Post`.
pub fn public_id(type_name: &str, key: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{type_name}:{key}"))
}
