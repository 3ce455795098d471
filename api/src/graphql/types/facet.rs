//! How the posts of a list are spread over their values.

use async_graphql::{Enum, SimpleObject};

use crate::domain::post::{self};
use crate::domain::taxonomy::Taxonomy;

/// What posts can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum FacetBy {
    /// By tool.
    Tool,
    /// By entry of the stack.
    Stack,
    /// By named entity.
    Entity,
    /// By difficulty.
    Difficulty,
    /// By the language of the code.
    CodeLanguage,
}

impl From<FacetBy> for post::FacetBy {
    fn from(by: FacetBy) -> Self {
        match by {
            FacetBy::Tool => Self::Terms(Taxonomy::Tool),
            FacetBy::Stack => Self::Terms(Taxonomy::Stack),
            FacetBy::Entity => Self::Terms(Taxonomy::Entity),
            FacetBy::Difficulty => Self::Difficulty,
            FacetBy::CodeLanguage => Self::CodeLanguage,
        }
    }
}

/// The posts of a list, counted by one thing.
#[derive(Clone, Debug, SimpleObject)]
pub struct Facet {
    /// What they are counted by.
    pub by: FacetBy,
    /// The commonest values, 50 at most, the commonest first.
    pub values: Vec<FacetValue>,
}

/// A value, and how many posts of the list have it.
#[derive(Clone, Debug, SimpleObject)]
pub struct FacetValue {
    /// What a filter takes: the slug of a tool, stack or entity, otherwise the value itself.
    pub value: String,
    /// What people read.
    pub label: String,
    /// The type of a named entity; absent for everything else.
    #[graphql(name = "type")]
    pub kind: Option<String>,
    /// How many posts of the list have it.
    pub count: i64,
}

impl From<post::FacetValue> for FacetValue {
    fn from(value: post::FacetValue) -> Self {
        Self {
            value: value.value,
            label: value.label,
            kind: Some(value.kind).filter(|kind| !kind.is_empty()),
            count: value.count,
        }
    }
}
