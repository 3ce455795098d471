//! What everything stands on: the clock, the database, cache tags, threads, secrets.

pub mod cache_tag;
mod checkpoint;
pub mod clock;
pub mod database;
pub mod hash;
pub mod secret;
pub mod thread;
