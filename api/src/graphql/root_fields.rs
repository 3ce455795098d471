//! What an operation asks for at its root.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// The fields at the root of an operation by their names, not their aliases, in their order and each
/// once. Fragments are expanded, and what `@skip` and `@include` say is not heeded: a field that may be
/// asked for is.
pub fn root_fields<'document>(
    document: &'document ExecutableDocument,
    selection: &'document SelectionSet,
) -> Vec<String> {
    let mut names = Names {
        document,
        found: Vec::new(),
        spread: HashSet::new(),
    };
    names.add(selection);
    names.found
}

struct Names<'document> {
    document: &'document ExecutableDocument,
    found: Vec<String>,
    /// Fragments that were expanded: once is enough, and ends those that spread each other.
    spread: HashSet<&'document str>,
}

impl<'document> Names<'document> {
    fn add(&mut self, selection: &'document SelectionSet) {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    if !self.found.iter().any(|found| found == name) {
                        self.found.push(name.to_owned());
                    }
                }
                Selection::InlineFragment(fragment) => self.add(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    let fragment = self.document.fragments.get(name);
                    if let Some(fragment) = fragment
                        && self.spread.insert(name)
                    {
                        self.add(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
}
