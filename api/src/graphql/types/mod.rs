//! The types of the schema, one file a noun.

pub mod connection;
pub mod facet;
pub mod node;
pub mod payload;
pub mod post;
pub mod post_filter;
pub mod redirect;
pub mod release;
pub mod release_input;
pub mod release_preview;
pub mod release_rollback;
pub mod revision;
pub mod scalar_filter;
pub mod score;
pub mod search;
pub mod seo;
pub mod similar_post;
pub mod term;
pub mod term_filter;
pub mod user_error;
