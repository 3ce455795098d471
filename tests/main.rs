//! One binary for every test, so that they link once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit_log;
mod cache_decision;
mod cache_rules;
mod caching_guide;
