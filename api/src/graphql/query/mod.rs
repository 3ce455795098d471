//! What can be asked, one file a noun.

mod node;
mod post;
mod redirect;
mod release;
mod search;
mod term;

use async_graphql::MergedObject;

pub use node::NodeQuery;
pub use post::PostQuery;
pub use redirect::RedirectQuery;
pub use release::ReleaseQuery;
pub use search::SearchQuery;
pub use term::TermQuery;

/// Everything that can be asked. Anonymous requests see what is published, and nothing else.
#[derive(Default, MergedObject)]
pub struct Query(
    PostQuery,
    SearchQuery,
    TermQuery,
    RedirectQuery,
    ReleaseQuery,
    NodeQuery,
);
