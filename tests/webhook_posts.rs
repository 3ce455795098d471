//! What endpoints are told of posts: every change of what the public sees, and nothing that was undone.

use std::collections::BTreeSet;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post;
use alphanode::domain::transaction::Transaction;
use entity::publication;
use rstest::rstest;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::editing::{done, publish, revise, write};
use crate::support::perspective::id;
use crate::support::webhook::{Hooks, in_order, kinds, set, strings, types};

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

/// Whoever publishes holds the post, so the numbers follow what became of it.
#[rstest]
#[tokio::test]
async fn sequence_numbers_follow_the_commits(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (server, admin) = (&hooks.server, &hooks.admin);
    let mut post = write(server, admin, json!({ "title": "0", "body": "x" })).await;
    let mut revisions = vec![post.clone()];
    for number in 1..8 {
        post = revise(server, admin, &post, json!({ "title": number.to_string() })).await;
        revisions.push(post.clone());
    }
    hooks.endpoint(json!(null)).await;
    let [a, b, c, d, e, f, g, h] = &revisions[..] else {
        panic!("eight revisions");
    };
    let publish = |post| publish(server, admin, post);
    tokio::join!(
        publish(c),
        publish(a),
        publish(h),
        publish(b),
        publish(g),
        publish(d),
        publish(f),
        publish(e),
    );
    let store = &server.test.store;
    let publications = publication::Entity::find()
        .order_by_asc(publication::Column::Id)
        .all(store.database.reader())
        .await
        .unwrap();
    let published: Vec<String> = publications
        .iter()
        .map(|publication| id("Revision", publication.content_id))
        .collect();
    let mut deliveries = hooks.deliveries(json!({ "post": post.id })).await;
    deliveries.sort_by_key(|delivery| delivery["sequence"].as_i64());
    let told: Vec<&str> = deliveries
        .iter()
        .map(|delivery| {
            let post = &delivery["payload"]["data"]["post"];
            post["revision"]["id"].as_str().unwrap()
        })
        .collect();
    assert_eq!(told, published);
}
