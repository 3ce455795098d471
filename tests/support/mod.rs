//! What several tests need.

pub mod reading;
