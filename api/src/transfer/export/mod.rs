//! Export: posts become files.

pub mod markdown;
pub mod ndjson;
mod run;

pub use run::{ExportError, to_markdown, to_ndjson};
