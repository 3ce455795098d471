//! The rules, one noun a file or folder.

pub mod actor;
pub mod api_token;
pub mod audit;
pub mod authentication;
pub mod error;
pub mod idempotency;
pub mod import;
pub mod markdown;
mod newest;
pub mod one_time_link;
pub mod page;
pub mod patch;
pub mod permission;
pub mod perspective;
pub mod post;
pub mod preview;
pub mod release;
pub mod score;
pub mod search;
pub mod session;
mod sign_in_throttle;
pub mod signing_key;
pub mod similar;
pub mod slug;
pub mod taxonomy;
pub mod transaction;
pub mod user;
