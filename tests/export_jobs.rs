//! Exports that workers write: started, fetched, imported again, killed, and purged.

use std::collections::BTreeSet;
use std::time::Instant;

use alphanode::domain::export::purge;
use alphanode::domain::permission::{Role, Scope};
use alphanode::jobs;
use alphanode::queue::Handler;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use entity::export_chunk;
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::importing::{Script, counts, token};
use crate::support::transfer::{documents, export};
use crate::support::{Answer, Backend, TestServer};

const EXPORT: &str = "id format status posts totalPosts bytes url failure startedBy expiresAt";

async fn start(script: &Script<'_>, input: Value) -> Value {
    let document = format!(
        "mutation ($input: StartExportInput!) {{ startExport(input: $input) {{
            exportRun {{ {EXPORT} }} userErrors {{ message }} }} }}"
    );
    let answer = script.ask(&document, json!({ "input": input })).await;
    let payload = answer.data()["startExport"].clone();
    assert_eq!(payload["userErrors"], json!([]));
    payload["exportRun"].clone()
}

async fn find(script: &Script<'_>, id: &Value) -> Value {
    let query = format!("query ($id: ID!) {{ exportRun(id: $id) {{ {EXPORT} }} }}");
    let answer = script.ask(&query, json!({ "id": id })).await;
    answer.data()["exportRun"].clone()
}

async fn fetch(server: &TestServer, token: Option<&str>, id: &str) -> Answer {
    let mut request = Request::get(format!("/exports/{id}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

/// The file of an export, as bytes.
async fn file(script: &Script<'_>, id: &Value) -> Vec<u8> {
    use tower::ServiceExt;
    let request = Request::get(format!("/exports/{}", id.as_str().unwrap()))
        .header("authorization", format!("Bearer {}", script.token))
        .body(Body::empty())
        .unwrap();
    let response = script.server.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let headers = response.headers().clone();
    assert_eq!(headers["cache-control"], "private, no-store");
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    assert_eq!(headers["content-length"], bytes.len().to_string());
    bytes.to_vec()
}

#[rstest]
#[tokio::test]
async fn an_export_is_written_fetched_and_imported_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(server), Some(other)) = (
        TestServer::create(backend).await,
        TestServer::create(backend).await,
    ) else {
        return;
    };
    server.create_synthetic(120).await;
    let script = Script::new(&server).await;
    // What other jobs do to the posts is done.
    script.work().await;
    let started = start(&script, json!({ "format": "NDJSON" })).await;
    assert_eq!(started["status"], "WAITING");
    assert_eq!(started["totalPosts"], 120);
    assert_eq!(started["url"], Value::Null);
    let id = started["id"].as_str().unwrap();
    let early = fetch(&server, Some(&script.token), id).await;
    assert_eq!(early.status, StatusCode::CONFLICT);

    script.work().await;
    let ended = find(&script, &started["id"]).await;
    assert_eq!(ended["status"], "FINISHED");
    assert_eq!(ended["posts"], 120);
    assert!(
        ended["url"]
            .as_str()
            .unwrap()
            .ends_with(&format!("/exports/{id}"))
    );
    let bytes = file(&script, &started["id"]).await;
    assert_eq!(ended["bytes"], json!(bytes.len() as f64));
    let expected = export(&server.test.store.database).await;
    assert!(bytes == expected.as_bytes());

    let there = Script::new(&other).await;
    let run = there.import("?name=all.ndjson", bytes).await;
    assert_eq!(counts(&run)[..5], [120, 0, 0, 0, 0]);
    let here = documents(&server.test.store.database).await;
    let there = documents(&other.test.store.database).await;
    assert_eq!(here.len(), there.len());
    for (here, there) in here.iter().zip(&there) {
        assert_eq!(here.content, there.content);
        assert_eq!(here.reference, there.reference);
        assert_eq!(here.history.len(), there.history.len());
    }

    // Some of them, as Markdown.
    let filter = json!({ "difficulty": { "eq": "BEGINNER" } });
    let some = start(&script, json!({ "format": "MARKDOWN", "filter": filter })).await;
    script.work().await;
    let ended = find(&script, &some["id"]).await;
    assert_eq!(ended["posts"], some["totalPosts"]);
    let posts = ended["posts"].as_u64().unwrap();
    assert!(posts > 5 && posts < 120, "{posts}");
    let bytes = file(&script, &some["id"]).await;
    let mut archive = tar::Archive::new(bytes.as_slice());
    let mut files = 0;
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        assert!(text.starts_with("---\ntitle: "), "{text}");
        assert!(text.contains("difficulty: beginner"));
        files += 1;
    }
    assert_eq!(files, posts);

    let list = "{ exportRuns { totalCount nodes { id } } }";
    let list = script.ask(list, json!({})).await.data()["exportRuns"].clone();
    assert_eq!(list["totalCount"], 2);
    assert_eq!(list["nodes"].as_array().unwrap().len(), 2);
}

#[rstest]
#[tokio::test]
async fn only_those_who_may_export_fetch_a_file_and_only_for_a_week(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(3).await;
    let script = Script::new(&server).await;
    let started = start(&script, json!({ "format": "NDJSON" })).await;
    script.work().await;
    let id = started["id"].as_str().unwrap();
    let author = server.sign_in_as(Role::Author).await;
    let other = token(&server, Role::Editor, &[Scope::ReadDrafts]).await;
    for (token, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(author.token.as_str()), StatusCode::FORBIDDEN),
        (Some(other.as_str()), StatusCode::FORBIDDEN),
    ] {
        assert_eq!(fetch(&server, token, id).await.status, status);
    }
    for nonsense in ["nonsense", &crate::support::perspective::id("Post", 1)] {
        let missing = fetch(&server, Some(&script.token), nonsense).await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        assert_eq!(missing.code(), "NOT_FOUND");
    }

    let store = &server.test.store;
    store.clock.advance(TimeDelta::days(6));
    assert_eq!(purge(store).await.unwrap(), 0);
    store.clock.advance(TimeDelta::days(2));
    assert_eq!(purge(store).await.unwrap(), 1);
    assert_eq!(purge(store).await.unwrap(), 0);
    assert_eq!(find(&script, &started["id"]).await["status"], "EXPIRED");
    let pieces = export_chunk::Entity::find();
    assert_eq!(pieces.count(store.database.reader()).await.unwrap(), 0);
    let gone = fetch(&server, Some(&script.token), id).await;
    assert_eq!(gone.status, StatusCode::GONE);
}

#[rstest]
#[tokio::test]
async fn an_export_that_is_killed_anywhere_is_the_same_file(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(700).await;
    let script = Script::new(&server).await;
    start(&script, json!({ "format": "NDJSON" })).await;
    let began = Instant::now();
    script.work().await;
    let started = start(&script, json!({ "format": "NDJSON" })).await;
    script.work_and_be_killed(5, began.elapsed()).await;
    let store = &server.test.store;
    let ended = find(&script, &started["id"]).await;
    assert_eq!(
        (&ended["status"], &ended["posts"]),
        (&json!("FINISHED"), &json!(700))
    );
    let bytes = file(&script, &started["id"]).await;
    assert!(bytes == export(&store.database).await.as_bytes());
}

#[rstest]
#[tokio::test]
async fn what_goes_on_for_long_is_done_by_its_own_worker(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(5).await;
    let script = Script::new(&server).await;
    let id = start(&script, json!({ "format": "NDJSON" })).await["id"].clone();
    let store = &server.test.store;
    let mut general = server.test.worker("one", jobs::general_handlers(store));
    general.run_until_idle().await.unwrap();
    assert_eq!(find(&script, &id).await["status"], "WAITING");
    let mut long = server.test.worker("long", jobs::long_handlers(store));
    assert_eq!(long.run_until_idle().await.unwrap(), 1);
    assert_eq!(find(&script, &id).await["status"], "FINISHED");

    let kinds = |handlers: Vec<Handler>| -> BTreeSet<&str> {
        handlers.iter().map(|handler| handler.kind).collect()
    };
    let (general, long) = (
        kinds(jobs::general_handlers(store)),
        kinds(jobs::long_handlers(store)),
    );
    assert!(general.is_disjoint(&long));
    assert!(long.is_superset(&["import", "revert_import", "export"].into()));
    assert!(general.is_superset(&kinds(jobs::punctual_handlers(store))));
    assert_eq!(kinds(jobs::handlers(store)), &general | &long);
}
