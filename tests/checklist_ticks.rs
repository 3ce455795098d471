//! Steps of a checklist are ticked off.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Role;
use alphanode::domain::post::{ChecklistItem, Content, NewPost, NewRevision, RevisionStatus};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Editor, TestServer};

const CHECKLIST: &str = "query { post(by: {slug: \"notes\"}) { id
    checklist { id text tick { by at } } } }";

fn revision(texts: &[(&str, &str)], status: RevisionStatus) -> NewRevision {
    let item = |(id, text): &(&str, &str)| ChecklistItem {
        id: (*id).to_owned(),
        text: (*text).to_owned(),
    };
    NewRevision {
        content: Content {
            slug: Some("notes".into()),
            title: "Notes".into(),
            checklist: texts.iter().map(item).collect(),
            ..Content::default()
        },
        status,
        ..NewRevision::default()
    }
}

fn ticks(data: &Value) -> Vec<Value> {
    let items = data["post"]["checklist"].as_array().unwrap();
    items.iter().map(|item| item["tick"].clone()).collect()
}

#[rstest]
#[tokio::test]
async fn steps_are_ticked_off_by_whoever_did_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let post = NewPost {
        revisions: vec![
            revision(
                &[("build", "Build"), ("gone", "Gone")],
                RevisionStatus::Published,
            ),
            revision(
                &[("build", "Build it"), ("ship", "Ship it")],
                RevisionStatus::Drafted,
            ),
        ],
        ..NewPost::default()
    };
    server.create_posts(vec![post]).await;
    let store = &server.test.store;
    let ann = Editor::create(store, "Ann", Role::Author).await;
    let bob = Editor::create(store, "Bob", Role::Editor).await;
    let id = ann.data(CHECKLIST, json!({})).await["post"]["id"].clone();

    let input = |item: &str| json!({ "id": id, "item": item });
    let fields = "post { checklist { id text tick { by at } } }";
    let payload = ann.done("tickChecklistItem", fields, input("build")).await;
    let tick = json!({ "by": "Ann", "at": "2026-06-01T12:00:00+00:00" });
    assert_eq!(ticks(&payload), [tick.clone(), json!(null)]);

    // The first tick stays.
    store.clock.advance(TimeDelta::hours(1));
    let payload = bob.done("tickChecklistItem", fields, input("build")).await;
    assert_eq!(ticks(&payload)[0], tick);
    bob.done("tickChecklistItem", fields, input("ship")).await;
    let (answer, statements) = bob.ask(CHECKLIST, json!({})).await;
    assert_eq!(statements, 2, "all ticks are one statement");
    assert_eq!(ticks(&answer["data"])[1]["by"], "Bob");

    // The public sees the checklist, and no ticks.
    let public = server.data(CHECKLIST, json!({})).await;
    assert_eq!(public["post"]["checklist"][0]["text"], "Build");
    assert_eq!(ticks(&public), [json!(null), json!(null)]);

    let payload = bob
        .done("untickChecklistItem", fields, input("build"))
        .await;
    assert_eq!(ticks(&payload)[0], json!(null));
    bob.done("untickChecklistItem", fields, input("build"))
        .await;

    // The newest revision decides what there is to tick.
    for mutation in ["tickChecklistItem", "untickChecklistItem"] {
        let (code, path, _) = ann.refused(mutation, input("gone")).await;
        assert_eq!((code.as_str(), path.as_str()), ("NOT_FOUND", "item"));
    }
    let viewer = Editor::create(store, "Vera", Role::Viewer).await;
    let document = "mutation($input: TickChecklistItemInput!) {
        tickChecklistItem(input: $input) { userErrors { code } } }";
    let variables = json!({ "input": input("ship") });
    let (answer, _) = viewer.ask(document, variables.clone()).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let (answer, _) = Editor::of(store, Actor::Anonymous)
        .ask(document, variables)
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
