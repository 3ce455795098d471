//! What everything stands on: the clock, the database, cache tags, ids, threads, secrets, errors in
//! words, and where requests may go.

pub mod cache_tag;
pub mod causes;
mod checkpoint;
pub mod clock;
pub mod database;
pub mod destination;
pub mod hash;
pub mod id;
pub mod news;
pub mod secret;
pub mod tag_versions;
pub mod thread;
mod write_lock;
