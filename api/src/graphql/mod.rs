//! The schema: types, queries and loaders, one file a noun. Resolvers turn arguments and the shape
//! of the query into calls of the domain, and its answers into types; rules live in the domain.

pub mod context;
pub mod cost;
pub mod document;
pub mod error;
pub mod limits;
mod loader;
pub mod mutation;
pub mod node_id;
mod pagination;
mod patch;
pub mod persisted_query;
pub mod perspective;
pub mod query;
pub mod root_fields;
pub mod subscription;
pub mod types;

use context::Site;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema while it is put together.
pub type SchemaBuilder = async_graphql::SchemaBuilder<Query, Mutation, Subscription>;

/// Begins the schema for a site; limits are added by whoever serves it.
pub fn schema(site: Site) -> SchemaBuilder {
    Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .register_output_type::<types::node::Node>()
    .data(site)
}

/// The schema in its definition language, as `schema.graphql` holds it.
pub fn definition() -> String {
    schema(Site { url: String::new() }).finish().sdl()
}
