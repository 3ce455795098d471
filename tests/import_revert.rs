//! Taking imports back: what comes back, what is left alone, and that the same file can be imported
//! again.

use std::time::Instant;

use alphanode::domain::import::revert_batch;
use alphanode::domain::permission::Role;
use alphanode::domain::post::RevisionStatus;
use alphanode::transfer::synth;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::editing::done;
use crate::support::importing::{Script, counts, ndjson};
use crate::support::transfer::{documents, export};
use crate::support::{Backend, TestServer, TestUser};

fn note(source: &str, body: &str, status: &str) -> Value {
    json!({
        "sourceId": source, "title": source, "body": body, "revision": { "status": status },
    })
}

/// The post of a source: its ids, and what it shows whom.
async fn post(script: &Script<'_>, source: &str) -> Value {
    let query = "query ($source: String!) { post(by: { sourceId: $source }) {
        id title body: bodyMarkdown revision { id number message }
        editing { headRevisionId liveRevisionId trashedAt } } }";
    let answer = script.ask(query, json!({ "source": source })).await;
    answer.data()["post"].clone()
}

/// What the public sees of a source.
async fn public(server: &TestServer, source: &str) -> Option<String> {
    let query = "query ($source: String!) { post(by: { sourceId: $source }) { bodyMarkdown } }";
    let post = server.data(query, json!({ "source": source })).await["post"].clone();
    post["bodyMarkdown"].as_str().map(str::to_owned)
}

async fn edit(server: &TestServer, editor: &TestUser, post: &Value, title: &str) {
    let input = json!({
        "id": post["id"], "basedOn": post["revision"]["id"], "content": { "title": title },
    });
    done(server, editor, "updatePost", input).await;
}

/// What the report says of taking each document back.
async fn reverts(script: &Script<'_>, id: &str) -> Vec<(String, String)> {
    let report = script.report(id, "", "revert { outcome message }").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    report
        .iter()
        .map(|document| {
            let revert = &document["revert"];
            (text(&revert["outcome"]), text(&revert["message"]))
        })
        .collect()
}

#[rstest]
#[tokio::test]
async fn posts_that_an_import_made_go_to_the_trash_unless_they_were_changed_since(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let sources = [
        "live",
        "draft",
        "edited",
        "published",
        "unpublished",
        "trashed",
        "deleted",
        "scheduled",
        "released",
    ];
    let status = |source: &str| match source {
        "draft" | "published" | "scheduled" => "drafted",
        _ => "published",
    };
    let notes: Vec<Value> = sources
        .iter()
        .map(|source| note(source, "Text.", status(source)))
        .chain([json!({ "titel": "none" })])
        .collect();
    let file = Value::from(notes).to_string();
    let run = script.import("?name=notes.json", file.clone()).await;
    assert_eq!(counts(&run), [9, 0, 0, 0, 1, 6]);
    let id = run["id"].as_str().unwrap();

    let editor = server.sign_in_as(Role::Editor).await;
    let of = async |source: &str| post(&script, source).await;
    edit(&server, &editor, &of("edited").await, "Edited").await;
    for (source, verb) in [
        ("published", "publishPost"),
        ("unpublished", "unpublishPost"),
        ("trashed", "trashPost"),
        ("deleted", "trashPost"),
    ] {
        let found = of(source).await;
        let input = match verb {
            "publishPost" => json!({ "id": found["id"], "revision": found["revision"]["id"] }),
            _ => json!({ "id": found["id"] }),
        };
        done(&server, &editor, verb, input).await;
        if source == "deleted" {
            done(&server, &editor, "deletePost", json!({ "id": found["id"] })).await;
        }
    }
    let found = of("scheduled").await;
    let input = json!({ "id": found["id"], "revision": found["revision"]["id"],
        "at": "2026-07-01T00:00:00Z" });
    done(&server, &editor, "schedulePost", input).await;
    let create = "mutation { createRelease(input: { name: \"June\" }) { release { id } } }";
    let release = server.ask_as(&editor.token, create, json!({})).await;
    let release = release.data()["createRelease"]["release"]["id"].clone();
    let add = "mutation ($input: AddToReleaseInput!) { addToRelease(input: $input) {
        userErrors { message } } }";
    let input = json!({ "release": release, "unpublish": [of("released").await["id"]] });
    let added = server
        .ask_as(&editor.token, add, json!({ "input": input }))
        .await;
    assert_eq!(added.data()["addToRelease"]["userErrors"], json!([]));

    let reverted = script.revert(id).await;
    assert_eq!(reverted["status"], "REVERTED");
    assert_eq!(
        reverted["revertCounts"],
        json!({ "trashed": 2, "restored": 0, "kept": 7 })
    );
    assert_eq!(reverted["counts"], run["counts"], "the report stays");
    let reverts = reverts(&script, id).await;
    let expected = [
        ("TRASHED", ""),
        ("TRASHED", ""),
        ("KEPT", "saved again"),
        ("KEPT", "published since"),
        ("KEPT", "unpublished since"),
        ("KEPT", "in the trash since"),
        ("KEPT", "deleted since"),
        ("KEPT", "is scheduled"),
        ("KEPT", "the release `June` wants it"),
        ("", ""),
    ];
    for ((outcome, message), (wanted, part)) in reverts.iter().zip(expected) {
        let part = part.replace("wants it", "wants the post");
        assert_eq!(outcome, wanted, "{message}");
        assert!(message.contains(&part), "{message}");
    }
    let kept = script.report(id, "revert: [KEPT]", "number").await;
    assert_eq!(kept.len(), 7);
    assert_eq!(public(&server, "live").await, None);
    assert_eq!(public(&server, "edited").await.as_deref(), Some("Text."));
    assert_eq!(of("draft").await, Value::Null, "it is in the trash");

    // Again, nothing happens.
    assert_eq!(script.done("revertImport", id).await["status"], "REVERTED");
    let refused = script.refused("resumeImport", id).await;
    assert!(refused.contains("taken back"), "{refused}");

    // The same file brings back what was taken back, and leaves the rest as it is.
    server.test.store.clock.advance(TimeDelta::minutes(1));
    let again = script.import("?name=notes.json", file).await;
    assert_eq!(counts(&again), [1, 2, 6, 0, 1, 2], "{again:#}");
    assert_eq!(public(&server, "live").await.as_deref(), Some("Text."));
    assert_eq!(public(&server, "draft").await, None);
    assert_eq!(of("draft").await["editing"]["trashedAt"], Value::Null);
    assert!(of("deleted").await.is_object(), "it is made anew");
}

#[rstest]
#[tokio::test]
async fn posts_that_an_import_changed_show_again_what_they_showed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let editor = server.sign_in_as(Role::Editor).await;
    let all = |body: &str, notes: &[(&str, &str)]| {
        let notes = notes
            .iter()
            .map(|(source, status)| note(source, body, status));
        Value::from(notes.collect::<Vec<Value>>()).to_string()
    };
    let sources = [
        ("live", "published"),
        ("draft", "drafted"),
        ("older", "published"),
        ("conflict", "published"),
        ("overwritten", "drafted"),
        ("later", "published"),
        ("same", "published"),
    ];
    let old = all("Old.", &sources);
    script.import("?name=notes.json", old.clone()).await;
    // One has a newer head than what is live, and one was edited, before the second import.
    let older = post(&script, "older").await;
    for source in ["conflict", "overwritten"] {
        edit(&server, &editor, &post(&script, source).await, "Edited").await;
    }
    let before = documents(&server.test.store.database).await;

    let mut changed: Vec<Value> = serde_json::from_str(&all("New.", &sources[..6])).unwrap();
    changed[4]["revision"]["status"] = json!("published");
    changed.push(note("same", "Old.", "published"));
    changed[6]["viewCount"] = json!(17);
    let new = Value::from(changed).to_string();
    let run = script
        .import("?name=notes.json&overwrite=true", new.clone())
        .await;
    assert_eq!(counts(&run)[..5], [0, 7, 0, 0, 0], "{run:#}");
    assert_eq!(public(&server, "live").await.as_deref(), Some("New."));
    let id = run["id"].as_str().unwrap();
    edit(&server, &editor, &post(&script, "later").await, "Later").await;

    let reverted = script.revert(id).await;
    assert_eq!(reverted["status"], "REVERTED");
    assert_eq!(
        reverted["revertCounts"],
        json!({ "trashed": 0, "restored": 5, "kept": 1 })
    );
    assert_eq!(public(&server, "live").await.as_deref(), Some("Old."));
    assert_eq!(public(&server, "older").await.as_deref(), Some("Old."));
    assert_eq!(public(&server, "overwritten").await, None);
    let live = post(&script, "live").await;
    assert_eq!(
        live["revision"]["message"],
        format!("Take back import {}", 2)
    );
    assert_eq!(live["revision"]["number"], 3);
    assert_eq!(
        live["editing"]["liveRevisionId"],
        live["editing"]["headRevisionId"]
    );
    assert_eq!(post(&script, "overwritten").await["title"], "Edited");
    assert_eq!(post(&script, "conflict").await["title"], "Edited");
    assert_eq!(post(&script, "later").await["body"], "New.");
    assert_ne!(
        post(&script, "older").await["revision"]["id"],
        older["revision"]["id"]
    );
    let after = documents(&server.test.store.database).await;
    for (before, after) in before.iter().zip(&after) {
        if before.source_id.as_deref() != Some("later") {
            assert_eq!(before.content, after.content);
        }
    }

    // The old file is known, and the new one brings its changes again.
    let known = script.import("?name=notes.json", old).await;
    assert_eq!(counts(&known)[..5], [0, 0, 6, 1, 0], "{known:#}");
    let again = script.import("?name=notes.json", new).await;
    assert_eq!(again["counts"]["failed"], 0);
    assert_eq!(public(&server, "live").await.as_deref(), Some("New."));
    assert_eq!(post(&script, "conflict").await["title"], "Edited");
}

#[rstest]
#[tokio::test]
async fn a_revert_that_is_killed_anywhere_comes_to_its_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let script = Script::new(&server).await;
    let mut notes: Vec<_> = synth::documents(9, 0..230).collect();
    for (note, place) in notes.iter_mut().zip(0..) {
        note.history.clear();
        note.content.body = "Text.".into();
        note.revision.status = match place % 10 {
            0 => RevisionStatus::Published,
            _ => RevisionStatus::Drafted,
        };
    }
    script.import("?name=a.ndjson", ndjson(&notes[..120])).await;
    let before = export(&server.test.store.database).await;
    for note in &mut notes {
        note.content.summary = "Changed.".into();
    }
    let began = Instant::now();
    let run = script.import("?name=a.ndjson", ndjson(&notes)).await;
    let took = began.elapsed();
    assert_eq!(counts(&run)[..5], [110, 120, 0, 0, 0]);
    let id = run["id"].as_str().unwrap();
    script.done("revertImport", id).await;

    let store = &server.test.store;
    // Two that are at it at once.
    let (one, other) = tokio::join!(revert_batch(store, 2), revert_batch(store, 2));
    let dealt_with = [one.unwrap(), other.unwrap()].into_iter().flatten();
    assert!(dealt_with.count() >= 1);
    script.work_and_be_killed(4, took).await;
    let reverted = script.run(id).await;
    assert_eq!(reverted["status"], "REVERTED");
    assert_eq!(
        reverted["revertCounts"],
        json!({ "trashed": 110, "restored": 120, "kept": 0 })
    );
    assert_eq!(reverted["progress"]["done"], json!(230.0));
    let content = |text: &str| -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["summary"].clone())
            .collect()
    };
    let after = export(&store.database).await;
    assert_eq!(content(&after), content(&before));
}
