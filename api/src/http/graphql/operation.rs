//! The operation that a call asks for, held to the limits before anything is validated or run.

use std::sync::Arc;

use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Request, ServerError, Variables};
use axum::http::StatusCode;

use super::answer::code_of;
use super::call::{Call, Method};
use crate::graphql::cost;
use crate::graphql::document::{Documents, PARSE_FAILED, complete_variables};
use crate::graphql::limits::{check_variables, refusal};
use crate::graphql::mutation::CREDENTIAL_FIELDS;
use crate::graphql::root_fields::RootFields;

/// Parses the operation and holds it to the limits. Of a request that could be read, but not run, the
/// status is 200: it is up to the media type what becomes of that.
#[allow(clippy::result_large_err, reason = "one a request, on its way out")]
pub(in crate::http) fn prepare(
    documents: &Documents,
    call: &Call,
    method: Method,
) -> Result<(Request, Operation), (StatusCode, ServerError)> {
    let bad = |error: ServerError| (StatusCode::BAD_REQUEST, error);
    let query = call.query.as_deref();
    let Some(query) = query.filter(|query| !query.trim().is_empty()) else {
        let message = "`query` is missing; send the text of an operation";
        return Err(bad(refusal("BAD_REQUEST", message)));
    };
    let document = documents.get(query).map_err(|error| {
        let status = match code_of(&error).as_deref() {
            Some(PARSE_FAILED) => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, error)
    })?;
    let mut operation = Operation::of(&document, call.operation_name.as_deref());
    if method == Method::Get && operation.kind != OperationType::Query {
        let error = refusal(
            "METHOD_NOT_ALLOWED",
            "send mutations by POST, and subscriptions over a WebSocket to /graphql/ws",
        );
        return Err((StatusCode::METHOD_NOT_ALLOWED, error));
    }
    let mut variables = call.variables.clone().unwrap_or_default();
    check_variables(variables.values()).map_err(bad)?;
    complete_variables(&document, &mut variables);
    let name = call.operation_name.as_deref();
    operation.cost = cost::of_request(&document, name, &variables);
    let variables = serde_json::Value::Object(variables);
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    if let Some(name) = &call.operation_name {
        request = request.operation_name(name.clone());
    }
    request.set_parsed_query(ExecutableDocument::clone(&document));
    Ok((request, operation))
}

fn is_credential(selection: &Selection) -> bool {
    match selection {
        Selection::Field(field) => CREDENTIAL_FIELDS.contains(&field.node.name.node.as_str()),
        _ => false,
    }
}

/// What is asked for.
pub(in crate::http) struct Operation {
    pub(super) name: Option<Arc<str>>,
    pub(in crate::http) kind: OperationType,
    /// What it asks for at its root, when it is clear which operation is meant.
    pub(super) root_fields: Option<RootFields>,
    /// Whether all that it does is prove who asks, so that the header `Authorization` says nothing:
    /// whoever renews an expired session sends the expired token along.
    pub(super) proves_itself: bool,
    /// Whether it makes one change and does nothing else, so that it can be run again as a whole
    /// when the change wrote nothing.
    pub(super) is_one_change: bool,
    /// Points that it costs whoever sends it.
    pub(in crate::http) cost: u32,
}

impl Operation {
    /// The operation of a document that will be run.
    fn of(document: &ExecutableDocument, name: Option<&str>) -> Self {
        let mut operations = document.operations.iter();
        let found = match name {
            Some(name) => operations.find(|(found, _)| found.is_some_and(|found| found == name)),
            // Of several one has to be named, or none is run.
            None => operations.next().filter(|_| operations.next().is_none()),
        };
        Self {
            cost: 1,
            name: found.and_then(|(name, _)| name.map(|name| name.as_str().into())),
            kind: found.map_or(OperationType::Query, |(_, operation)| operation.node.ty),
            root_fields: RootFields::of(document, name),
            is_one_change: found.is_some_and(|(_, operation)| {
                let fields = &operation.node.selection_set.node.items;
                operation.node.ty == OperationType::Mutation
                    && matches!(fields.as_slice(), [field] if matches!(field.node, Selection::Field(_)))
            }),
            proves_itself: found.is_some_and(|(_, operation)| {
                let fields = operation.node.selection_set.node.items.iter();
                operation.node.ty == OperationType::Mutation
                    && fields.map(|selection| &selection.node).all(is_credential)
            }),
        }
    }
}
