//! Posts: field notes on one problem in one stack.

mod check;
mod content;
mod create;
mod filter;
mod list;
mod order;
mod prepare;
mod publish;
mod revise;
mod rows;
mod select;

pub use content::{
    ChecklistItem, Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo,
};
pub use create::{SavedPost, create};
pub use filter::{
    FlagField, NumberField, PostFilter, Quantifier, TermFilter, Test, TextField, TimeField,
};
pub use list::{PostList, count_many, list, list_many};
pub use order::{PostOrder, PostOrderField};
pub use prepare::{NewPost, NewRevision, NewScore, PreparedPost, PreparedRevision};
pub use publish::publish;
pub use revise::{Standing, revise};
pub use select::{CurrentScore, Post, PostField, PostSelection, Revision};

/// The path of a post on the site.
pub fn path(slug: &str) -> String {
    format!("/posts/{slug}")
}
