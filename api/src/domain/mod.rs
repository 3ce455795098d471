//! The rules, one noun a file or folder.

pub mod actor;
pub mod audit;
pub mod error;
pub mod markdown;
pub mod post;
pub mod similar;
pub mod slug;
pub mod taxonomy;
pub mod transaction;
