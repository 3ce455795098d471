//! What everything stands on: the clock, the database and its plans, cache tags, ids, threads, secrets,
//! errors in words, where requests may go, and how requests that were answered are counted.

pub mod build;
pub mod cache_tag;
pub mod causes;
mod checkpoint;
pub mod clock;
pub mod database;
pub mod destination;
pub mod hash;
pub mod id;
pub mod latency;
pub mod news;
pub mod plan;
pub mod recorder;
pub mod secret;
pub mod sentence;
pub mod served;
pub mod tag_versions;
pub mod thread;
mod write_lock;
