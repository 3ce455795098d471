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

/// How deep selections may be nested, those of fields, of inline fragments and of fragments that
/// are spread alike; checking them recurses this far, here and in the library.
const LEVELS: u64 = 60;

/// How many operations a document may have.
pub const OPERATIONS: usize = 20;

/// How many fields and fragments the operations of a document may have together, fragments expanded.
pub const FIELDS: u64 = 2_000;

/// How many fields may be renamed, fragments expanded.
pub const ALIASES: u64 = 50;

/// How many directives may be used, fragments expanded.
pub const DIRECTIVES: u64 = 50;

/// How many fields an operation may have at its root.
pub const ROOT_FIELDS: u64 = 20;

/// How often lists of the schema may be nested in each other. Types lead to fields and those to types
/// again, so that few levels stand for millions.
const SCHEMA_LISTS: u64 = 2;

/// What a document may cost, a list counting as many times as it may have rows.
pub const COMPLEXITY: usize = 12_000;

/// What a field that goes through text costs before any of its rows.
pub const DEAR: usize = 1_000;

/// Rows that a list is counted as which does not say how many it wants.
pub const ROWS: usize = 20;

/// The most rows that any list answers at once.
pub const SENT_ROWS: usize = 500;

/// Whether a field is one that tells the schema.
pub(super) fn is_schema_field(name: &str) -> bool {
    matches!(name, "__schema" | "__type")
}

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
    if document.contains("\\u0000") || document.contains("\\u{0") || document.contains('\0') {
        return Err(refusal(
            "BAD_USER_INPUT",
            "the document holds a NUL character; no text here has one",
        ));
    }
    let mut nesting: usize = 0;
    for bracket in brackets(document) {
        match bracket {
            b'{' | b'[' | b'(' => nesting += 1,
            _ => nesting = nesting.saturating_sub(1),
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

/// The brackets of a document, without those in strings and comments: those would hide, or seem to
/// be, real ones.
fn brackets(document: &str) -> Vec<u8> {
    let bytes = document.as_bytes();
    let mut brackets = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        at += match bytes[at] {
            b'#' => length_until(rest, 1, |rest| matches!(rest[0], b'\n' | b'\r')),
            b'"' if rest.starts_with(b"\"\"\"") => {
                let end = |rest: &[u8]| rest.starts_with(b"\"\"\"");
                length_until(rest, 3, end).saturating_add(3)
            }
            b'"' => {
                let end = |rest: &[u8]| matches!(rest[0], b'"' | b'\n' | b'\r');
                length_until(rest, 1, end).saturating_add(1)
            }
            bracket @ (b'{' | b'[' | b'(' | b'}' | b']' | b')') => {
                brackets.push(bracket);
                1
            }
            _ => 1,
        };
    }
    brackets
}

/// How far it is from `start` to where `ends` holds, or to the end; what follows a backslash is
/// passed over.
fn length_until(bytes: &[u8], start: usize, ends: impl Fn(&[u8]) -> bool) -> usize {
    let comment = bytes[0] == b'#';
    let mut at = start;
    while at < bytes.len() && !ends(&bytes[at..]) {
        let escape = bytes[at] == b'\\' && !comment;
        let skipped = match escape {
            true if bytes[at + 1..].starts_with(b"\"\"\"") => 4,
            true => 2,
            false => 1,
        };
        at += skipped;
    }
    at.min(bytes.len())
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
        if holds_nul(value, VARIABLE_NESTING) {
            return Err(refusal(
                "BAD_USER_INPUT",
                "a variable holds a NUL character; no text here has one",
            ));
        }
        if !is_within(value, VARIABLE_NESTING) {
            return Err(refusal(
                "DEPTH_LIMIT",
                format!("a variable is nested deeper than {VARIABLE_NESTING} levels"),
            ));
        }
    }
    Ok(())
}

/// Looks no deeper than is allowed anyway.
fn holds_nul(value: &serde_json::Value, levels: usize) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) if levels > 0 => items.iter().any(|item| holds_nul(item, levels - 1)),
        Value::Object(fields) if levels > 0 => {
            fields.values().any(|field| holds_nul(field, levels - 1))
        }
        _ => false,
    }
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
    // Validation visits fragments that nobody spreads, too.
    for name in document.fragments.keys() {
        if counter.fragment(name, 0)?.fields > FIELDS {
            return Err(refusal(
                "FIELD_LIMIT",
                format!("fragment `{name}` stands for more than {FIELDS} fields"),
            ));
        }
    }
    let operations = document.operations.iter().count();
    if operations > OPERATIONS {
        let message =
            format!("the document has {operations} operations; {OPERATIONS} are the most");
        return Err(refusal("OPERATION_LIMIT", message));
    }
    let mut fields: u64 = 0;
    for (_, operation) in document.operations.iter() {
        let OperationDefinition {
            selection_set,
            directives,
            ..
        } = &operation.node;
        let mut size = counter.size(&selection_set.node, 0)?;
        size.directives += count(directives.len());
        // All of them are validated, whichever is run.
        fields = fields.saturating_add(size.fields);
        size.fields = fields;
        let limits = [
            ("DEPTH_LIMIT", "is", "levels deep", size.depth, DEPTH),
            (
                "FIELD_LIMIT",
                "has",
                "fields, fragments expanded",
                size.fields,
                FIELDS,
            ),
            ("ALIAS_LIMIT", "has", "aliases", size.aliases, ALIASES),
            (
                "DIRECTIVE_LIMIT",
                "has",
                "directives",
                size.directives,
                DIRECTIVES,
            ),
            (
                "ROOT_FIELD_LIMIT",
                "has",
                "fields at its root",
                size.roots,
                ROOT_FIELDS,
            ),
        ];
        for (code, verb, what, found, limit) in limits {
            if found > limit {
                let message = format!("the operation {verb} {found} {what}; {limit} are the most");
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
    /// Selections within each other.
    levels: u64,
    /// Lists within each other that only the schema has.
    schema_lists: u64,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.roots = self.roots.saturating_add(other.roots);
        self.levels = self.levels.max(other.levels + 1);
        self.schema_lists = self.schema_lists.max(other.schema_lists);
    }

    /// The selection as a fragment, which counts by itself too: one without fields may be spread
    /// as often as any other.
    fn as_fragment(mut self, directives: usize) -> Self {
        self.fields = self.fields.saturating_add(1);
        self.directives = self.directives.saturating_add(count(directives));
        self
    }
}

struct Counter<'document> {
    fragments: &'document HashMap<Name, Positioned<FragmentDefinition>>,
    /// The size of each fragment seen so far; none while it is being counted.
    known: HashMap<&'document str, Option<Size>>,
}

impl<'document> Counter<'document> {
    /// The size of a selection that is within `level` others.
    fn size(
        &mut self,
        selection: &'document SelectionSet,
        level: u64,
    ) -> Result<Size, ServerError> {
        let mut size = Size::default();
        if level > LEVELS {
            return Err(too_many_levels());
        }
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let inner = self.size(&field.selection_set.node, level + 1)?;
                    let name = field.name.node.as_str();
                    let is_schema = is_schema_field(name);
                    if is_schema && inner.schema_lists > SCHEMA_LISTS {
                        return Err(refusal(
                            "DEPTH_LIMIT",
                            format!(
                                "lists of the schema are nested deeper than {SCHEMA_LISTS} levels"
                            ),
                        ));
                    }
                    size.add(Size {
                        schema_lists: inner.schema_lists + u64::from(is_schema_list(name)),
                        depth: inner.depth + 1,
                        fields: inner.fields.saturating_add(1),
                        aliases: inner.aliases.saturating_add(field.alias.is_some().into()),
                        directives: inner
                            .directives
                            .saturating_add(count(field.directives.len())),
                        roots: 1,
                        levels: inner.levels,
                    });
                }
                Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    let inner = self.size(&fragment.selection_set.node, level + 1)?;
                    size.add(inner.as_fragment(fragment.directives.len()));
                }
                Selection::FragmentSpread(spread) => {
                    let spread = &spread.node;
                    let inner = self.fragment(&spread.fragment_name.node, level + 1)?;
                    size.add(inner.as_fragment(spread.directives.len()));
                }
            }
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &'document Name, level: u64) -> Result<Size, ServerError> {
        match self.known.get(name.as_str()) {
            Some(Some(size)) if level + size.levels > LEVELS => return Err(too_many_levels()),
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
        let size = self.size(&fragment.node.selection_set.node, level)?;
        self.known.insert(name, Some(size));
        Ok(size)
    }
}

/// Whether a field of the schema is a list that leads to types.
fn is_schema_list(name: &str) -> bool {
    matches!(
        name,
        "fields" | "inputFields" | "interfaces" | "possibleTypes"
    )
}

fn too_many_levels() -> ServerError {
    refusal(
        "DEPTH_LIMIT",
        format!("selections and fragments are nested deeper than {LEVELS} levels"),
    )
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
