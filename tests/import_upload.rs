//! Uploading files for an import: what is taken, what is refused, and that nothing is left of what was
//! broken off.

use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::import::{NewUpload, Uploader, purge};
use alphanode::domain::permission::{Role, Scope};
use alphanode::transfer::{Document, synth};
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use entity::{import_chunk, import_file, import_run, user};
use rstest::rstest;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::json;

use crate::support::importing::{Script, counts, ndjson, send_as, token};
use crate::support::transfer::export;
use crate::support::{Backend, TestServer};

/// Runs, files and pieces that are kept.
async fn kept(server: &TestServer) -> [u64; 3] {
    let reader = server.test.store.database.reader();
    [
        import_run::Entity::find().count(reader).await.unwrap(),
        import_file::Entity::find().count(reader).await.unwrap(),
        import_chunk::Entity::find().count(reader).await.unwrap(),
    ]
}

fn notes(count: u64) -> Vec<Document> {
    synth::documents(3, 0..count).collect()
}

#[rstest]
#[tokio::test]
async fn a_file_is_uploaded_imported_and_not_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let file = ndjson(&notes(130));
    assert!(file.len() > 600_000, "it has more than one piece");
    let id = script.upload("?name=notes.ndjson", file.clone()).await;

    let waiting = script.run(&id).await;
    assert_eq!(waiting["status"], "WAITING");
    assert_eq!(waiting["source"], "notes.ndjson");
    assert_eq!(waiting["progress"]["total"], json!(file.len() as f64));
    assert_eq!(waiting["progress"]["done"], json!(0.0));
    assert_eq!(waiting["finishedAt"], json!(null));
    assert!(waiting["startedBy"].as_str().unwrap().starts_with("token "));
    assert!(waiting["user"]["id"].is_string());

    script.work().await;
    let run = script.run(&id).await;
    assert_eq!(run["status"], "FINISHED");
    assert_eq!(run["progress"]["done"], run["progress"]["total"]);
    assert_eq!(run["counts"]["documents"], 130);
    assert_eq!(counts(&run)[..5], [130, 0, 0, 0, 0]);
    assert!(run["finishedAt"].is_string());
    assert_eq!(kept(&server).await, [1, 1, 0]);

    let report = script
        .report(
            &id,
            "",
            "number path line outcome post { title } revision { number }",
        )
        .await;
    assert_eq!(report.len(), 130);
    for (document, place) in report.iter().zip(1..) {
        assert_eq!(document["number"], place);
        assert_eq!(document["line"], place);
        assert_eq!(document["path"], "notes.ndjson");
        assert_eq!(document["outcome"], "CREATED");
        assert!(document["post"]["title"].is_string());
    }
    assert_eq!(
        export(&server.test.store.database).await.lines().count(),
        130
    );
    let again = script.import("?name=notes.ndjson", file).await;
    assert_eq!(counts(&again), [0, 0, 130, 0, 0, 0]);
}

#[rstest]
#[tokio::test]
async fn several_files_come_as_the_parts_of_a_form(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let part = |name: &str, text: &str| {
        format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n\
             {text}\r\n"
        )
    };
    let body = [
        part(
            "one.md",
            "---\ntitle: One\ndate: 2025-01-01\n---\n\nText.\n",
        ),
        part(
            "notes/two.md",
            "---\ntitle: Two\ndraft: true\n---\n\nText.\n",
        ),
        part(
            "three.json",
            "[{\"title\": \"Three\"}, {\"titel\": \"Four\"}]",
        ),
        part("empty.md", ""),
        "--edge--\r\n".to_owned(),
    ]
    .concat();
    let send = async |query: &str| {
        let request = Request::post(format!("/imports{query}"))
            .header("authorization", format!("Bearer {}", script.token))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(Body::from(body.clone()));
        server.send(request.unwrap()).await
    };
    let answer = send("").await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{:#}", answer.body);
    let id = answer.body["importRun"]["id"].as_str().unwrap();
    script.work().await;
    let run = script.run(id).await;
    assert_eq!(run["source"], "one.md and 3 more");
    assert_eq!(counts(&run), [3, 0, 0, 0, 2, 1]);
    let report = script
        .report(id, "", "path line outcome message post { slug }")
        .await;
    assert_eq!(report[1]["post"]["slug"], "two");
    assert_eq!(report[3]["outcome"], "FAILED");
    assert_eq!(report[3]["path"], "three.json");
    assert!(report[3]["message"].as_str().unwrap().contains("title"));
    assert_eq!(report[4]["message"], "is empty");
    let failed = script.report(id, "outcome: [FAILED]", "path").await;
    assert_eq!(
        failed,
        [
            json!({ "path": "three.json" }),
            json!({ "path": "empty.md" })
        ]
    );

    let refused = send("?name=one.md").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.code(), "BAD_USER_INPUT");

    // An option belongs into the URL: as a part of the form it would be one more file.
    let option =
        "--edge\r\nContent-Disposition: form-data; name=\"dryRun\"\r\n\r\ntrue\r\n--edge--\r\n";
    let body = [part("one.md", "Text."), option.to_owned()].concat();
    let request = Request::post("/imports")
        .header("authorization", format!("Bearer {}", script.token))
        .header("content-type", "multipart/form-data; boundary=edge")
        .body(Body::from(body));
    let refused = server.send(request.unwrap()).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let message = refused.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("`dryRun`"), "{message}");
}

#[rstest]
#[tokio::test]
async fn only_those_who_may_import_upload(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let body = || Body::from("{\"title\": \"A title\"}");
    let refused = send_as(&server, None, "?name=a.json", body()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.code(), "UNAUTHENTICATED");
    let refused = send_as(&server, Some("anp_nonsense"), "?name=a.json", body()).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    for (role, scope) in [
        (Role::Author, Scope::Import),
        (Role::Editor, Scope::WritePosts),
    ] {
        let token = token(&server, role, &[scope]).await;
        let refused = send_as(&server, Some(&token), "?name=a.json", body()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{role:?} {scope:?}");
        assert_eq!(refused.code(), "FORBIDDEN");
    }
    assert_eq!(kept(&server).await, [0, 0, 0]);
    let editor = server.sign_in_as(Role::Editor).await;
    let taken = send_as(&server, Some(&editor.token), "?name=a.json", body()).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED);
}

#[rstest]
#[tokio::test]
async fn what_makes_no_sense_is_refused_and_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let config = Config {
        upload_limit_megabytes: 1,
        ..Config::default()
    };
    let Some(server) = TestServer::create_with(backend, config).await else {
        return;
    };
    let script = Script::new(&server).await;
    for (query, part) in [
        ("?format=yaml", "page-text"),
        ("?dryrun=true", "dryrun"),
        ("?publish=perhaps", "publish"),
        ("?name=a%00b", "name"),
        ("?name=", "name"),
    ] {
        let refused = script.send(query, "{\"title\": \"A title\"}").await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(refused.code(), "BAD_USER_INPUT", "{query}");
        let message = refused.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(part), "{query}: {message}");
    }
    let empty = script.send("?name=a.json", "").await;
    assert_eq!(empty.status, StatusCode::BAD_REQUEST);

    let large = vec![b' '; 1_000_001];
    let declared = Request::post("/imports?name=a.json")
        .header("authorization", format!("Bearer {}", script.token))
        .header("content-length", large.len())
        .body(Body::from(large.clone()));
    let declared = server.send(declared.unwrap()).await;
    assert_eq!(declared.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(declared.code(), "BODY_TOO_LARGE");
    // One that does not say how long it is.
    let pieces = large.chunks(100_000).map(Bytes::copy_from_slice);
    let pieces: Vec<Result<Bytes, std::io::Error>> = pieces.map(Ok).collect();
    let stream = async_graphql::futures_util::stream::iter(pieces);
    let undeclared = script.send("?name=a.json", Body::from_stream(stream)).await;
    assert_eq!(undeclared.status, StatusCode::PAYLOAD_TOO_LARGE);
    let just_fits = vec![b' '; 1_000_000];
    let taken = script.send("?name=a.json", just_fits).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED);
    assert_eq!(kept(&server).await[0], 1);
}

#[rstest]
#[tokio::test]
async fn an_upload_that_is_broken_off_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let piece = Bytes::from(vec![b' '; 600_000]);
    let lost = std::io::Error::other("the connection is gone");
    let pieces = vec![Ok(piece.clone()), Ok(piece.clone()), Err(lost)];
    let stream = async_graphql::futures_util::stream::iter(pieces);
    let broken = script.send("?name=a.json", Body::from_stream(stream)).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    let message = broken.body["errors"][0]["message"].as_str().unwrap();
    assert!(message.contains("broken off"), "{message}");
    assert_eq!(kept(&server).await, [0, 0, 0]);

    // One whose server was killed.
    let store = &server.test.store;
    let mut uploader = Uploader::begin(store, Actor::CommandLine.into(), NewUpload::default())
        .await
        .unwrap();
    uploader.start_file("a.json").await.unwrap();
    uploader.write(&piece).await.unwrap();
    assert_eq!(kept(&server).await, [1, 1, 1]);
    store.clock.advance(TimeDelta::minutes(50));
    assert_eq!(purge(store).await.unwrap(), 0, "it may go on");
    store.clock.advance(TimeDelta::minutes(20));
    assert_eq!(purge(store).await.unwrap(), 1);
    assert_eq!(kept(&server).await, [0, 0, 0]);
    // Should it go on all the same, it is told.
    assert!(uploader.write(&piece).await.is_err());
}

#[rstest]
#[tokio::test]
async fn who_is_disabled_during_an_upload_starts_no_import(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let store = server.test.store.clone();
    let pieces = async_graphql::futures_util::stream::once(async move {
        user::Entity::update_many()
            .col_expr(user::Column::DisabledAt, Expr::value(store.clock.now()))
            .exec(store.database.writer())
            .await
            .unwrap();
        Ok::<_, std::io::Error>(Bytes::from_static(b"{\"title\": \"A title\"}"))
    });
    let refused = script.send("?name=a.json", Body::from_stream(pieces)).await;
    assert_eq!(
        refused.status,
        StatusCode::UNAUTHORIZED,
        "{:#}",
        refused.body
    );
    assert_eq!(refused.code(), "UNAUTHENTICATED");
    assert_eq!(kept(&server).await, [0, 0, 0]);
}

#[rstest]
#[tokio::test]
async fn files_of_stopped_imports_are_kept_for_a_week(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let store = &server.test.store;
    let id = script.upload("?name=notes.ndjson", ndjson(&notes(3))).await;
    store.clock.advance(TimeDelta::days(30));
    assert_eq!(purge(store).await.unwrap(), 0, "it waits for a worker");
    script.done("cancelImport", &id).await;
    store.clock.advance(TimeDelta::days(6));
    assert_eq!(purge(store).await.unwrap(), 0);
    store.clock.advance(TimeDelta::days(2));
    assert_eq!(purge(store).await.unwrap(), 1);
    assert_eq!(kept(&server).await, [1, 1, 0]);
    let refused = script.refused("resumeImport", &id).await;
    assert!(refused.contains("upload them again"), "{refused}");
}
