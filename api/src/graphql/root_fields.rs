//! What a document asks for at its root.

use std::collections::HashSet;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection, SelectionSet};

use super::limits::is_schema_field;
use crate::domain::cache_rule::OperationKind;

/// What the operation of a document asks for at its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootFields {
    /// The kind of the operation.
    pub kind: OperationKind,
    /// Its root fields by their names, not their aliases, in their order and each once. Fragments are
    /// expanded, and what `@skip` and `@include` say is not heeded: a field that may be asked for is.
    pub names: Vec<String>,
}

impl RootFields {
    /// Those of the operation with a name, or of the only one when nobody says which. None when there
    /// is no such operation, or it can't be told which is meant.
    pub fn of(document: &ExecutableDocument, operation_name: Option<&str>) -> Option<Self> {
        let mut operations = document.operations.iter();
        let operation = match operation_name {
            Some(name) => operations
                .find(|(found, _)| found.is_some_and(|found| found == name))
                .map(|(_, operation)| operation),
            None => operations
                .next()
                .map(|(_, operation)| operation)
                .filter(|_| operations.next().is_none()),
        };
        let operation = &operation?.node;
        let mut names = Names {
            document,
            found: Vec::new(),
            spread: HashSet::new(),
        };
        names.add(&operation.selection_set.node);
        Some(Self {
            kind: match operation.ty {
                OperationType::Query => OperationKind::Query,
                OperationType::Mutation => OperationKind::Mutation,
                OperationType::Subscription => OperationKind::Subscription,
            },
            names: names.found,
        })
    }

    /// Whether the schema itself is asked for.
    pub fn asks_for_the_schema(&self) -> bool {
        self.names.iter().any(|name| is_schema_field(name))
    }
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
