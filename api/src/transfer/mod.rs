//! Content in and out: files become documents, documents become posts, and back.

mod document;
pub mod export;
pub mod import;
pub mod synth;

pub use document::{Document, EarlierRevision, RevisionDetails, Score};
