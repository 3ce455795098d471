//! The types of the schema, one file a noun.

pub mod api_token;
pub mod audit_event;
pub mod connection;
pub mod content;
pub mod editing;
pub mod facet;
pub mod node;
pub mod payload;
pub mod post;
pub mod post_filter;
pub mod preview;
pub mod redirect;
pub mod revision;
pub mod revision_diff;
pub mod scalar_filter;
pub mod score;
pub mod search;
pub mod seo;
pub mod session;
pub mod similar_post;
pub mod term;
pub mod term_filter;
pub mod user;
pub mod user_error;
