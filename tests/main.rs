//! One binary for every test, so that they link once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod document_schema;
mod export_round_trip;
mod import_files;
mod import_hostile;
mod import_json;
mod import_manual;
mod import_markdown;
mod import_page_text;
mod isolation;
mod queue;
mod similar_posts;
mod support;
mod synth;
mod worker;
