//! The words that posts share: tools, stacks and named entities. The three differ in their tables
//! and in that a named entity also has a type; the rules are the same.

mod create;
mod delete;
mod list;
mod merge;
mod uses;
mod word;
mod write;

pub use create::find_or_create;
pub use delete::delete;
pub use list::{TermOrder, count, count_posts, find, find_by_slug, find_to_edit, list};
pub use merge::merge;
pub use write::{NewTerm, TermPatch, create, update};

use sea_orm::sea_query::Expr;
use serde::{Deserialize, Serialize};

/// The longest name, in characters.
pub const NAME_LENGTH: usize = 200;

/// Which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Taxonomy {
    /// What posts use or describe.
    Tool,
    /// The technology stacks posts belong to.
    Stack,
    /// What posts are about, each with a type.
    Entity,
}

impl Taxonomy {
    /// The noun, as cache tags and reasons name it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Stack => "stack",
            Self::Entity => "entity",
        }
    }

    /// The table of the words.
    pub(in crate::domain) fn table(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Stack => "stack",
            Self::Entity => "named_entity",
        }
    }

    /// The type of a word, in a statement over [`Taxonomy::table`]; empty for tools and stacks.
    fn kind(self) -> Expr {
        match self {
            Self::Entity => Expr::col("kind"),
            Self::Tool | Self::Stack => Expr::cust("''"),
        }
    }

    /// The table that joins contents with words.
    pub(in crate::domain) fn join_table(self) -> &'static str {
        match self {
            Self::Tool => "post_content_tool",
            Self::Stack => "post_content_stack",
            Self::Entity => "post_content_entity",
        }
    }

    /// The column of [`Taxonomy::join_table`] that names the word.
    pub(in crate::domain) fn join_column(self) -> &'static str {
        match self {
            Self::Tool => "tool_id",
            Self::Stack => "stack_id",
            Self::Entity => "named_entity_id",
        }
    }
}

/// A word: a tool, a stack or a named entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Term {
    /// Its key.
    pub id: i64,
    /// As people write it.
    pub name: String,
    /// As paths write it.
    pub slug: String,
    /// The type of a named entity; empty for tools and stacks.
    pub kind: String,
}

/// What a word is found by: its type (empty for tools and stacks) and its name.
pub type TermName = (String, String);
