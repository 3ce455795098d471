//! The types of the schema, one file a noun.

pub mod connection;
pub mod facet;
pub mod node;
pub mod post;
pub mod post_at_hand;
pub mod post_filter;
pub mod redirect;
pub mod revision;
pub mod scalar_filter;
pub mod score;
pub mod search;
pub mod seo;
pub mod similar_post;
pub mod term;
pub mod term_filter;
