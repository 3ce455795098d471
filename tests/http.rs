//! The endpoint as HTTP clients meet it.

use alphanode::config::{Config, Mode};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, TestServer};

async fn server() -> TestServer {
    TestServer::create(Backend::Sqlite).await.unwrap()
}

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/graphql")
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_query_is_answered_by_post_and_by_get() {
    let server = server().await;
    let expected = json!({ "data": { "posts": { "totalCount": 0 } } });
    let by_post = server.ask("{ posts { totalCount } }", json!({})).await;
    assert_eq!(by_post.body, expected);
    let by_get = server
        .send(get(
            "/graphql?query=%7Bposts%7BtotalCount%7D%7D&variables=%7B%7D",
        ))
        .await;
    assert_eq!(by_get.body, expected);
}

#[tokio::test]
async fn a_document_that_was_valid_is_checked_again_with_other_variables() {
    let server = server().await;
    let document = "query One($slug: String!) { post(by: { slug: $slug }) { title } }";
    let found = server.ask(document, json!({ "slug": "none" })).await;
    assert_eq!(found.data(), &json!({ "post": null }));
    let missing = server.ask(document, json!({})).await;
    assert_eq!(missing.code(), "BAD_USER_INPUT");
    let of_another_type = server.ask(document, json!({ "slug": 5 })).await;
    assert_eq!(of_another_type.code(), "GRAPHQL_VALIDATION_FAILED");
    let found = server.ask(document, json!({ "slug": "none" })).await;
    assert_eq!(found.data(), &json!({ "post": null }));
}

/// Whichever threads the loaders run on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_nested_costs_the_same_each_time() {
    let server = server().await;
    server.create_synthetic(40).await;
    let nested = "{ posts(first: 20) { nodes {
        tools { postCount posts(first: 2) { nodes { title } } }
        entities { postCount posts(first: 2) { nodes { title } } }
    } } }";
    let first = server.ask(nested, json!({})).await;
    assert!(first.statements() < 8, "{}", first.statements());
    for _ in 0..100 {
        let again = server.ask(nested, json!({})).await;
        assert_eq!(again.statements(), first.statements());
        assert_eq!(again.data(), first.data());
    }
}

#[tokio::test]
async fn every_answer_says_its_request_and_its_cost() {
    let server = server().await;
    let answer = server.ask("{ posts { totalCount } }", json!({})).await;
    assert_eq!(answer.statements(), 2);
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert_eq!(
        answer.headers["cache-control"],
        "public, max-age=0, s-maxage=300, stale-while-revalidate=60"
    );
    assert_eq!(answer.headers["surrogate-key"], "list:posts");
    assert_eq!(answer.headers["x-request-id"].len(), 32);

    let mut request = get("/healthz");
    request
        .headers_mut()
        .insert("x-request-id", "from-proxy-7".parse().unwrap());
    assert_eq!(
        server.send(request).await.headers["x-request-id"],
        "from-proxy-7"
    );
    let mut request = get("/healthz");
    request
        .headers_mut()
        .insert("x-request-id", "not a word".parse().unwrap());
    assert_ne!(
        server.send(request).await.headers["x-request-id"],
        "not a word"
    );
}

#[rstest]
#[case::form(
    "application/x-www-form-urlencoded",
    "query={posts{totalCount}}",
    415,
    "UNSUPPORTED_MEDIA_TYPE"
)]
#[case::text(
    "text/plain",
    r#"{"query":"{posts{totalCount}}"}"#,
    415,
    "UNSUPPORTED_MEDIA_TYPE"
)]
#[case::no_json("application/json", "{", 400, "BAD_REQUEST")]
#[case::invalid_utf8("application/json", &b"{\"query\":\"\xff\"}"[..], 400, "BAD_REQUEST")]
#[case::no_query("application/json", "{}", 400, "BAD_REQUEST")]
#[case::batch(
    "application/json",
    r#"[{"query":"{posts{totalCount}}"}]"#,
    400,
    "BAD_REQUEST"
)]
#[case::no_graphql("application/json", r#"{"query":"{"}"#, 200, "GRAPHQL_PARSE_FAILED")]
#[tokio::test]
async fn what_is_no_operation_is_refused_with_its_reason(
    #[case] content_type: &str,
    #[case] body: impl Into<Body>,
    #[case] status: u16,
    #[case] code: &str,
) {
    let answer = server().await.send(post(content_type, body)).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.code(), code);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let body =
        json!({ "query": "{ posts { totalCount } }", "variables": { "x": "y".repeat(300_000) } });
    let answer = server()
        .await
        .send(post("application/json", body.to_string()))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.code(), "BODY_TOO_LARGE");
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let config = Config {
        request_timeout_seconds: 3,
        ..Config::default()
    };
    let server = TestServer::create_with(Backend::Sqlite, config)
        .await
        .unwrap();
    tokio::time::pause();
    let (_held, waiting) = tokio::io::duplex(16);
    let body = Body::from_stream(tokio_util::io::ReaderStream::new(waiting));
    let answer = server.send(post("application/json", body)).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.code(), "REQUEST_TIMEOUT");
}

#[tokio::test]
async fn a_mutation_is_refused_over_get() {
    let answer = server()
        .await
        .send(get("/graphql?query=mutation%7Bx%7D"))
        .await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn the_public_has_one_perspective() {
    let server = server().await;
    let ask = async |perspectives: &[&str]| {
        let mut request = post("application/json", r#"{"query":"{posts{totalCount}}"}"#);
        for perspective in perspectives {
            let header = perspective.parse().unwrap();
            request
                .headers_mut()
                .append("x-alphanode-perspective", header);
        }
        server.send(request).await
    };
    for seen in [&[][..], &["published"], &["published", "published"]] {
        assert_eq!(ask(seen).await.status, StatusCode::OK, "{seen:?}");
    }
    for hidden in [
        "draft",
        "trash",
        "draft:UG9zdDox",
        "revision:UmV2aXNpb246MQ",
        "release:UmVsZWFzZTox",
        "at:2026-06-01T12:00:00Z",
    ] {
        let answer = ask(&[hidden]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{hidden}");
        assert_eq!(answer.code(), "UNAUTHENTICATED", "{hidden}");
    }
    for unclear in [&["revision:1"][..], &["published", "draft"]] {
        let answer = ask(unclear).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{unclear:?}");
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{unclear:?}");
    }
}

#[tokio::test]
async fn graphiql_and_introspection_are_for_development() {
    let page = |server: TestServer| async move {
        let mut request = get("/graphql");
        request
            .headers_mut()
            .insert("accept", "text/html,*/*".parse().unwrap());
        server.send(request).await
    };
    let development = page(server().await).await;
    assert_eq!(development.status, StatusCode::OK);
    assert!(development.body.as_str().unwrap().contains("GraphiQL"));

    let config = Config {
        mode: Mode::Production,
        ..Config::default()
    };
    let production = TestServer::create_with(Backend::Sqlite, config.clone())
        .await
        .unwrap();
    let answer = production
        .ask("{ __schema { queryType { name } } }", json!({}))
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.code(), "INTROSPECTION_DISABLED");
    let name = production.ask("{ __typename }", json!({})).await;
    assert_eq!(name.data()["__typename"], "Query");
    let answer = production.ask("{ postz { totalCount } }", json!({})).await;
    assert!(
        !answer.body.to_string().contains("Did you mean"),
        "{}",
        answer.body
    );
    assert_eq!(page(production).await.status, StatusCode::BAD_REQUEST);
}

#[rstest]
#[tokio::test]
async fn health_says_up_and_ready(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    assert_eq!(server.send(get("/healthz")).await.body, "ok\n");
    let ready = server.send(get("/readyz")).await;
    assert_eq!(ready.status, StatusCode::OK, "{}", ready.body);
    assert_eq!(ready.body["ready"], true);
    assert_eq!(ready.body["queue"]["dead"], 0);
}

#[tokio::test]
async fn an_unknown_path_says_where_the_api_is() {
    let answer = server().await.send(get("/nothing")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.as_str().unwrap().contains("/graphql"));
}

#[tokio::test]
async fn our_own_faults_are_masked() {
    let server = server().await;
    let connection = server.test.store.database.writer();
    sea_orm::ConnectionTrait::execute_unprepared(
        connection,
        "ALTER TABLE post_content RENAME TO gone",
    )
    .await
    .unwrap();
    let answer = server.ask("{ posts { nodes { title } } }", json!({})).await;
    assert_eq!(answer.code(), "INTERNAL_SERVER_ERROR");
    let id = answer.headers["x-request-id"].to_str().unwrap();
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains(id), "{message}");
    assert!(!answer.body.to_string().contains("post_content"));
    let ready = server.send(get("/readyz")).await;
    assert_eq!(ready.status, StatusCode::OK);
}

/// An absent variable leaves an argument alone, and a non-null field that fails takes its parent
/// with it: earlier versions of the library had both wrong.
#[tokio::test]
async fn the_library_keeps_absent_and_null_apart() {
    let server = server().await;
    let query =
        "query($after: String, $first: Int) { posts(first: $first, after: $after) { totalCount } }";
    let answer = server.ask(query, json!({})).await;
    assert_eq!(answer.data()["posts"]["totalCount"], 0);
    let query = "{ posts(first: 101) { totalCount } }";
    let answer = server.ask(query, json!({})).await;
    assert_eq!(answer.body["data"], json!(null));
    assert_eq!(answer.code(), "BAD_USER_INPUT");
}
