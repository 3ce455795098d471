//! What everything stands on: the clock, the database, cache tags.

pub mod cache_tag;
pub mod clock;
pub mod database;
