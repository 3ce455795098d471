//! Filters on tools, stacks and named entities.

use async_graphql::InputObject;

use super::scalar_filter::{IdFilter, StringFilter};
use crate::domain::error::Result;
use crate::domain::post::{PostFilter, Quantifier, TermFilter};
use crate::domain::taxonomy::Taxonomy;
use crate::graphql::node_id::NodeType;

/// Which tools. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ToolFilter {
    /// By id.
    pub id: Option<IdFilter>,
    /// By name, as it is written.
    pub name: Option<StringFilter>,
    /// By slug, e.g. `sea-orm`.
    pub slug: Option<StringFilter>,
    /// All of these hold.
    pub and: Option<Vec<ToolFilter>>,
    /// One of these holds.
    pub or: Option<Vec<ToolFilter>>,
    /// This does not hold.
    pub not: Option<Box<ToolFilter>>,
}

/// Which stacks. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StackFilter {
    /// By id.
    pub id: Option<IdFilter>,
    /// By name, as it is written.
    pub name: Option<StringFilter>,
    /// By slug, e.g. `next-js`.
    pub slug: Option<StringFilter>,
    /// All of these hold.
    pub and: Option<Vec<StackFilter>>,
    /// One of these holds.
    pub or: Option<Vec<StackFilter>>,
    /// This does not hold.
    pub not: Option<Box<StackFilter>>,
}

/// Which named entities. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EntityFilter {
    /// By id.
    pub id: Option<IdFilter>,
    /// By name, as it is written.
    pub name: Option<StringFilter>,
    /// By slug; unique within a type.
    pub slug: Option<StringFilter>,
    /// By type, e.g. `problem`.
    #[graphql(name = "type")]
    pub kind: Option<StringFilter>,
    /// All of these hold.
    pub and: Option<Vec<EntityFilter>>,
    /// One of these holds.
    pub or: Option<Vec<EntityFilter>>,
    /// This does not hold.
    pub not: Option<Box<EntityFilter>>,
}

/// Tests on the tools of a post. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct ToolsFilter {
    /// The post has a tool like this.
    pub some: Option<ToolFilter>,
    /// The post has no tool like this.
    pub none: Option<ToolFilter>,
    /// All tools of the post are like this, if it has any.
    pub every: Option<ToolFilter>,
}

/// Tests on the stack of a post. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct StacksFilter {
    /// The post's stack has an entry like this.
    pub some: Option<StackFilter>,
    /// The post's stack has no entry like this.
    pub none: Option<StackFilter>,
    /// All entries of the post's stack are like this, if it has any.
    pub every: Option<StackFilter>,
}

/// Tests on the named entities of a post. Everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
pub struct EntitiesFilter {
    /// The post is about an entity like this.
    pub some: Option<EntityFilter>,
    /// The post is about no entity like this.
    pub none: Option<EntityFilter>,
    /// All entities of the post are like this, if it has any.
    pub every: Option<EntityFilter>,
}

macro_rules! term_filter {
    ($input:ty, $quantified:ty, $taxonomy:expr, $node:expr $(, $kind:ident)?) => {
        impl $input {
            /// The filter in terms of the domain.
            ///
            /// # Errors
            ///
            /// A bad argument when an id is of another type.
            pub fn into_domain(self) -> Result<TermFilter> {
                let mut parts = Vec::new();
                if let Some(id) = self.id {
                    parts.extend(id.tests($node)?.into_iter().map(TermFilter::Id));
                }
                if let Some(name) = self.name {
                    parts.extend(name.tests().into_iter().map(TermFilter::Name));
                }
                if let Some(slug) = self.slug {
                    parts.extend(slug.tests().into_iter().map(TermFilter::Slug));
                }
                $(if let Some(kind) = self.$kind {
                    parts.extend(kind.tests().into_iter().map(TermFilter::Kind));
                })?
                if let Some(all) = self.and {
                    let all: Result<Vec<_>> = all.into_iter().map(Self::into_domain).collect();
                    parts.push(TermFilter::All(all?));
                }
                if let Some(any) = self.or {
                    let any: Result<Vec<_>> = any.into_iter().map(Self::into_domain).collect();
                    parts.push(TermFilter::Any(any?));
                }
                if let Some(inner) = self.not {
                    parts.push(TermFilter::Not(Box::new(inner.into_domain()?)));
                }
                Ok(match parts.len() {
                    1 => parts.remove(0),
                    _ => TermFilter::All(parts),
                })
            }
        }

        impl $quantified {
            pub(super) fn add_to(self, parts: &mut Vec<PostFilter>) -> Result<()> {
                let given = [
                    (Quantifier::Some, self.some),
                    (Quantifier::None, self.none),
                    (Quantifier::Every, self.every),
                ];
                for (quantifier, filter) in given {
                    if let Some(filter) = filter {
                        let filter = filter.into_domain()?;
                        parts.push(PostFilter::Terms($taxonomy, quantifier, filter));
                    }
                }
                Ok(())
            }
        }
    };
}

term_filter!(ToolFilter, ToolsFilter, Taxonomy::Tool, NodeType::Tool);
term_filter!(StackFilter, StacksFilter, Taxonomy::Stack, NodeType::Stack);
term_filter!(
    EntityFilter,
    EntitiesFilter,
    Taxonomy::Entity,
    NodeType::Entity,
    kind
);
