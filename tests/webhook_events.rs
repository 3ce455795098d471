//! What endpoints are told besides what happens to single posts.

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
use crate::support::webhook::{Hooks, in_order, kinds, set, strings, types};

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
        Handler::new(kind, "for a test", |_| async {
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
    let again = "UPDATE job SET status = 'waiting', due_at = 0, finished_at = NULL
        WHERE kind = 'announce_dead_job' AND status = 'done'";
    let writer = store.database.writer();
    let done = writer.execute_unprepared(again).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
    worker.run_until_idle().await.unwrap();
    assert_eq!(hooks.receiver.take().len(), 0);
}
