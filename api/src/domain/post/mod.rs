//! Posts: field notes on one problem in one stack.

mod content;

pub use content::{
    ChecklistItem, Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo,
};
