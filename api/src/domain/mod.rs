//! The rules, one noun a file or folder.

pub mod post;
