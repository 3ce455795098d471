//! What a document may ask for, checked before anything is validated or run. Depth, complexity and
//! recursion limits of the library come too late for a small document of fragments that spread each
//! other: its size after expansion is counted here, each fragment once.

use std::collections::HashMap;

use async_graphql::Name;
use async_graphql::parser::types::{
    ExecutableDocument, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Positioned, ServerError};

/// The longest document, in bytes.
pub const DOCUMENT_BYTES: usize = 64 * 1024;

/// How deep braces, brackets and parentheses may be nested in a document; parsing it and reading
/// its arguments recurse this far.
const NESTING: usize = 40;

/// How deep the values of variables may be nested; reading them as inputs recurses this far.
const VARIABLE_NESTING: usize = 20;

/// How deep fields may be nested, fragments expanded.
pub const DEPTH: u64 = 16;

/// How many fields a document may have, fragments expanded.
pub const FIELDS: u64 = 2_000;

/// How many fields may be renamed, fragments expanded.
pub const ALIASES: u64 = 50;

/// How many directives may be used, fragments expanded.
pub const DIRECTIVES: u64 = 50;

/// How many fields an operation may have at its root.
pub const ROOT_FIELDS: u64 = 20;

/// What a document may cost, a list counting as many times as it may have rows.
pub const COMPLEXITY: usize = 12_000;

/// An error of the request as a whole, with its code.
pub fn refusal(code: &str, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    error
        .extensions
        .get_or_insert_with(Default::default)
        .set("code", code);
    error
}

/// Checks the text of a document, so that parsing it is safe.
///
/// # Errors
///
/// When it is too long or nested too deep.
pub fn check_text(document: &str) -> Result<(), ServerError> {
    if document.len() > DOCUMENT_BYTES {
        return Err(refusal(
            "DOCUMENT_TOO_LONG",
            format!(
                "the document is {} bytes long; {DOCUMENT_BYTES} are the most",
                document.len()
            ),
        ));
    }
    let mut nesting: usize = 0;
    for byte in document.bytes() {
        match byte {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if nesting > NESTING {
            return Err(refusal(
                "DEPTH_LIMIT",
                format!("the document is nested deeper than {NESTING} levels"),
            ));
        }
    }
    Ok(())
}

/// Checks the values of variables, so that reading them is safe.
///
/// # Errors
///
/// When one is nested too deep.
pub fn check_variables<'value>(
    values: impl Iterator<Item = &'value serde_json::Value>,
) -> Result<(), ServerError> {
    for value in values {
        if !is_within(value, VARIABLE_NESTING) {
            return Err(refusal(
                "DEPTH_LIMIT",
                format!("a variable is nested deeper than {VARIABLE_NESTING} levels"),
            ));
        }
    }
    Ok(())
}

fn is_within(value: &serde_json::Value, levels: usize) -> bool {
    use serde_json::Value;
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        Value::Object(fields) => {
            levels > 0 && fields.values().all(|field| is_within(field, levels - 1))
        }
        _ => true,
    }
}

/// Checks the size of a document after its fragments are expanded.
///
/// # Errors
///
/// When an operation asks for too much, or fragments spread each other in a circle.
pub fn check_document(document: &ExecutableDocument) -> Result<(), ServerError> {
    let mut counter = Counter {
        fragments: &document.fragments,
        known: HashMap::new(),
    };
    for (_, operation) in document.operations.iter() {
        let OperationDefinition {
            selection_set,
            directives,
            ..
        } = &operation.node;
        let mut size = counter.size(&selection_set.node)?;
        size.directives += count(directives.len());
        let limits = [
            ("DEPTH_LIMIT", "levels deep", size.depth, DEPTH),
            (
                "FIELD_LIMIT",
                "fields long, fragments expanded",
                size.fields,
                FIELDS,
            ),
            ("ALIAS_LIMIT", "aliases long", size.aliases, ALIASES),
            (
                "DIRECTIVE_LIMIT",
                "directives long",
                size.directives,
                DIRECTIVES,
            ),
            (
                "ROOT_FIELD_LIMIT",
                "root fields long",
                size.roots,
                ROOT_FIELDS,
            ),
        ];
        for (code, what, found, limit) in limits {
            if found > limit {
                let message = format!("the operation is {found} {what}; {limit} are the most");
                return Err(refusal(code, message));
            }
        }
    }
    Ok(())
}

/// What a selection comes to, fragments expanded.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: u64,
    fields: u64,
    aliases: u64,
    directives: u64,
    /// Fields at the top of the selection.
    roots: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.roots = self.roots.saturating_add(other.roots);
    }
}

struct Counter<'document> {
    fragments: &'document HashMap<Name, Positioned<FragmentDefinition>>,
    /// The size of each fragment seen so far; none while it is being counted.
    known: HashMap<&'document str, Option<Size>>,
}

impl<'document> Counter<'document> {
    fn size(&mut self, selection: &'document SelectionSet) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let inner = self.size(&field.selection_set.node)?;
                    size.add(Size {
                        depth: inner.depth + 1,
                        fields: inner.fields.saturating_add(1),
                        aliases: inner.aliases.saturating_add(field.alias.is_some().into()),
                        directives: inner
                            .directives
                            .saturating_add(count(field.directives.len())),
                        roots: 1,
                    });
                }
                Selection::InlineFragment(fragment) => {
                    let mut inner = self.size(&fragment.node.selection_set.node)?;
                    inner.directives = inner
                        .directives
                        .saturating_add(count(fragment.node.directives.len()));
                    size.add(inner);
                }
                Selection::FragmentSpread(spread) => {
                    let mut inner = self.fragment(&spread.node.fragment_name.node)?;
                    inner.directives = inner
                        .directives
                        .saturating_add(count(spread.node.directives.len()));
                    size.add(inner);
                }
            }
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'document Name) -> Result<Size, ServerError> {
        match self.known.get(name.as_str()) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                return Err(refusal(
                    "FRAGMENT_CYCLE",
                    format!("fragment `{name}` spreads itself"),
                ));
            }
            None => {}
        }
        // A fragment that does not exist is the business of validation.
        let Some(fragment) = self.fragments.get(name) else {
            return Ok(Size::default());
        };
        self.known.insert(name, None);
        let size = self.size(&fragment.node.selection_set.node)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
