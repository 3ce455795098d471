//! An import whose processes are killed ends as one that was left alone.

use alphanode::domain::transaction::Store;
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::transfer::export::ndjson;
use alphanode::transfer::synth;
use rstest::rstest;
use serde_json::json;

use super::Scale;
use super::client::{self, Client};
use super::fleet::Fleet;
use crate::support::transfer::export;
use crate::support::{Backend, TestDatabase, number};

const PAUSE: &str = "mutation ($input: PauseJobKindInput!) {
    pauseJobKind(input: $input) { userErrors { message } }
}";

const RUN: &str = "query ($id: ID!) {
    importRun(id: $id) { status counts { created updated skipped conflicted failed } }
}";

/// Imports a file through the API while so many processes are killed. Answers what an export says
/// then.
async fn import(database: &TestDatabase, file: &str, documents: u64, kills: usize) -> String {
    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    let store = Store::new(opened, Clock::system());
    let token = client::token(&store).await;
    let mut fleet = Fleet::start(database.url());
    let client = Client::new(fleet.address, token);
    // What it would do depends on the day.
    let assess = json!({ "input": { "kind": "assess_scores" } });
    client.ask(PAUSE, assess).await;
    let path = "/imports?name=notes.ndjson";
    let (status, answer) = client.send(path, "application/x-ndjson", file).await;
    assert_eq!(status, 202, "{answer}");
    let run = answer["importRun"]["id"].as_str().unwrap().to_owned();

    let connection = database.connect().await;
    let count = async |sql: &str| number(&connection, sql).await;
    fleet
        .torment(kills, 50..950, async || {
            count("SELECT COUNT(*) FROM job WHERE kind = 'import' AND status = 'done'").await == 1
        })
        .await;
    eprintln!("{} kills", fleet.kills);
    let ended = client.ask(RUN, json!({ "id": run })).await;
    let counts = json!({ "created": documents, "updated": 0, "skipped": 0, "conflicted": 0,
                         "failed": 0 });
    assert_eq!(ended["importRun"]["counts"], counts);
    drop(fleet);

    let all = i64::try_from(documents).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM post").await, all);
    let reported = "SELECT COUNT(*) FROM import_document WHERE outcome = 'created'";
    assert_eq!(count(reported).await, all, "each document is in the report");
    let exported = export(&store.database).await;
    store.database.close().await.unwrap();
    exported
}

#[rstest]
#[tokio::test]
async fn a_killed_import_ends_as_a_clean_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(clean), Some(killed)) = (
        TestDatabase::create(backend).await,
        TestDatabase::create(backend).await,
    ) else {
        return;
    };
    let Scale {
        documents, kills, ..
    } = Scale::of_this_run();
    let mut file = Vec::new();
    for document in synth::documents(7, 0..documents) {
        ndjson::write(&document, &mut file).unwrap();
    }
    let file = String::from_utf8(file).unwrap();
    let clean = import(&clean, &file, documents, 0).await;
    let killed = import(&killed, &file, documents, kills).await;
    let mut pairs = killed.lines().zip(clean.lines());
    assert_eq!(pairs.find(|(killed, clean)| killed != clean), None);
    assert_eq!(killed.len(), clean.len());
}
