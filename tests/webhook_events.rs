//! What endpoints are told of: every change of what the public sees, and nothing that was undone.

use std::collections::BTreeSet;
use std::time::Duration;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post;
use alphanode::domain::transaction::Transaction;
use alphanode::queue::{Handler, JobError, NewJob, Priority};
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::editing::{done, publish, revise, write};
use crate::support::perspective::id;
use crate::support::webhook::{Hooks, Received};

fn types(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::event_type).collect()
}

/// The messages in the order of what happened: deliveries have none.
fn in_order(mut received: Vec<Received>) -> Vec<Received> {
    received.sort_by_key(|message| message.body["sequence"].as_i64());
    received
}

fn strings(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// Tags without the keys of rows, which differ from test to test.
fn kinds(message: &Received) -> BTreeSet<String> {
    let tags = strings(&message.body["data"]["tags"]).into_iter();
    tags.map(|tag| match tag.split_once(':').unwrap() {
        ("list", noun) => format!("list:{noun}"),
        (noun, _) => noun.to_owned(),
    })
    .collect()
}

#[rstest]
#[tokio::test]
async fn the_life_of_a_post_is_told(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (endpoint, secret) = hooks.endpoint(json!(null)).await;
    let (server, admin) = (&hooks.server, &hooks.admin);
    let post = write(
        server,
        admin,
        json!({
            "title": "Retries", "slug": "retries", "body": "Text.", "tools": ["tokio"],
        }),
    )
    .await;
    assert_eq!(
        hooks.deliver().await.len(),
        0,
        "a draft is nobody's business"
    );

    publish(server, admin, &post).await;
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["post.published"]);
    let message = &received[0];
    assert!(message.is_signed_by(&secret));
    assert!(message.id.starts_with("evt_") && !message.id.contains('.'));
    assert_eq!(message.timestamp, "1780315200", "2026-06-01T12:00:00Z");
    let data = &message.body["data"];
    assert_eq!(
        message.body,
        json!({
            "type": "post.published",
            "id": message.id,
            "timestamp": "2026-06-01T12:00:00.000000Z",
            "sequence": message.body["sequence"],
            "data": {
                "post": {
                    "id": post.id,
                    "slug": "retries",
                    "oldSlug": null,
                    "title": "Retries",
                    "revision": { "id": post.head, "number": 1, "version": "1.0.0" },
                },
                "tags": data["tags"],
                "paths": ["/posts/retries"],
            },
        })
    );
    assert_eq!(kinds(message), set(&["list:posts", "post", "tool"]));
    // The tags are those that answers carry.
    let query = "{ post(by: {slug: \"retries\"}) { title } tool(by: {slug: \"tokio\"}) { name } }";
    let answer = server.ask(query, json!({})).await;
    let carried = answer.headers["surrogate-key"].to_str().unwrap();
    let carried: BTreeSet<String> = carried.split(' ').map(str::to_owned).collect();
    let told = strings(&data["tags"]);
    assert!(!carried.is_disjoint(&told), "{carried:?} {told:?}");

    // Two revisions quickly are two events: nothing is merged.
    let mut head = post.clone();
    for version in ["Retries, better", "Retries, best"] {
        head = revise(server, admin, &head, json!({ "title": version })).await;
        publish(server, admin, &head).await;
    }
    let received = in_order(hooks.deliver().await);
    assert_eq!(types(&received), ["post.updated", "post.updated"]);
    let titles: Vec<&Value> = received
        .iter()
        .map(|message| &message.body["data"]["post"]["title"])
        .collect();
    assert_eq!(titles, ["Retries, better", "Retries, best"]);
    assert!(
        received
            .iter()
            .all(|m| m.body["data"]["change"] == "content")
    );

    // Another slug and another tool: both old and new are told.
    let content = json!({ "slug": "retries-and-backoff", "tools": ["axum"] });
    let head = revise(server, admin, &head, content).await;
    publish(server, admin, &head).await;
    let received = in_order(hooks.deliver().await);
    assert_eq!(types(&received), ["post.updated", "post.slug_changed"]);
    for message in &received {
        let data = &message.body["data"];
        assert_eq!(data["post"]["slug"], "retries-and-backoff");
        assert_eq!(data["post"]["oldSlug"], "retries");
        let paths = set(&["/posts/retries", "/posts/retries-and-backoff"]);
        assert_eq!(strings(&data["paths"]), paths);
        let tools = strings(&data["tags"]).into_iter();
        assert_eq!(tools.filter(|tag| tag.starts_with("tool:")).count(), 2);
        assert!(kinds(message).contains("list:redirects"));
    }

    let score =
        json!({ "id": post.id, "quality": 90, "freshness": 80, "depth": 70, "clarity": 60 });
    let document = "mutation ($input: ScorePostInput!) { scorePost(input: $input) {
        userErrors { message } } }";
    let answer = server
        .ask_as(&admin.token, document, json!({ "input": score }))
        .await;
    assert_eq!(answer.data()["scorePost"]["userErrors"], json!([]));
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["post.updated"]);
    assert_eq!(received[0].body["data"]["change"], "score");

    done(server, admin, "trashPost", json!({ "id": post.id })).await;
    let received = in_order(hooks.deliver().await);
    assert_eq!(types(&received), ["post.unpublished", "post.trashed"]);
    for message in &received {
        let data = &message.body["data"];
        assert_eq!(data["post"]["revision"], json!(null));
        assert_eq!(data["paths"], json!(["/posts/retries-and-backoff"]));
        assert_eq!(kinds(message), set(&["list:posts", "post", "tool"]));
    }

    // The sequence number of the post only grows, and the delivery knows it.
    let deliveries = hooks
        .deliveries(json!({ "endpoint": endpoint, "post": post.id }))
        .await;
    assert_eq!(deliveries.len(), 8);
    let sequences: Vec<i64> = deliveries
        .iter()
        .map(|delivery| delivery["payload"]["sequence"].as_i64().unwrap())
        .collect();
    assert!(
        sequences.is_sorted_by(|newer, older| newer > older),
        "{sequences:?}"
    );
    assert!(deliveries.iter().all(|one| one["postId"] == post.id));
    assert!(deliveries.iter().all(|one| one["status"] == "DELIVERED"));
}

#[rstest]
#[tokio::test]
async fn a_draft_in_the_trash_touches_nothing_that_the_public_sees(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    hooks.endpoint(json!(null)).await;
    let post = write(
        &hooks.server,
        &hooks.admin,
        json!({ "title": "Draft", "body": "x" }),
    )
    .await;
    done(
        &hooks.server,
        &hooks.admin,
        "trashPost",
        json!({ "id": post.id }),
    )
    .await;
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["post.trashed"]);
    assert_eq!(received[0].body["data"]["paths"], json!([]));
    assert_eq!(kinds(&received[0]), set(&["post"]));
}

#[rstest]
#[tokio::test]
async fn nothing_is_told_of_a_change_that_was_undone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    hooks.endpoint(json!(null)).await;
    let documents = hooks.server.create_synthetic(3).await;
    assert_eq!(documents.len(), 3);
    let before = hooks.deliver().await.len();
    assert!(before > 0);

    let store = &hooks.server.test.store;
    let document = "{ posts(first: 1) { nodes { id } } }";
    let posts = hooks.server.data(document, json!({})).await;
    let post_id = posts["posts"]["nodes"][0]["id"].as_str().unwrap();
    let key = (1..).find(|key| id("Post", *key) == post_id).unwrap();
    for rolled_back in [true, false] {
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::UnpublishPost)
            .await
            .unwrap();
        post::unpublish(&mut change, key).await.unwrap();
        match rolled_back {
            true => change.roll_back().await.unwrap(),
            false => drop(change),
        }
        assert_eq!(hooks.deliver().await.len(), 0);
        assert_eq!(hooks.deliveries(json!(null)).await.len(), before);
    }
    // A mutation that is refused tells nothing either.
    let input = json!({ "id": post_id, "revision": id("Revision", 999_999) });
    let document = "mutation ($input: PublishPostInput!) { publishPost(input: $input) {
        userErrors { code } } }";
    let answer = hooks
        .server
        .ask_as(&hooks.admin.token, document, json!({ "input": input }))
        .await;
    assert_ne!(answer.data()["publishPost"]["userErrors"], json!([]));
    assert_eq!(hooks.deliver().await.len(), 0);
}

#[rstest]
#[tokio::test]
async fn endpoints_are_told_what_they_want(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (published, _) = hooks.endpoint(json!(["POST_PUBLISHED"])).await;
    let (off, _) = hooks.endpoint(json!(null)).await;
    let selection = "webhookEndpoint { id }";
    hooks
        .done("disableWebhookEndpoint", selection, json!({ "id": off }))
        .await;
    let (server, admin) = (&hooks.server, &hooks.admin);
    let post = write(server, admin, json!({ "title": "One", "body": "x" })).await;
    publish(server, admin, &post).await;
    let post = revise(server, admin, &post, json!({ "title": "Two" })).await;
    publish(server, admin, &post).await;
    assert_eq!(types(&hooks.deliver().await), ["post.published"]);
    assert_eq!(
        hooks
            .deliveries(json!({ "endpoint": published }))
            .await
            .len(),
        1
    );
    assert_eq!(hooks.deliveries(json!({ "endpoint": off })).await.len(), 0);
    // Of what nobody wants nothing is kept; a test is for the endpoint that is tested.
    hooks
        .done(
            "testWebhookEndpoint",
            "webhookDelivery { id eventType status }",
            json!({ "id": published }),
        )
        .await;
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["webhook.test"]);
    assert_eq!(
        received[0].body["data"],
        json!({
            "endpoint": { "id": published }, "tags": [], "paths": [],
        })
    );
}

#[rstest]
#[tokio::test]
async fn a_release_is_told_as_a_whole_and_by_its_posts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (server, admin) = (&hooks.server, &hooks.admin);
    let old = write(
        server,
        admin,
        json!({ "title": "Old", "slug": "old", "body": "x" }),
    )
    .await;
    publish(server, admin, &old).await;
    let mut revisions = Vec::new();
    for number in 0..3 {
        let slug = format!("new-{number}");
        let content = json!({ "title": slug, "slug": slug, "body": "x", "stack": ["rust"] });
        revisions.push(write(server, admin, content).await.head);
    }
    let moved = revise(server, admin, &old, json!({ "slug": "moved" })).await;
    revisions.push(moved.head);
    let input = json!({
        "name": "Spring", "reason": "r", "expectedResult": "e", "rollbackNote": "n",
    });
    let payload = done(server, admin, "createRelease", input).await;
    let release = payload["release"]["id"].clone();
    let input = json!({ "release": release, "revisions": revisions });
    done(server, admin, "addToRelease", input).await;
    hooks.endpoint(json!(null)).await;
    done(server, admin, "shipRelease", json!({ "id": release })).await;

    let received = in_order(hooks.deliver().await);
    assert_eq!(
        types(&received),
        [
            "post.published",
            "post.published",
            "post.published",
            "post.updated",
            "post.slug_changed",
            "release.shipped",
        ]
        .map(|t| t)
    );
    let whole = received.last().unwrap();
    assert_eq!(
        whole.body["data"]["release"],
        json!({ "id": release, "name": "Spring" })
    );
    let paths = set(&[
        "/posts/moved",
        "/posts/new-0",
        "/posts/new-1",
        "/posts/new-2",
        "/posts/old",
    ]);
    assert_eq!(strings(&whole.body["data"]["paths"]), paths);
    let whole_tags = strings(&whole.body["data"]["tags"]);
    for message in &received {
        assert!(strings(&message.body["data"]["tags"]).is_subset(&whole_tags));
    }
    assert!(kinds(whole).is_superset(&set(&["release", "list:releases", "list:posts", "stack"])));

    done(server, admin, "rollBackRelease", json!({ "id": release })).await;
    let received = in_order(hooks.deliver().await);
    assert_eq!(received.last().unwrap().event_type(), "release.rolled_back");
    assert_eq!(
        types(&received)[..5]
            .iter()
            .copied()
            .collect::<BTreeSet<_>>(),
        BTreeSet::from(["post.unpublished", "post.updated", "post.slug_changed"])
    );
    assert_eq!(
        strings(&received.last().unwrap().body["data"]["paths"]),
        paths
    );
}

#[rstest]
#[tokio::test]
async fn changes_of_words_are_told_with_the_posts_that_show_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (server, admin) = (&hooks.server, &hooks.admin);
    let content = json!({ "title": "One", "slug": "one", "body": "x", "tools": ["tokyo"] });
    let post = write(server, admin, content).await;
    publish(server, admin, &post).await;
    let content = json!({ "title": "Two", "slug": "two", "body": "x", "tools": ["tokyo"] });
    write(server, admin, content).await;
    hooks.endpoint(json!(["TAXONOMY_CHANGED"])).await;
    let change = async |field: &str, input: Value| {
        let name = format!("{}TermInput", &field[..field.len() - 4]);
        let name = name[..1].to_uppercase() + &name[1..];
        let document = format!(
            "mutation ($input: {name}!) {{ {field}(input: $input) {{
                userErrors {{ message }} }} }}"
        );
        let answer = server
            .ask_as(&admin.token, &document, json!({ "input": input }))
            .await;
        assert_eq!(answer.data()[field]["userErrors"], json!([]));
        let mut received = hooks.deliver().await;
        assert_eq!(types(&received), ["taxonomy.changed"], "{field}");
        received.remove(0)
    };
    let document = "{ tool(by: {slug: \"tokyo\"}) { id } }";
    let tool = server.data(document, json!({})).await["tool"]["id"].clone();

    let input = json!({ "id": tool, "name": "Tokio", "slug": "tokio" });
    let message = change("updateTool", input).await;
    let data = &message.body["data"];
    assert_eq!(
        data["term"],
        json!({
            "id": tool, "taxonomy": "tool", "action": "updated", "name": "Tokio", "slug": "tokio",
            "oldSlug": "tokyo", "replacedBy": null,
        })
    );
    assert_eq!(data["paths"], json!(["/posts/one"]));
    assert_eq!(
        kinds(&message),
        set(&["list:posts", "list:tools", "post", "tool"])
    );

    let message = change("createTool", json!({ "name": "async-std" })).await;
    let other = message.body["data"]["term"]["id"].clone();
    assert_eq!(message.body["data"]["paths"], json!([]));
    let message = change("mergeTool", json!({ "id": tool, "into": other })).await;
    let term = &message.body["data"]["term"];
    assert_eq!(
        (&term["action"], &term["replacedBy"]),
        (&json!("merged"), &other)
    );
    assert_eq!(message.body["data"]["paths"], json!(["/posts/one"]));

    let message = change("createTool", json!({ "name": "smol" })).await;
    let third = message.body["data"]["term"]["id"].clone();
    let message = change("deleteTool", json!({ "id": third })).await;
    assert_eq!(message.body["data"]["term"]["action"], "deleted");
}

/// More than a message can hold is told as everything.
#[rstest]
#[tokio::test]
async fn a_word_of_very_many_posts_touches_everything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (server, admin) = (&hooks.server, &hooks.admin);
    let posts = (0..1_001).map(|number| {
        crate::support::note(
            post::Content {
                title: format!("Post {number}"),
                body: "x".into(),
                tools: vec!["everywhere".into()],
                ..post::Content::default()
            },
            post::RevisionStatus::Published,
        )
    });
    server.create_posts(posts.collect()).await;
    hooks.endpoint(json!(null)).await;
    let document = "{ tool(by: {slug: \"everywhere\"}) { id } }";
    let tool = server.data(document, json!({})).await["tool"]["id"].clone();
    let document = "mutation ($id: ID!) { updateTool(input: { id: $id, name: \"Anywhere\" }) {
        userErrors { message } } }";
    let answer = server
        .ask_as(&admin.token, document, json!({ "id": tool }))
        .await;
    assert_eq!(answer.data()["updateTool"]["userErrors"], json!([]));
    let deliveries = hooks.deliveries(json!(null)).await;
    let data = &deliveries[0]["payload"]["data"];
    assert_eq!((&data["tags"], &data["paths"]), (&json!(["*"]), &json!([])));
}

/// That of a delivery, or of an announcement, is not: it would go round in a circle.
#[rstest]
#[tokio::test]
async fn the_death_of_a_job_is_told_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    hooks.endpoint(json!(["JOB_DEAD"])).await;
    let store = &hooks.server.test.store;
    let fail = |kind: &'static str| {
        Handler::new(kind, |_| async {
            Err(JobError::give_up("the disk is full"))
        })
    };
    let mut handlers = alphanode::jobs::handlers(store);
    handlers.push(fail("doomed"));
    let mut worker = hooks.server.test.worker("one", handlers);
    worker.announce_dead = Some(alphanode::domain::webhook::DEAD_JOB_KIND);
    for (kind, payload) in [
        ("doomed", json!({})),
        ("deliver_webhook", json!("nonsense")),
        ("announce_dead_job", json!("nonsense")),
    ] {
        let mut change = Transaction::begin(store, Actor::Worker, Action::Maintain)
            .await
            .unwrap();
        change.enqueue(NewJob {
            kind,
            payload,
            unique_key: None,
            priority: Priority::Normal,
            delay: Duration::ZERO,
        });
        change.commit().await.unwrap();
    }
    worker.run_until_idle().await.unwrap();
    let received = hooks.receiver.take();
    assert_eq!(types(&received), ["job.dead"]);
    let job = &received[0].body["data"]["job"];
    assert_eq!(
        (&job["kind"], &job["attempts"]),
        (&json!("doomed"), &json!(1))
    );
    assert!(job["error"].as_str().unwrap().contains("the disk is full"));

    // The announcement runs again, as when its worker is killed.
    let again = "UPDATE job SET status = 'waiting', due_at = 0
        WHERE kind = 'announce_dead_job' AND status = 'done'";
    let writer = store.database.writer();
    let done = writer.execute_unprepared(again).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    worker.run_until_idle().await.unwrap();
    assert_eq!(hooks.receiver.take().len(), 0);
}
