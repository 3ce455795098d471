//! alphanode: a headless CMS for programming websites.
//!
//! Imports run one way; `tests/import_rule.rs` holds it:
//!
//! ```text
//! main -> cli -> app -> http -> graphql -> domain -> queue -> foundation
//! http -> cache -> domain
//! jobs -> domain, transfer, queue, outbound      transfer -> domain      cli -> transfer
//! ```
//!
//! Only [`domain`] and [`queue`] name the crate `entity`, so that no reader can go round the
//! perspective that decides what a request may see.

pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod domain;
pub mod foundation;
pub mod graphql;
pub mod http;
pub mod jobs;
pub mod outbound;
pub mod queue;
pub mod telemetry;
pub mod transfer;
