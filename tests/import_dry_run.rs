//! Dry runs: what they say, and that they write nothing but that.

use alphanode::domain::permission::Role;
use entity::{audit_event, import_source, job, revision};
use rstest::rstest;
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::importing::{Script, counts};
use crate::support::transfer::export;
use crate::support::{Backend, TestServer};

fn note(source: &str, title: &str) -> Value {
    json!({
        "sourceId": source, "title": title, "body": "One.\n\nTwo.\n", "tools": ["cargo", "git"],
        "revision": { "status": "published" },
    })
}

/// Everything that a dry run must leave alone.
async fn state(server: &TestServer) -> (String, Vec<import_source::Model>, [u64; 2]) {
    let database = &server.test.store.database;
    let reader = database.reader();
    (
        export(database).await,
        import_source::Entity::find().all(reader).await.unwrap(),
        [
            revision::Entity::find().count(reader).await.unwrap(),
            job::Entity::find().count(reader).await.unwrap(),
        ],
    )
}

#[rstest]
#[tokio::test]
async fn a_dry_run_says_what_would_change_and_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let first = json!([
        note("a", "One"),
        note("b", "Two"),
        note("c", "Three"),
        note("e", "Five")
    ]);
    script.import("?name=notes.json", first.to_string()).await;

    // An editor goes on with one of them.
    let editor = server.sign_in_as(Role::Editor).await;
    let query = "{ post(by: { sourceId: \"c\" }) { id revision { id } } }";
    let post = script.ask(query, json!({})).await.data()["post"].clone();
    let update = "mutation ($input: UpdatePostInput!) { updatePost(input: $input) {
        userErrors { message } } }";
    let input = json!({
        "id": post["id"], "basedOn": post["revision"]["id"], "content": { "summary": "Edited." },
    });
    let saved = server
        .ask_as(&editor.token, update, json!({ "input": input }))
        .await;
    assert_eq!(saved.data()["updatePost"]["userErrors"], json!([]));

    let mut changed = note("b", "Two");
    changed["body"] = json!("One.\n\nThree.\n");
    changed["tools"] = json!(["Git", "cargo", "sqlx"]);
    changed["difficulty"] = json!("beginner");
    let mut conflicting = note("c", "Three");
    conflicting["title"] = json!("Three and a half");
    let mut counted = note("e", "Five");
    counted["viewCount"] = json!(17);
    let second = json!([
        note("a", "One"), changed, conflicting, note("d", "Four"), counted, { "titel": "None" },
    ]);
    let upload = "?name=notes.json&dryRun=true&publish=true";
    let id = script.upload(upload, second.to_string()).await;
    let mut before = state(&server).await;
    script.work().await;
    // Its own job is done.
    before.2[1] = state(&server).await.2[1];
    assert_eq!(state(&server).await, before);

    let run = script.run(&id).await;
    assert_eq!(run["status"], "FINISHED");
    assert_eq!(run["dryRun"], true);
    assert_eq!(counts(&run), [1, 2, 1, 1, 1, 2]);
    let wanted = "outcome postId message diff {
        fields { field before after }
        lists { field added { item } removed { item } moved { item } }
        body { added removed } }";
    let report = script.report(&id, "", wanted).await;
    let outcome = |place: usize| report[place]["outcome"].as_str().unwrap();
    let outcomes: Vec<&str> = (0..6).map(outcome).collect();
    assert_eq!(
        outcomes,
        [
            "SKIPPED",
            "UPDATED",
            "CONFLICTED",
            "CREATED",
            "UPDATED",
            "FAILED"
        ]
    );
    let diff = |place: usize| &report[place]["diff"];
    assert_eq!(*diff(0), Value::Null);
    assert_eq!(
        diff(1)["fields"],
        json!([{ "field": "difficulty", "before": null, "after": "beginner" }])
    );
    let tools = &diff(1)["lists"][0];
    assert_eq!(tools["field"], "tools");
    assert_eq!(tools["added"], json!([{ "item": "sqlx" }]));
    assert_eq!(tools["removed"], json!([]), "`Git` is `git`");
    assert_eq!(diff(1)["body"], json!({ "added": 1, "removed": 1 }));
    let fields = diff(2)["fields"].as_array().unwrap();
    let names: Vec<&str> = fields
        .iter()
        .map(|f| f["field"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["summary", "title"]);
    assert!(
        report[2]["message"]
            .as_str()
            .unwrap()
            .contains("was edited")
    );
    assert_eq!(report[3]["postId"], Value::Null, "there is none yet");
    assert_eq!(*diff(3), Value::Null);
    assert_eq!(*diff(4), Value::Null, "only views");

    let refused = script.refused("revertImport", &id).await;
    assert!(refused.contains("writes nothing"), "{refused}");
    // Done for real, it does what it said.
    let wet = script
        .import("?name=notes.json&publish=true", second.to_string())
        .await;
    assert_eq!(wet["counts"], run["counts"]);
    let reader = server.test.store.database.reader();
    let events = audit_event::Entity::find().all(reader).await.unwrap();
    let started = events.iter().filter(|event| event.action == "start");
    assert_eq!(started.count(), 3);
}
