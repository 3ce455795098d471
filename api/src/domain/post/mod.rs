//! Posts: field notes on one problem in one stack.

mod check;
mod checklist;
mod content;
mod slug;

pub use check::{InvalidField, MAXIMUM_NESTING};
pub use checklist::{ChecklistItem, checklist_id, complete_checklist};
pub use content::{Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo};
pub use slug::{MAXIMUM_SLUG_LENGTH, is_slug, slug_of};
