//! Export: posts become files.

pub mod markdown;
pub mod ndjson;
mod run;
mod stored;
mod tar;

pub use run::{ExportError, to_markdown, to_ndjson};
pub use stored::to_database;
