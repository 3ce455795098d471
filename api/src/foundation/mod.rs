//! What everything stands on: the clock, the database, cache tags, ids, threads, secrets, and where
//! requests may go.

pub mod cache_tag;
mod checkpoint;
pub mod clock;
pub mod database;
pub mod destination;
pub mod hash;
pub mod id;
pub mod secret;
pub mod thread;
