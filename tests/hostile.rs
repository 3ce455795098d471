//! Requests that want to do harm. Each gets an answer of the usual form at no cost, and the next honest
//! one is served. Documents are in `limits.rs`, tokens in `credentials.rs`, slow clients in
//! `slow_clients.rs`.

use axum::body::Body;
use axum::http::{Method, Request};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, TestServer};

async fn server() -> TestServer {
    TestServer::create(Backend::Sqlite).await.unwrap()
}

fn call(query: &str, variables: &Value) -> Request<Body> {
    raw(json!({ "query": query, "variables": variables }).to_string())
}

fn raw(body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

fn get(query: &str) -> Request<Body> {
    Request::get(format!("/graphql?{query}"))
        .body(Body::empty())
        .unwrap()
}

/// An answer of the form that GraphQL has, which cost no more than a few statements and is not large.
fn is_well_formed(answer: &Answer) {
    let body = &answer.body;
    let errors = body["errors"].as_array();
    for error in errors.into_iter().flatten() {
        assert!(error["message"].is_string(), "{body}");
        assert!(error["extensions"]["code"].is_string(), "{body}");
    }
    assert!(body.get("data").is_some() || errors.is_some(), "{body}");
    assert!(
        body.to_string().len() < 64 * 1024,
        "{}",
        body.to_string().len()
    );
    if answer.headers.contains_key("server-timing") {
        assert!(answer.statements() <= 2, "{}", answer.statements());
    }
}

async fn next_is_served(server: &TestServer) {
    let honest = server.ask("{ posts { totalCount } }", json!({})).await;
    assert_eq!(honest.data()["posts"]["totalCount"], 0);
}

const BY_SLUG: &str = "query($slug: String!) { post(by: { slug: $slug }) { title } }";
const FIRST: &str = "query($first: Int) { posts(first: $first) { totalCount } }";

/// Types have fields, which have types.
fn circular_introspection(levels: usize) -> String {
    let (open, close) = ("fields { type { ".repeat(levels), "} } ".repeat(levels));
    format!("{{ __schema {{ types {{ {open} name {close} }} }} }}")
}

fn unused_variables(count: usize) -> String {
    let variables: String = (0..count)
        .map(|number| format!("$v{number}: Int "))
        .collect();
    format!("query({variables}) {{ posts {{ totalCount }} }}")
}

/// Each of the operations stands for all of the fragments.
fn spreads(operations: usize, fragments: usize) -> String {
    let fragment = |number| format!("fragment f{number} on Post {{ title }} ");
    let spread: String = (0..fragments)
        .map(|number| format!("...f{number} "))
        .collect();
    let named = |number| format!("query q{number} {{ posts {{ nodes {{ ...all }} }} }} ");
    let fragments: String = (0..fragments).map(fragment).collect();
    let operations: String = (0..operations).map(named).collect();
    format!("{operations} fragment all on Post {{ {spread} }} {fragments}")
}

/// A list in a variable, which each of the fields names.
fn uses(count: usize) -> String {
    let fields = "i(ids: $v) ".repeat(count);
    format!("query($v: [ID!]) {{ p {{ {fields} }} }}")
}

fn operations(count: usize) -> String {
    let named = |number| format!("query q{number} {{ posts {{ totalCount }} }} ");
    (0..count).map(named).collect()
}

#[rstest]
#[case::huge_int(call("{ posts(first: 999999999999999999999999999999) { totalCount } }", &json!({})), &["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"])]
#[case::huge_float(call(&format!("{{ posts(first: 1{}) {{ totalCount }} }}", "0".repeat(5_000)), &json!({})), &["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"])]
#[case::huge_int_variable(call(FIRST, &json!({ "first": u64::MAX })), &["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"])]
#[case::negative_variable(call(FIRST, &json!({ "first": i64::MIN })), &["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"])]
#[case::endless_number(raw(format!(r#"{{"query":"{{ posts {{ totalCount }} }}","variables":{{"x":1{}}}}}"#, "0".repeat(100_000))), &["BAD_REQUEST", ""])]
#[case::infinite_number(raw(r#"{"query":"{ posts { totalCount } }","variables":{"x":1e999}}"#), &["BAD_REQUEST"])]
#[case::huge_string_in_the_document(call(&format!("{{ post(by: {{ slug: \"{}\" }}) {{ title }} }}", "x".repeat(65_000)), &json!({})), &["", "BAD_USER_INPUT", "DOCUMENT_TOO_LONG"])]
#[case::huge_string_variable(call(BY_SLUG, &json!({ "slug": "x".repeat(200_000) })), &["", "BAD_USER_INPUT"])]
#[case::too_huge_a_string_variable(call(BY_SLUG, &json!({ "slug": "x".repeat(300_000) })), &["BODY_TOO_LARGE"])]
#[case::huge_search(call("query($q: String!) { search(query: $q) { totalCount } }", &json!({ "q": "a ".repeat(100_000) })), &["BAD_USER_INPUT"])]
#[case::nested_variables(raw(format!(r#"{{"query":"{{ posts {{ totalCount }} }}","variables":{{"x":{}{}}}}}"#, "[".repeat(50_000), "]".repeat(50_000))), &["BAD_REQUEST", "DEPTH_LIMIT"])]
#[case::nested_body(raw("[".repeat(200_000)), &["BAD_REQUEST"])]
#[case::half_a_surrogate(raw(r#"{"query":"{ post(by: { slug: \"\ud800\" }) { title } }"}"#), &["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])]
#[case::nul_variable(call(BY_SLUG, &json!({ "slug": "a\0b" })), &["BAD_USER_INPUT"])]
#[case::invalid_utf8_in_the_url(get("query=%FF%FE"), &["BAD_REQUEST", "GRAPHQL_PARSE_FAILED"])]
#[case::number_for_a_query(raw(r#"{"query":17}"#), &["BAD_REQUEST"])]
#[case::list_for_variables(raw(r#"{"query":"{ posts { totalCount } }","variables":[1]}"#), &["BAD_REQUEST"])]
#[case::batch_of_thousands(raw(format!("[{}]", vec![r#"{"query":"{ posts { totalCount } }"}"#; 5_000].join(","))), &["BAD_REQUEST"])]
#[case::circular_introspection(call(&circular_introspection(3), &json!({})), &["DEPTH_LIMIT"])]
#[case::circular_introspection_by_name(call(&circular_introspection(5).replace("__schema { types", "__type(name: \"Post\") { possibleTypes"), &json!({})), &["DEPTH_LIMIT"])]
#[case::thousands_of_errors(call(&unused_variables(4_000), &json!({})), &["GRAPHQL_VALIDATION_FAILED"])]
#[case::thousands_of_operations(call(&operations(1_500), &json!({})), &["OPERATION_LIMIT"])]
#[case::operations_that_spread_many_fragments(call(&spreads(20, 500), &json!({})), &["FIELD_LIMIT"])]
#[case::a_long_list_that_is_used_again_and_again(call(&uses(1_900), &json!({ "v": vec![0; 60_000] })), &["GRAPHQL_VALIDATION_FAILED"])]
#[case::tokens(call(&format!("{{ posts {{ totalCount }} }} {}", ", ".repeat(30_000)), &json!({})), &[""])]
#[case::mutation_over_get(get("query=mutation%7BsignOut%7BuserErrors%7Bcode%7D%7D%7D"), &["METHOD_NOT_ALLOWED"])]
#[case::mutation_beside_a_query_over_get(get("query=query%20a%7Bposts%7BtotalCount%7D%7Dmutation%20b%7BsignOut%7BuserErrors%7Bcode%7D%7D%7D&operationName=b"), &["METHOD_NOT_ALLOWED"])]
#[case::subscription_over_post(call("subscription { postChanged { kind } }", &json!({})), &["GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT"])]
#[tokio::test]
async fn a_hostile_request_is_answered_at_no_cost(
    #[case] request: Request<Body>,
    #[case] codes: &[&str],
) {
    let server = server().await;
    let answer = server.send(request).await;
    is_well_formed(&answer);
    let code = answer.body["errors"][0]["extensions"]["code"].as_str();
    assert!(
        codes.contains(&code.unwrap_or_default()),
        "{:#}",
        answer.body
    );
    assert!(!answer.status.is_server_error(), "{}", answer.status);
    next_is_served(&server).await;
}

/// What would be a gigabyte, unpacked.
#[rstest]
#[case("gzip")]
#[case("br")]
#[case("deflate, gzip")]
#[tokio::test]
async fn a_compressed_body_is_refused_unread(#[case] encoding: &str) {
    let server = server().await;
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("content-encoding", encoding)
        .body(Body::from(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));
    let answer = server.send(request.unwrap()).await;
    assert_eq!(answer.status, 415);
    assert_eq!(answer.code(), "UNSUPPORTED_MEDIA_TYPE");
    is_well_formed(&answer);
    let plain = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("content-encoding", "identity")
        .body(Body::from(r#"{"query":"{ posts { totalCount } }"}"#));
    assert_eq!(server.send(plain.unwrap()).await.status, 200);
}

#[tokio::test]
async fn other_methods_do_nothing() {
    let server = server().await;
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::TRACE] {
        let request = Request::builder()
            .method(method.clone())
            .uri("/graphql?query=%7Bposts%7BtotalCount%7D%7D")
            .body(Body::empty());
        let answer = server.send(request.unwrap()).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    let head = Request::builder()
        .method(Method::HEAD)
        .uri("/graphql?query=mutation%7BsignOut%7BuserErrors%7Bcode%7D%7D%7D")
        .body(Body::empty());
    assert_eq!(server.send(head.unwrap()).await.status, 405);
    next_is_served(&server).await;
}

/// Introspection as tools do it, and a little more, is answered.
#[tokio::test]
async fn honest_introspection_is_answered() {
    let answer = server()
        .await
        .ask(&circular_introspection(2), json!({}))
        .await;
    assert!(answer.data()["__schema"]["types"].is_array());
}
