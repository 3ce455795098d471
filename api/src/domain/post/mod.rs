//! Posts: field notes on one problem in one stack.

mod amend;
mod archive;
mod check;
mod checklist;
mod content;
mod create;
mod facet;
mod filter;
mod history;
mod insert;
mod list;
mod lock;
mod order;
mod prepare;
mod publish;
mod revise;
mod rows;
mod search;
mod select;
mod switch;

pub use amend::amend;
pub use archive::{WholePost, whole_posts};
pub use check::MAXIMUM_NESTING;
pub use checklist::{ChecklistItem, checklist_id, complete_checklist};
pub use content::{Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo};
pub use create::{SavedPost, create};
pub use facet::{FACET_VALUES, FacetBy, FacetValue, facets};
pub use filter::{
    FlagField, NumberField, PostFilter, Quantifier, TermFilter, Test, TextField, TimeField,
};
pub use history::{
    Assessment, Redirect, Transition, assessments, find_revisions, redirect, revisions, transitions,
};
pub use list::{PostList, count_many, find, find_one, list, list_many, list_statement};
pub(in crate::domain) use lock::lock_many;
pub use order::{PostOrder, PostOrderField};
pub use prepare::{NewPost, NewRevision, NewScore, PreparedPost, PreparedRevision};
pub(in crate::domain) use publish::{IN_TRASH, ReviewStanding};
pub use publish::{publish, unpublish};
pub use revise::{Standing, revise};
pub use search::{SearchHit, count_hits, search};
pub use select::{CurrentScore, Post, PostField, PostSelection, Revision};
pub(in crate::domain) use switch::{MOST_SWITCHES, Switch, move_to, switch};

/// The path of a post on the site.
pub fn path(slug: &str) -> String {
    format!("/posts/{slug}")
}
