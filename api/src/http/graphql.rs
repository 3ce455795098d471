//! The GraphQL endpoint: POST with JSON, GET for queries, GraphiQL for a browser.

use std::fmt::Write;
use std::sync::Arc;

use async_graphql::http::GraphiQLSource;
use async_graphql::parser::types::{ExecutableDocument, OperationType, Selection};
use async_graphql::{Request, Response as GraphqlResponse, ServerError, Variables};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::authenticate::{self, Origin};
use super::request_log::{Facts, milliseconds};
use super::{Server, perspective};
use crate::domain::actor::Actor;
use crate::domain::perspective::{Perspective, Reader};
use crate::foundation::database::StatementCount;
use crate::graphql::context::RequestContext;
use crate::graphql::error::TRY_AGAIN;
use crate::graphql::limits::{check_variables, refusal};
use crate::graphql::mutation::CREDENTIAL_FIELDS;

/// The largest body of a request, in bytes.
pub(super) const BODY_BYTES: usize = 256 * 1024;

/// A longer header of tags is dropped by proxies; then the lists stand for their rows.
const TAG_HEADER_BYTES: usize = 8 * 1024;

const RESPONSE_TYPE: &str = "application/graphql-response+json";

/// Times that a change is tried while others are in its way.
const TRIES: u8 = 4;

/// What a client sends.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "an object with `query`")]
pub(super) struct Call {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Map<String, serde_json::Value>>,
    /// Of no use here, but allowed by the protocol.
    #[serde(rename = "extensions")]
    _extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Runs an operation sent as JSON.
pub(super) async fn post(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limit = server.request_timeout;
    let answer = tokio::time::timeout(limit, async {
        match read_body(&headers, body).await {
            Ok(call) => run(&server, origin, &headers, call, Method::Post).await,
            Err((status, error)) => refuse(&headers, status, error),
        }
    });
    answer.await.unwrap_or_else(|_| too_slow(&headers))
}

/// Runs a query given in the URL, or shows GraphiQL to a browser.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    origin: Origin,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let wants_page = accepts(&headers, "text/html");
    if server.graphiql
        && wants_page
        && query
            .as_deref()
            .is_none_or(|query| !query.contains("query="))
    {
        return Html(
            GraphiQLSource::build()
                .endpoint("/graphql")
                .subscription_endpoint("/graphql/ws")
                .finish(),
        )
        .into_response();
    }
    let call = match read_query(query.as_deref().unwrap_or_default()) {
        Ok(call) => call,
        Err(error) => return refuse(&headers, StatusCode::BAD_REQUEST, error),
    };
    let answer = run(&server, origin, &headers, call, Method::Get);
    let answer = tokio::time::timeout(server.request_timeout, answer);
    answer.await.unwrap_or_else(|_| too_slow(&headers))
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Call, (StatusCode, ServerError)> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "send the operation as JSON, with Content-Type: application/json";
        let error = refusal("UNSUPPORTED_MEDIA_TYPE", message);
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    let bytes = axum::body::to_bytes(body, BODY_BYTES).await.map_err(|_| {
        let message = format!("the body could not be read; {BODY_BYTES} bytes are the most");
        let error = refusal("BODY_TOO_LARGE", message);
        (StatusCode::PAYLOAD_TOO_LARGE, error)
    })?;
    let bad = |message: String| (StatusCode::BAD_REQUEST, refusal("BAD_REQUEST", message));
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[') {
        return Err(bad(
            "batches are not supported; send one operation a request".into(),
        ));
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("the body is no operation: {error}")))
}

fn read_query(query: &str) -> Result<Call, ServerError> {
    let bad = |message: String| refusal("BAD_REQUEST", message);
    if query.len() > BODY_BYTES {
        return Err(refusal(
            "BODY_TOO_LARGE",
            format!("{BODY_BYTES} bytes are the most"),
        ));
    }
    /// The same, with its objects written as JSON.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Parameters {
        query: Option<String>,
        operation_name: Option<String>,
        variables: Option<String>,
    }
    let uri: axum::http::Uri = format!("/?{query}")
        .parse()
        .map_err(|_| bad("the URL can't be read".into()))?;
    let axum::extract::Query(parameters) =
        axum::extract::Query::<Parameters>::try_from_uri(&uri)
            .map_err(|error| bad(format!("the URL can't be read: {error}")))?;
    let variables = match parameters.variables.as_deref() {
        None | Some("") => None,
        Some(text) => serde_json::from_str(text)
            .map_err(|error| bad(format!("`variables` is no JSON object: {error}")))?,
    };
    Ok(Call {
        query: parameters.query,
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables,
        _extensions: None,
    })
}

async fn run(
    server: &Server,
    origin: Origin,
    headers: &HeaderMap,
    call: Call,
    method: Method,
) -> Response {
    let (mut request, operation) = match prepare(server, &call, method) {
        Ok(prepared) => prepared,
        Err((status, error)) => return refuse(headers, status, error),
    };
    let started = std::time::Instant::now();
    let (request_id, authentication) = (origin.request_id.clone(), StatementCount::default());
    let caller = if operation.proves_itself {
        origin.into_caller(Actor::Anonymous)
    } else {
        match authenticate::caller(server, origin, headers, &authentication).await {
            Ok(caller) => caller,
            Err((status, error)) => return refuse(headers, status, error),
        }
    };
    let actor = caller.actor;
    // A site that always names a perspective names it too when it exchanges its preview link.
    let perspective = match perspective::choose(headers, actor, operation.kind) {
        Ok(perspective) => perspective,
        Err(_) if operation.proves_itself => Perspective::Published,
        Err(error) => {
            let (status, error) = authenticate::refuse(&error, &request_id);
            return refuse(headers, status, error);
        }
    };
    let mut tries = 1;
    let (mut answer, reader) = loop {
        let reader = Arc::new(Reader::new(server.store.database.clone(), perspective));
        let context =
            RequestContext::new(server.store.clone(), caller.clone(), Arc::clone(&reader))
                .with_client(authenticate::client(headers));
        let answer = server.schema.execute(request.data(context)).await;
        if !(operation.is_one_change && tries < TRIES && was_in_the_way(&answer)) {
            break (answer, reader);
        }
        tries += 1;
        request = match prepare(server, &call, method) {
            Ok((request, _)) => request,
            Err((status, error)) => return refuse(headers, status, error),
        };
    };
    add_codes(&mut answer);

    let refused_before_running = answer.data == async_graphql::Value::Null
        && !answer.errors.is_empty()
        && answer.errors.iter().all(|error| error.path.is_empty());
    let status = if refused_before_running && accepts(headers, RESPONSE_TYPE) {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    let mut response = to_response(headers, status, &answer);
    response.headers_mut().extend(answer.http_headers);
    if actor != Actor::Anonymous {
        let private = HeaderValue::from_static("private, no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, private);
    }
    let statements = reader.statements().count() + authentication.count();
    let database_time = reader.statements().time() + authentication.time();
    let timing = format!(
        "db;dur={};desc=\"{statements} statements\", total;dur={}",
        milliseconds(database_time),
        milliseconds(started.elapsed()),
    );
    if let Ok(timing) = HeaderValue::from_str(&timing) {
        response.headers_mut().insert("server-timing", timing);
    }
    if answer.errors.is_empty() {
        add_tags(&mut response, &reader);
    }
    response.extensions_mut().insert(Facts {
        operation: operation.name,
        statements,
        database_time,
        error: answer.errors.first().and_then(code_of),
    });
    response
}

/// Parses the operation and holds it to the limits.
#[allow(clippy::result_large_err, reason = "one a request, on its way out")]
pub(super) fn prepare(
    server: &Server,
    call: &Call,
    method: Method,
) -> Result<(Request, Operation), (StatusCode, ServerError)> {
    let bad = |error: ServerError| (StatusCode::BAD_REQUEST, error);
    let query = call.query.as_deref();
    let Some(query) = query.filter(|query| !query.trim().is_empty()) else {
        let message = "`query` is missing; send the text of an operation";
        return Err(bad(refusal("BAD_REQUEST", message)));
    };
    let document = server.documents.get(query).map_err(bad)?;
    if method == Method::Get && !only_queries(&document) {
        let error = refusal(
            "METHOD_NOT_ALLOWED",
            "send mutations and subscriptions by POST",
        );
        return Err((StatusCode::METHOD_NOT_ALLOWED, error));
    }
    let operation = Operation::of(&document, call.operation_name.as_deref());
    let mut variables = call.variables.clone().unwrap_or_default();
    check_variables(variables.values()).map_err(bad)?;
    complete_variables(&document, &mut variables);
    let variables = serde_json::Value::Object(variables);
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    if let Some(name) = &call.operation_name {
        request = request.operation_name(name.clone());
    }
    request.set_parsed_query(ExecutableDocument::clone(&document));
    Ok((request, operation))
}

/// Gives queries the nulls that absent variables stand for: the library can't work out what a list
/// costs whose `first` is an absent variable. Only queries, where absent and null mean the same; to
/// a mutation they don't.
fn complete_variables(
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

/// Whether the change wrote nothing because another one was in its way, or took a name that it
/// wanted at the same moment. Run again, it sees what the other one did.
fn was_in_the_way(answer: &GraphqlResponse) -> bool {
    let mut errors = answer.errors.iter();
    errors.any(|error| code_of(error).as_deref() == Some(TRY_AGAIN))
}

fn is_credential(selection: &Selection) -> bool {
    match selection {
        Selection::Field(field) => CREDENTIAL_FIELDS.contains(&field.node.name.node.as_str()),
        _ => false,
    }
}

fn only_queries(document: &ExecutableDocument) -> bool {
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| operation.node.ty == OperationType::Query)
}

/// What is asked for.
pub(super) struct Operation {
    name: Option<String>,
    pub(super) kind: OperationType,
    /// Whether all that it does is prove who asks, so that the header `Authorization` says nothing:
    /// whoever renews an expired session sends the expired token along.
    proves_itself: bool,
    /// Whether it makes one change and does nothing else, so that it can be run again as a whole
    /// when the change wrote nothing.
    is_one_change: bool,
}

impl Operation {
    /// The operation of a document that will be run.
    fn of(document: &ExecutableDocument, name: Option<&str>) -> Self {
        let mut operations = document.operations.iter();
        let found = match name {
            Some(name) => operations.find(|(found, _)| found.is_some_and(|found| found == name)),
            None => operations.next(),
        };
        Self {
            name: found.and_then(|(name, _)| name.map(ToString::to_string)),
            kind: found.map_or(OperationType::Query, |(_, operation)| operation.node.ty),
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

/// Gives the library's own errors the codes that ours have.
pub(super) fn add_codes(answer: &mut GraphqlResponse) {
    for error in &mut answer.errors {
        if code_of(error).is_some() {
            continue;
        }
        let code = if error.message == "Query is too complex." {
            error.message = format!(
                "the operation is too complex: lists multiply what is below them, and {} is the \
                 most; ask for fewer rows or fields",
                crate::graphql::limits::COMPLEXITY
            );
            "COMPLEXITY_LIMIT"
        } else if error.path.is_empty() {
            "GRAPHQL_VALIDATION_FAILED"
        } else {
            "BAD_USER_INPUT"
        };
        error
            .extensions
            .get_or_insert_with(Default::default)
            .set("code", code);
    }
}

fn code_of(error: &ServerError) -> Option<String> {
    match error.extensions.as_ref()?.get("code")? {
        async_graphql::Value::String(code) => Some(code.clone()),
        _ => None,
    }
}

fn too_slow(headers: &HeaderMap) -> Response {
    let message = "the request took too long and was given up; ask for less, and send a change again \
                   with its idempotency key, for it may have been made";
    let error = refusal("REQUEST_TIMEOUT", message);
    refuse(headers, StatusCode::REQUEST_TIMEOUT, error)
}

pub(super) fn refuse(headers: &HeaderMap, status: StatusCode, error: ServerError) -> Response {
    let code = code_of(&error);
    let answer = GraphqlResponse::from_errors(vec![error]);
    let mut response = to_response(headers, status, &answer);
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(Facts {
        error: code,
        ..Facts::default()
    });
    response
}

fn to_response(headers: &HeaderMap, status: StatusCode, answer: &GraphqlResponse) -> Response {
    let body = match serde_json::to_vec(answer) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer can't be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let content_type = if accepts(headers, RESPONSE_TYPE) {
        "application/graphql-response+json; charset=utf-8"
    } else {
        "application/json; charset=utf-8"
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // What may be kept for how long is decided by cache rules; without them nothing is.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Says what the answer was made from, so that a cache in front can drop it when that changes.
fn add_tags(response: &mut Response, reader: &Reader) {
    use crate::foundation::cache_tag::CacheTag;
    let tags = reader.tags();
    let mut text = String::new();
    for tag in &tags {
        // Writing to a string can't fail.
        let _ = write!(text, "{tag} ");
    }
    if text.len() > TAG_HEADER_BYTES {
        let lists = tags.iter().map(|tag| match tag {
            CacheTag::Row(noun, _) | CacheTag::List(noun) => CacheTag::List(noun),
        });
        let lists: std::collections::BTreeSet<CacheTag> = lists.collect();
        text = lists.iter().map(|list| format!("{list} ")).collect();
    }
    if text.is_empty() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(text.trim_end()) {
        response.headers_mut().insert("surrogate-key", value);
    }
}

fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains(media_type))
}
