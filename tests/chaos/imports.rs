//! An import whose processes are killed ends as one that was left alone.

use alphanode::domain::transaction::Store;
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::transfer::Document;
use alphanode::transfer::export::ndjson;
use alphanode::transfer::synth;
use rstest::rstest;
use serde_json::json;

use super::Scale;
use super::client::{self, Client};
use super::fleet::Fleet;
use crate::support::transfer::{export, import};
use crate::support::{Backend, TestDatabase, number};

const PAUSE: &str = "mutation ($input: PauseJobKindInput!) {
    pauseJobKind(input: $input) { userErrors { message } }
}";

const RUN: &str = "query ($id: ID!) {
    importRun(id: $id) { status counts { created updated skipped conflicted failed } }
}";

async fn open(database: &TestDatabase) -> Store {
    let opened = Database::open(&DatabaseOptions::new(database.url()))
        .await
        .unwrap();
    Store::new(opened, Clock::system())
}

#[rstest]
#[tokio::test]
async fn a_killed_import_ends_as_a_clean_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let (Some(clean), Some(database)) = (
        TestDatabase::create(backend).await,
        TestDatabase::create(backend).await,
    ) else {
        return;
    };
    let scale = Scale::of_this_run();
    let documents: Vec<Document> = synth::documents(7, 0..scale.documents).collect();
    let mut file = Vec::new();
    for document in &documents {
        ndjson::write(document, &mut file).unwrap();
    }
    let store = open(&database).await;
    let token = client::token(&store).await;
    store.database.close().await.unwrap();

    let mut fleet = Fleet::start(&database);
    let client = Client::new(fleet.address, token);
    // A clean import alone assesses nothing.
    let assess = json!({ "input": { "kind": "assess_scores" } });
    client.ask(PAUSE, assess).await;
    let file = String::from_utf8(file).unwrap();
    let path = "/imports?name=notes.ndjson";
    let (status, answer) = client.send(path, "application/x-ndjson", &file).await;
    assert_eq!(status, 202, "{answer}");
    let run = answer["importRun"]["id"].as_str().unwrap().to_owned();

    let connection = database.connect().await;
    let count = async |sql: &str| number(&connection, sql).await;
    fleet
        .torment(scale.kills, 50..950, async || {
            count("SELECT COUNT(*) FROM job WHERE kind = 'import' AND status = 'done'").await == 1
        })
        .await;
    eprintln!("{backend:?}: {} kills", fleet.kills);
    let ended = client.ask(RUN, json!({ "id": run })).await;
    let counts = json!({ "created": scale.documents, "updated": 0, "skipped": 0, "conflicted": 0,
                         "failed": 0 });
    assert_eq!(ended["importRun"]["counts"], counts);
    drop(fleet);

    let all = i64::try_from(scale.documents).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM post").await, all);
    let reported = "SELECT COUNT(*) FROM import_document WHERE outcome = 'created'";
    assert_eq!(count(reported).await, all, "each document is in the report");

    let clean = open(&clean).await;
    import(&clean, &documents).await;
    let killed = open(&database).await;
    let (killed, clean) = (
        export(&killed.database).await,
        export(&clean.database).await,
    );
    assert!(killed == clean, "the exports differ");
}
