//! Export: posts become files.

pub mod markdown;
pub mod ndjson;
