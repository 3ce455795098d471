//! Content in and out: files become documents, documents become posts, and back.

mod check;
mod document;
pub mod export;
pub mod import;
mod post;
mod schema;
pub mod synth;

pub use document::{Document, EarlierRevision, RevisionDetails, Score};
pub use schema::json_schema;
