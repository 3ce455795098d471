//! Uploads that want to do harm, or come as they should not; and how much is kept of what comes.

use std::convert::Infallible;
use std::time::Duration;

use alphanode::config::Config;
use alphanode::domain::export;
use alphanode::domain::import::purge;
use alphanode::transfer::synth;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use entity::{import_chunk, import_run};
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::importing::{Script, ndjson};
use crate::support::{Answer, Backend, TestServer};

const FORM: &str = "multipart/form-data; boundary=edge";
const PART: &str = "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"";

async fn send(script: &Script<'_>, content_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post("/imports")
        .header("authorization", format!("Bearer {}", script.token))
        .header("content-type", content_type)
        .body(body.into());
    script.server.send(request.unwrap()).await
}

/// 250 MB of one byte, after a beginning.
fn endless(beginning: &str) -> Body {
    let piece = Bytes::from(vec![b'x'; 1_000_000]);
    let pieces = std::iter::once(Bytes::copy_from_slice(beginning.as_bytes()))
        .chain(std::iter::repeat_n(piece, 250))
        .map(Ok::<_, Infallible>);
    Body::from_stream(async_graphql::futures_util::stream::iter(pieces))
}

async fn nothing_is_kept(server: &TestServer) {
    let reader = server.test.store.database.reader();
    assert_eq!(import_run::Entity::find().count(reader).await.unwrap(), 0);
    assert_eq!(import_chunk::Entity::find().count(reader).await.unwrap(), 0);
}

#[rstest]
#[case::no_part("")]
#[case::no_end_of_a_header("--edge\r\ncontent-disposition: form-data; name=\"")]
#[case::no_end_of_the_headers(
    "--edge\r\ncontent-disposition: form-data; name=\"a\"; filename=\"b\"\r\nx: "
)]
#[tokio::test]
async fn a_form_that_never_gets_to_its_files_is_refused(#[case] beginning: &str) {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let script = Script::new(&server).await;
    let refused = send(&script, FORM, endless(beginning)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.code(), "BAD_USER_INPUT");
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("too long for a form"), "{message}");
    nothing_is_kept(&server).await;
}

#[tokio::test]
async fn a_form_has_a_thousand_files_and_no_more() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let script = Script::new(&server).await;
    let form = |count: usize| {
        let parts: String = (0..count)
            .map(|number| format!("{PART}{number}.md\"\r\n\r\n# {number}\r\n"))
            .collect();
        parts + "--edge--\r\n"
    };
    let refused = send(&script, FORM, form(1_001)).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("1000 files") && message.contains("NDJSON"),
        "{message}"
    );
    nothing_is_kept(&server).await;
    let taken = send(&script, FORM, form(1_000)).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.body);
}

/// A part that is much longer than a piece, whole.
#[tokio::test]
async fn a_large_file_in_a_form_is_taken_as_it_is() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let script = Script::new(&server).await;
    let notes: Vec<_> = synth::documents(3, 0..200).collect();
    let file = ndjson(&notes);
    assert!(file.len() > 600_000);
    let body = [
        PART.as_bytes(),
        b"notes.ndjson\"\r\n\r\n",
        file.as_bytes(),
        b"\r\n--edge--\r\n",
    ]
    .concat();
    let taken = send(&script, FORM, body).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{}", taken.body);
    assert_eq!(taken.body["importRun"]["totalBytes"], json!(file.len()));
    script.work().await;
    let run = script
        .run(taken.body["importRun"]["id"].as_str().unwrap())
        .await;
    assert_eq!(run["counts"]["created"], 200);
}

#[tokio::test]
async fn what_is_packed_or_a_form_of_text_is_refused_with_what_to_send() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let script = Script::new(&server).await;
    let form = send(
        &script,
        "application/x-www-form-urlencoded",
        "{\"title\": \"A\"}",
    )
    .await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let message = form.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("application/octet-stream"), "{message}");
    let packed = Request::post("/imports?name=a.json")
        .header("authorization", format!("Bearer {}", script.token))
        .header("content-encoding", "gzip")
        .body(Body::from(vec![0x1f, 0x8b, 8, 0]));
    let packed = server.send(packed.unwrap()).await;
    assert_eq!(packed.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(packed.code(), "UNSUPPORTED_MEDIA_TYPE");
    nothing_is_kept(&server).await;
}

#[tokio::test]
async fn an_upload_that_trickles_is_given_up() {
    let config = Config {
        request_timeout_seconds: 1,
        ..Config::default()
    };
    let server = TestServer::create_with(Backend::Sqlite, config)
        .await
        .unwrap();
    let script = Script::new(&server).await;
    let crumbs = async_graphql::futures_util::stream::unfold(0, |number| async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        (number < 50).then(|| (Ok::<_, Infallible>(Bytes::from_static(b"{")), number + 1))
    });
    let refused = script.send("?name=a.json", Body::from_stream(crumbs)).await;
    assert_eq!(
        refused.status,
        StatusCode::REQUEST_TIMEOUT,
        "{}",
        refused.body
    );
    assert_eq!(refused.code(), "REQUEST_TIMEOUT");
    nothing_is_kept(&server).await;
}

#[rstest]
#[tokio::test]
async fn so_many_uploads_are_under_way_and_so_many_stopped_ones_are_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let name = format!("?name={number}.json");
        ids.push(script.upload(&name, "{\"title\": \"A\"}").await);
    }
    let refused = script.send("?name=more.json", "{\"title\": \"A\"}").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("under way"), "{message}");
    // Of those that are stopped, the newest keep their files.
    for id in &ids[..12] {
        script.done("cancelImport", id).await;
    }
    assert_eq!(purge(&server.test.store).await.unwrap(), 2);
    let refused = script.refused("resumeImport", &ids[1]).await;
    assert!(refused.contains("upload them again"), "{refused}");
    script.done("resumeImport", &ids[2]).await;
    script.upload("?name=more.json", "{\"title\": \"A\"}").await;
}

async fn export(script: &Script<'_>, filter: Value) -> Value {
    let start =
        "mutation ($filter: PostFilter) { startExport(input: { format: NDJSON, filter: $filter }) {
        exportRun { id status } userErrors { code message } } }";
    let answer = script.ask(start, json!({ "filter": filter })).await;
    answer.data()["startExport"].clone()
}

#[rstest]
#[tokio::test]
async fn an_export_is_not_started_twice_and_ten_are_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let by = |slug: usize| json!({ "slug": { "eq": format!("post-{slug}") } });
    let first = export(&script, by(0)).await["exportRun"]["id"].clone();
    assert_eq!(export(&script, by(0)).await["exportRun"]["id"], first);
    assert_ne!(export(&script, by(1)).await["exportRun"]["id"], first);
    script.work().await;
    // One that is finished is of its time; another one is of now.
    assert_ne!(export(&script, by(0)).await["exportRun"]["id"], first);
    for number in 3..10 {
        assert_eq!(export(&script, by(number)).await["userErrors"], json!([]));
    }
    let refused = export(&script, by(10)).await;
    assert_eq!(refused["exportRun"], Value::Null);
    assert_eq!(refused["userErrors"][0]["code"], "CONFLICT");
    let message = refused["userErrors"][0]["message"].as_str().unwrap();
    assert!(message.contains("dropExport"), "{message}");

    let drop = "mutation ($id: ID!) { dropExport(input: { id: $id }) {
        exportRun { status url } userErrors { code } } }";
    for _ in 0..2 {
        let dropped = script.ask(drop, json!({ "id": first })).await;
        let dropped = &dropped.data()["dropExport"];
        assert_eq!(
            dropped["exportRun"],
            json!({ "status": "EXPIRED", "url": null })
        );
    }
    let gone = Request::get(format!("/exports/{}", first.as_str().unwrap()))
        .header("authorization", format!("Bearer {}", script.token))
        .body(Body::empty());
    assert_eq!(server.send(gone.unwrap()).await.status, StatusCode::GONE);
    assert_eq!(export::purge(&server.test.store).await.unwrap(), 1);
    assert_eq!(export(&script, by(10)).await["userErrors"], json!([]));
    // One that waits is dropped before it is written.
    let waiting = export(&script, by(10)).await["exportRun"]["id"].clone();
    script.ask(drop, json!({ "id": waiting })).await.data();
    script.work().await;
    let found = "query ($id: ID!) { exportRun(id: $id) { status } }";
    let found = script.ask(found, json!({ "id": waiting })).await;
    assert_eq!(found.data()["exportRun"]["status"], "EXPIRED");
}
