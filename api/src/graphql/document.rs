//! Documents that clients send again and again, parsed and held to the limits once. Whether one is
//! valid is not kept: that depends on its variables too.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, OperationType};
use moka::sync::Cache;

use super::limits::{check_document, check_text, refusal};

/// How many bytes of text the kept documents have together. Parsed, a document takes about thirty
/// times the bytes of its text.
const TEXT_BYTES: u64 = 512 * 1024;

/// The code of a text that is no GraphQL.
pub const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";

/// The documents of late.
#[derive(Debug)]
pub struct Documents(Cache<String, Arc<ExecutableDocument>>);

impl Default for Documents {
    fn default() -> Self {
        let bytes = |text: &String, _: &Arc<_>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self(
            Cache::builder()
                .max_capacity(TEXT_BYTES)
                .weigher(bytes)
                .build(),
        )
    }
}

impl Documents {
    /// The document of a text, parsed.
    ///
    /// # Errors
    ///
    /// When it can't be parsed, or goes beyond a limit.
    pub fn get(&self, text: &str) -> Result<Arc<ExecutableDocument>, ServerError> {
        if let Some(document) = self.0.get(text) {
            return Ok(document);
        }
        let document = Arc::new(parse(text)?);
        self.0.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

/// Parses a document.
///
/// # Errors
///
/// When it can't be parsed, or goes beyond a limit.
pub fn parse(text: &str) -> Result<ExecutableDocument, ServerError> {
    check_text(text)?;
    let document = parse_query(text).map_err(|error| {
        let error = ServerError::from(error);
        ServerError {
            extensions: refusal(PARSE_FAILED, "").extensions,
            ..error
        }
    })?;
    check_document(&document)?;
    Ok(document)
}

/// Whether none of its operations changes anything, or goes on for ever.
pub fn only_queries(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// Gives queries the nulls that absent variables stand for: the library can't work out what a list
/// costs whose `first` is an absent variable. Only queries, where absent and null mean the same; to
/// a mutation they don't.
pub fn complete_variables(
    document: &ExecutableDocument,
    variables: &mut serde_json::Map<String, serde_json::Value>,
) {
    for (_, operation) in document.operations.iter() {
        if operation.node.ty != OperationType::Query {
            continue;
        }
        for definition in &operation.node.variable_definitions {
            let definition = &definition.node;
            let name = definition.name.node.as_str();
            let optional = definition.default_value.is_none() && definition.var_type.node.nullable;
            if optional && !variables.contains_key(name) {
                variables.insert(name.to_owned(), serde_json::Value::Null);
            }
        }
    }
}
