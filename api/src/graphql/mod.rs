//! The schema: types, queries and loaders, one file a noun. Resolvers turn arguments and the shape
//! of the query into calls of the domain, and its answers into types; rules live in the domain.

pub mod context;
pub mod document;
mod error;
pub mod limits;
mod loader;
pub mod mutation;
mod node_id;
mod pagination;
mod patch;
pub mod perspective;
pub mod query;
pub mod types;

use async_graphql::{EmptySubscription, SchemaBuilder};

use context::Site;
use mutation::Mutation;
use query::Query;

/// The schema of the API.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Begins the schema for a site; limits are added by whoever serves it.
pub fn schema(site: Site) -> SchemaBuilder<Query, Mutation, EmptySubscription> {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .register_output_type::<types::node::Node>()
        .data(site)
}

/// The schema in its definition language, as `schema.graphql` holds it.
pub fn definition() -> String {
    schema(Site { url: String::new() }).finish().sdl()
}
