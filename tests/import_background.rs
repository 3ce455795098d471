//! Imports that workers carry out: killed, cancelled, resumed, two at once, and held to review.

use std::time::Instant;

use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::import::{self, NewUpload, Place, RunStatus, Uploader};
use alphanode::domain::permission::Role;
use alphanode::domain::post::RevisionStatus;
use alphanode::jobs;
use alphanode::transfer::import::{ImportEvent, carry_out};
use alphanode::transfer::{Document, synth};
use chrono::TimeDelta;
use entity::{import_document, import_run, revision};
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::support::editing::{done, problems};
use crate::support::importing::{DOCUMENT, RUN, Script, counts, ndjson};
use crate::support::perspective::id;
use crate::support::transfer::export;
use crate::support::{Backend, TestServer};

fn notes(count: u64) -> Vec<Document> {
    let notes = synth::documents(5, 0..count);
    notes
        .map(|mut note| {
            // Histories, long bodies and what is live have other tests, and take their time.
            note.history.clear();
            note.content.body = "Text.".into();
            note.revision.status = RevisionStatus::Drafted;
            note
        })
        .collect()
}

/// A JSON file with notes that can't be read, and one that is there twice.
fn file() -> String {
    let mut documents: Vec<Value> = notes(1_300)
        .iter()
        .map(|note| serde_json::to_value(note).unwrap())
        .collect();
    documents.insert(200, json!({ "titel": "No title" }));
    documents.insert(900, documents[10].clone());
    let mut other = documents[20].clone();
    other["title"] = json!("Another title");
    documents.insert(1_250, other);
    json!({ "posts": documents, "generated": "today" }).to_string()
}

/// The report without what differs between two databases.
async fn report(server: &TestServer) -> Vec<(i64, String, Option<i64>, String, Option<String>)> {
    let reader = server.test.store.database.reader();
    let rows = import_document::Entity::find().order_by_asc(import_document::Column::Number);
    let rows = rows.all(reader).await.unwrap().into_iter();
    rows.map(|row| (row.number, row.path, row.line, row.outcome, row.message))
        .collect()
}

#[rstest]
#[tokio::test]
async fn an_import_that_is_killed_anywhere_ends_as_a_clean_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(clean), Some(killed)) = (
        TestServer::create(backend).await,
        TestServer::create(backend).await,
    ) else {
        return;
    };
    let file = file();
    let script = Script::new(&clean).await;
    let began = Instant::now();
    let expected = script.import("?name=notes.json", file.clone()).await;
    let took = began.elapsed();
    assert_eq!(counts(&expected)[..5], [1_300, 0, 1, 0, 2]);
    assert_eq!(expected["status"], "FINISHED");

    let script = Script::new(&killed).await;
    let run = script.upload("?name=notes.json", file).await;
    script.work_and_be_killed(6, took).await;
    let ended = script.run(&run).await;
    assert_eq!(ended["status"], "FINISHED");
    assert_eq!(ended["counts"], expected["counts"]);
    assert_eq!(report(&killed).await, report(&clean).await);
    let (killed, clean) = (&killed.test.store.database, &clean.test.store.database);
    let (mut ended, mut expected) = (export(killed).await, export(clean).await);
    for text in [&mut ended, &mut expected] {
        // References and times of creation are made when a post is written.
        *text = without_made_up(text);
    }
    assert!(ended == expected, "the exports differ");
}

fn without_made_up(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let mut document: Value = serde_json::from_str(line).unwrap();
        let fields = document.as_object_mut().unwrap();
        for field in ["reference", "createdAt", "updatedAt", "publishedAt"] {
            fields.remove(field);
        }
        if let Some(score) = fields.get_mut("score").and_then(Value::as_object_mut) {
            score.remove("assessedAt");
        }
        document.to_string() + "\n"
    });
    lines.collect()
}

/// The job of an import, as an editor sees it.
async fn job_of(server: &TestServer, id: &str) -> Value {
    let editor = server.sign_in_as(Role::Editor).await;
    let document = "query Q($id: ID!) { importRun(id: $id) { job { id kind status } } }";
    let answer = server.ask_as(&editor.token, document, json!({ "id": id }));
    answer.await.data()["importRun"]["job"].clone()
}

#[rstest]
#[tokio::test]
async fn the_job_of_an_import_that_is_stopped_ends_as_cancelled(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let id = script.upload("?name=notes.json", file()).await;
    let stop = async {
        while script.run(&id).await["status"] == "WAITING" {
            tokio::task::yield_now().await;
        }
        script.done("cancelImport", &id).await
    };
    let ((), stopped) = tokio::join!(script.work(), stop);
    assert_eq!(stopped["status"], "CANCELLED");
    assert_eq!(script.run(&id).await["status"], "CANCELLED");
    assert_eq!(job_of(&server, &id).await["status"], "CANCELLED");
}

#[rstest]
#[tokio::test]
async fn a_cancelled_import_stays_as_it_is_and_can_be_resumed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let id = script.upload("?name=notes.json", file()).await;
    let refused = script.refused("revertImport", &id).await;
    assert!(refused.contains("cancel it first"), "{refused}");
    let cancelled = script.done("cancelImport", &id).await;
    assert_eq!(cancelled["status"], "CANCELLED");
    assert_eq!(
        script.done("cancelImport", &id).await["status"],
        "CANCELLED"
    );
    let job = async || job_of(&server, &id).await;
    let first = job().await;
    assert_eq!(
        (&first["kind"], &first["status"]),
        (&json!("import"), &json!("CANCELLED"))
    );
    script.work().await;
    assert_eq!(script.run(&id).await["counts"]["documents"], 0);
    assert_eq!(script.done("resumeImport", &id).await["status"], "WAITING");
    let second = job().await;
    assert_eq!(second["status"], "WAITING");
    assert_ne!(second["id"], first["id"]);
    // The token may not look at jobs.
    let document = "query Q($id: ID!) { importRun(id: $id) { id job { id } } }";
    let answer = script.ask(document, json!({ "id": id })).await;
    assert_eq!(answer.code(), "FORBIDDEN");

    // It is stopped after its first batch, as by a worker whose job is cancelled.
    let store = &server.test.store;
    let run = import::start(store, 1).await.unwrap().unwrap();
    let stop = CancellationToken::new();
    let mut stop_then = |event| {
        if matches!(event, ImportEvent::Progress { .. }) {
            stop.cancel();
        }
    };
    let stopped = carry_out(store, &run, &stop, &mut stop_then).await.unwrap();
    assert_eq!(stopped.status, RunStatus::Interrupted);
    let half = script.run(&id).await;
    assert_eq!(half["status"], "INTERRUPTED");
    let documents = half["counts"]["documents"].as_i64().unwrap();
    assert!((500..1_000).contains(&documents), "{documents}");
    assert_eq!(half["counts"]["failed"], 1);
    let done = half["progress"]["done"].as_f64().unwrap();
    assert!(done > 0.0 && done < half["progress"]["total"].as_f64().unwrap());

    // Cancelled while it runs, the next batch does not begin.
    script.done("resumeImport", &id).await;
    let run = import::start(store, 1).await.unwrap().unwrap();
    assert_eq!(script.run(&id).await["status"], "RUNNING");
    script.done("cancelImport", &id).await;
    let stop = CancellationToken::new();
    let stopped = carry_out(store, &run, &stop, &mut |_| {}).await.unwrap();
    assert_eq!(stopped.status, RunStatus::Interrupted);
    let still = script.run(&id).await;
    assert_eq!(still["status"], "CANCELLED");
    assert_eq!(still["counts"], half["counts"]);

    script.done("resumeImport", &id).await;
    script.work().await;
    let ended = script.run(&id).await;
    assert_eq!(ended["status"], "FINISHED");
    assert_eq!(counts(&ended)[..5], [1_300, 0, 1, 0, 2]);
    assert_eq!(script.report(&id, "", DOCUMENT).await.len(), 1_303);
    for (field, part) in [
        ("cancelImport", "is finished"),
        ("resumeImport", "is finished"),
    ] {
        let refused = script.refused(field, &id).await;
        assert!(refused.contains(part), "{refused}");
    }
}

#[rstest]
#[tokio::test]
async fn two_attempts_at_one_import_do_not_write_twice(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let id = script.upload("?name=notes.json", file()).await;
    let store = &server.test.store;
    // Two workers that both believe to hold the job.
    let one = import::start(store, 1).await.unwrap().unwrap();
    let other = import::start(store, 1).await.unwrap().unwrap();
    assert_eq!(other.place, Place::default());
    let stop = CancellationToken::new();
    let (mut say, mut say_too) = (|_| {}, |_| {});
    let (first, second) = tokio::join!(
        carry_out(store, &one, &stop, &mut say),
        carry_out(store, &other, &stop, &mut say_too),
    );
    let ends = [first.unwrap().status, second.unwrap().status];
    assert!(ends.contains(&RunStatus::Interrupted), "{ends:?}");
    // Whoever was slower leaves the run alone; its own job, or the faster one, ends it.
    script.work().await;
    let ended = script.run(&id).await;
    assert_eq!(ended["status"], "FINISHED");
    assert_eq!(counts(&ended)[..5], [1_300, 0, 1, 0, 2]);
}

#[rstest]
#[tokio::test]
async fn two_imports_of_the_same_file_make_every_post_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let file = ndjson(&notes(700));
    let first = script.upload("?name=notes.ndjson", file.clone()).await;
    let second = script.upload("?name=notes.ndjson", file).await;
    let store = &server.test.store;
    let mut one = server.test.worker("one", jobs::handlers(store));
    let mut other = server.test.worker("other", jobs::handlers(store));
    let (one, other) = tokio::join!(one.run_until_idle(), other.run_until_idle());
    one.unwrap();
    other.unwrap();
    script.work().await;
    let runs = [script.run(&first).await, script.run(&second).await];
    let all = runs.each_ref().map(counts);
    assert_eq!(all[0][0] + all[1][0], 700, "{all:?}");
    assert_eq!(all[0][2] + all[1][2], 700, "{all:?}");
    assert_eq!(export(&store.database).await.lines().count(), 700);

    // Started at once, and carried out beside each other.
    let mut runs = Vec::new();
    for _ in 0..2 {
        let mut changed = notes(300);
        for note in &mut changed {
            note.content.summary = "Changed.".into();
        }
        let upload = NewUpload::default();
        let caller = Actor::CommandLine.into();
        let mut uploader = Uploader::begin(store, caller, upload).await.unwrap();
        uploader.start_file("notes.ndjson").await.unwrap();
        uploader.write(ndjson(&changed).as_bytes()).await.unwrap();
        let run = uploader.finish().await.unwrap();
        runs.push(import::start(store, run.id).await.unwrap().unwrap());
    }
    let stop = CancellationToken::new();
    let (mut say, mut say_too) = (|_| {}, |_| {});
    let (one, other) = tokio::join!(
        carry_out(store, &runs[0], &stop, &mut say),
        carry_out(store, &runs[1], &stop, &mut say_too),
    );
    let (one, other) = (one.unwrap().counts, other.unwrap().counts);
    assert_eq!(one.updated + other.updated, 300, "{one:?} {other:?}");
    assert_eq!(one.skipped + other.skipped, 300, "{one:?} {other:?}");
}

#[rstest]
#[tokio::test]
async fn what_is_not_reviewed_does_not_go_live_by_an_import(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let note = |source: &str, review: bool| {
        json!({
            "sourceId": source, "title": source, "body": "Text.",
            "flags": { "needsHumanReview": review },
            "revision": { "status": "published" },
        })
    };
    let body = json!([note("a", false), note("b", true)]).to_string();
    for review_required in [false, true] {
        let config = Config {
            review_required,
            ..Config::default()
        };
        let Some(server) = TestServer::create_with(backend, config).await else {
            return;
        };
        let mut store = server.test.store.clone();
        store.review_required = review_required;
        let script = Script::new(&server).await;
        let id = script.upload("?name=a.json", body.clone()).await;
        let mut worker = server.test.worker("one", jobs::handlers(&store));
        worker.run_until_idle().await.unwrap();
        let run = script.run(&id).await;
        let live = i64::from(!review_required);
        assert_eq!(counts(&run), [2, 0, 0, 0, 0, live]);
        let wanted = "published inferred revision { status }";
        let report = script.report(&id, "", wanted).await;
        assert_eq!(report[1]["revision"]["status"], "IN_REVIEW");
        let inferred = report[1]["inferred"][0].as_str().unwrap();
        assert!(inferred.contains("waits for a review"), "{inferred}");
        assert_eq!(report[0]["published"], !review_required);
    }
}

#[rstest]
#[tokio::test]
async fn an_import_can_not_say_that_it_was_approved(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let config = Config {
        review_required: true,
        ..Config::default()
    };
    let Some(server) = TestServer::create_with(backend, config).await else {
        return;
    };
    let mut store = server.test.store.clone();
    store.review_required = true;
    let importer = server.sign_in_as(Role::Editor).await;
    let script = Script {
        server: &server,
        token: importer.token.clone(),
    };
    let note =
        |body: &str| json!({ "title": "A", "body": body, "revision": { "status": "approved" } });
    let mut document = note("Text.");
    document["history"] = json!([note("Earlier text.")]);
    let id = script.upload("?name=a.json", document.to_string()).await;
    let mut worker = server.test.worker("one", jobs::handlers(&store));
    worker.run_until_idle().await.unwrap();
    let report = script
        .report(&id, "", "inferred revision { id status } post { id }")
        .await;
    assert_eq!(report[0]["revision"]["status"], "IN_REVIEW", "{report:#?}");
    let inferred = report[0]["inferred"].to_string();
    assert!(inferred.contains("waits for a review"), "{inferred}");
    let rows = revision::Entity::find()
        .order_by_asc(revision::Column::Id)
        .all(store.database.reader())
        .await
        .unwrap();
    let statuses: Vec<&str> = rows.iter().map(|row| row.status.as_str()).collect();
    assert_eq!(statuses.len(), 2);
    assert!(!statuses.contains(&"approved"), "{statuses:?}");

    let revision = &report[0]["revision"]["id"];
    let publication = json!({ "id": report[0]["post"]["id"], "revision": revision });
    let refused = problems(&server, &importer, "publishPost", publication.clone()).await;
    assert_eq!(refused, [("REVIEW_REQUIRED".into(), "revision".into())]);
    let approval = json!({ "revision": revision });
    let refused = problems(&server, &importer, "approveRevision", approval.clone()).await;
    assert_eq!(refused, [("CONFLICT".into(), "revision".into())]);
    let reviewer = server.sign_in_as(Role::Editor).await;
    done(&server, &reviewer, "approveRevision", approval).await;
    done(&server, &importer, "publishPost", publication).await;
}

#[rstest]
#[tokio::test]
async fn imports_are_listed_and_found(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let dry = script
        .import("?name=a.json&dryRun=true", "{\"title\": \"One\"}")
        .await;
    server.test.store.clock.advance(TimeDelta::minutes(1));
    let wet = script.import("?name=a.json", "{\"title\": \"One\"}").await;
    let list = async |filter: &str| {
        let query =
            format!("{{ importRuns(filter: {{ {filter} }}) {{ totalCount nodes {{ {RUN} }} }} }}");
        script.ask(&query, json!({})).await.data()["importRuns"].clone()
    };
    let all = list("").await;
    assert_eq!(all["totalCount"], 2);
    assert_eq!(all["nodes"], json!([wet, dry]));
    assert_eq!(list("dryRun: true").await["nodes"], json!([dry]));
    assert_eq!(
        list("status: [FINISHED], dryRun: false").await["nodes"],
        json!([wet])
    );
    assert_eq!(list("status: [WAITING, RUNNING]").await["totalCount"], 0);
    let user = wet["user"]["id"].as_str().unwrap();
    assert_eq!(list(&format!("user: \"{user}\"")).await["totalCount"], 2);

    let node = "query ($id: ID!) { node(id: $id) { id ... on ImportRun { status } } }";
    let found = script.ask(node, json!({ "id": wet["id"] })).await;
    assert_eq!(found.data()["node"]["status"], "FINISHED");
    let hidden = server.ask(node, json!({ "id": wet["id"] })).await;
    assert_eq!(hidden.data()["node"], Value::Null);
    let missing = script.run(&id("ImportRun", 999)).await;
    assert_eq!(missing, Value::Null);
    let refused = script.refused("cancelImport", &id("ImportRun", 999)).await;
    assert_eq!(refused, "there is no such import");

    // The log knows who started it, and what it did belongs to the same request.
    let admin = server.sign_in_as(Role::Admin).await;
    let rows = import_run::Entity::find_by_id(2);
    let row = rows
        .one(server.test.store.database.reader())
        .await
        .unwrap()
        .unwrap();
    let query = "query ($request: String!) { auditEvents(filter: { requestId: $request }) {
        nodes { action subject } } }";
    let events = server
        .ask_as(
            &admin.token,
            query,
            json!({ "request": row.request_id.unwrap() }),
        )
        .await;
    let events = events.data()["auditEvents"]["nodes"].clone();
    assert_eq!(
        events,
        json!([
            { "action": "create", "subject": "post" },
            { "action": "start", "subject": "import_run" },
        ])
    );
}
