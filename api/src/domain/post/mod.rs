//! Posts: field notes on one problem in one stack.

mod check;
mod content;
mod create;
mod prepare;
mod publish;
mod revise;
mod rows;

pub use content::{
    ChecklistItem, Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo,
};
pub use create::{SavedPost, create};
pub use prepare::{NewPost, NewRevision, NewScore, PreparedPost, PreparedRevision};
pub use publish::publish;
pub use revise::{Standing, revise};

/// The path of a post on the site.
pub fn path(slug: &str) -> String {
    format!("/posts/{slug}")
}
