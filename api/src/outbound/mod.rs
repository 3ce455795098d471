//! What this server asks of others.

pub mod webhook;
