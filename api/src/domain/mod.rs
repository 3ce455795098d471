//! The rules, one noun a file or folder.

pub mod actor;
pub mod audit;
pub mod error;
pub mod idempotency;
pub mod import;
pub mod markdown;
pub mod page;
pub mod permission;
pub mod perspective;
pub mod post;
pub mod release;
pub mod search;
pub mod similar;
pub mod slug;
pub mod taxonomy;
pub mod transaction;
