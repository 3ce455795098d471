//! Tools, stacks and named entities are created, renamed, merged and deleted.

use std::collections::BTreeSet;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::post::{Content, EntityName, RevisionStatus};
use alphanode::domain::taxonomy::{Taxonomy, find_or_create};
use alphanode::domain::transaction::Transaction;
use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::{Backend, Editor, TestServer, note};

fn content(slug: &str, tools: &[&str]) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: slug.to_owned(),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        entities: vec![EntityName {
            name: "cache".into(),
            kind: "area".into(),
        }],
        ..Content::default()
    }
}

/// Four posts: two tools that mean the same, both of them in one post.
async fn server(backend: Backend) -> Option<(TestServer, Editor)> {
    let server = TestServer::create(backend).await?;
    server
        .create_posts(vec![
            note(
                content("one", &["make", "k8s", "git"]),
                RevisionStatus::Published,
            ),
            note(
                content("two", &["Kubernetes", "git"]),
                RevisionStatus::Published,
            ),
            note(
                content("both", &["git", "K8s", "vim", "kubernetes", "make"]),
                RevisionStatus::Published,
            ),
            note(content("draft", &["k8s"]), RevisionStatus::Drafted),
        ])
        .await;
    let mut worker = server
        .test
        .worker("one", alphanode::jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
    let bob = Editor::create(&server.test.store, "Bob", Role::Editor).await;
    Some((server, bob))
}

/// The id of a tool, by slug.
async fn tool(editor: &Editor, slug: &str) -> Value {
    let query = "query($slug: String!) { tool(by: {slug: $slug}) { id } }";
    let data = editor.data(query, json!({ "slug": slug })).await;
    data["tool"]["id"].clone()
}

/// The tools of a post as the public sees them, in order.
async fn tools_of(server: &TestServer, slug: &str) -> Vec<String> {
    let query = "query($slug: String!) { post(by: {slug: $slug}) { tools { name } } }";
    let data = server.data(query, json!({ "slug": slug })).await;
    let tools = data["post"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The posts that a search finds, in no order.
async fn found(server: &TestServer, text: &str) -> BTreeSet<String> {
    let query = "query($text: String!) { search(query: $text) { nodes { post { slug } } } }";
    let data = server.data(query, json!({ "text": text })).await;
    let nodes = data["search"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|hit| hit["post"]["slug"].as_str().unwrap().to_owned())
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn scalar(server: &TestServer, sql: &str) -> i64 {
    let database = server.test.store.database.writer();
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Jobs that compute similar posts and wait.
const SIMILAR_POSTS: &str =
    "SELECT COUNT(*) FROM job WHERE kind = 'similar_posts' AND status = 'waiting'";

#[rstest]
#[tokio::test]
async fn a_new_name_is_seen_everywhere_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let mut changes = server.test.store.changes();
    let id = tool(&bob, "k8s").await;
    let fields = "tool { name slug postCount }";
    let payload = bob
        .done(
            "updateTool",
            fields,
            json!({ "id": id, "name": " Kube_100% " }),
        )
        .await;
    assert_eq!(
        payload["tool"],
        json!({ "name": "Kube_100%", "slug": "k8s", "postCount": 3 }),
        "the slug stays; drafts are counted for editors"
    );
    assert_eq!(tools_of(&server, "one").await, ["make", "Kube_100%", "git"]);
    assert_eq!(found(&server, "kube_100").await, set(&["one", "both"]));
    assert_eq!(
        found(&server, "k8s").await,
        set(&["one", "both"]),
        "old names are found too"
    );
    let facets = "{ posts { facets(by: [TOOL]) { values { value label count } } } }";
    let data = server.data(facets, json!({})).await;
    let values = data["posts"]["facets"][0]["values"].as_array().unwrap();
    assert!(values.contains(&json!({ "value": "k8s", "label": "Kube_100%", "count": 2 })));

    let change = changes.recv().await.unwrap();
    let tags: BTreeSet<String> = change.tags.iter().map(ToString::to_string).collect();
    let posts = tags.iter().filter(|tag| tag.starts_with("post:")).count();
    assert_eq!(posts, 2, "of live posts: {tags:?}");
    assert!(tags.is_superset(&set(&["list:tools", "list:posts"])));
    assert_eq!(change.events[0].action, "update");
    assert_eq!(
        change.events[0].before,
        Some(json!({ "name": "k8s", "slug": "k8s" }))
    );
    assert_eq!(scalar(&server, SIMILAR_POSTS).await, 1);

    // Names that were there before are not added to search again.
    let terms = "SELECT SUM(LENGTH(terms)) FROM post_search";
    let rename = async |name: &str| {
        bob.done("updateTool", fields, json!({ "id": id, "name": name }))
            .await;
    };
    rename("k8s").await;
    let before = scalar(&server, terms).await;
    rename("Kube_100%").await;
    rename("k8s").await;
    rename("Kube_100%").await;
    assert_eq!(scalar(&server, terms).await, before);

    let payload = bob
        .done("updateTool", fields, json!({ "id": id, "slug": null }))
        .await;
    assert_eq!(payload["tool"]["slug"], "kube-100");
    let payload = bob
        .done("updateTool", fields, json!({ "id": id, "slug": null }))
        .await;
    assert_eq!(payload["tool"]["slug"], "kube-100");
    let payload = bob
        .done("updateTool", fields, json!({ "id": id, "slug": "kube" }))
        .await;
    assert_eq!(payload["tool"]["slug"], "kube");
}

#[rstest]
#[tokio::test]
async fn two_words_become_one(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let (from, into) = (tool(&bob, "k8s").await, tool(&bob, "kubernetes").await);
    let mut changes = server.test.store.changes();
    let payload = bob
        .done(
            "mergeTool",
            "tool { id name postCount posts(orderBy: {field: TITLE}) { nodes { slug } } }",
            json!({ "id": from, "into": into }),
        )
        .await;
    assert_eq!(payload["tool"]["id"], into);
    assert_eq!(payload["tool"]["postCount"], 4);

    assert_eq!(
        tools_of(&server, "one").await,
        ["make", "Kubernetes", "git"]
    );
    assert_eq!(tools_of(&server, "two").await, ["Kubernetes", "git"]);
    assert_eq!(
        tools_of(&server, "both").await,
        ["git", "Kubernetes", "vim", "make"],
        "once, in the better of the two places"
    );
    let gaps = "SELECT COUNT(*) FROM (SELECT content_id FROM post_content_tool
        GROUP BY content_id HAVING MAX(position) <> COUNT(*) - 1) AS gaps";
    assert_eq!(scalar(&server, gaps).await, 0);
    let unmarked =
        "SELECT COUNT(*) FROM post_content_tool j JOIN post_content c ON c.id = j.content_id
        WHERE (j.published_at IS NULL) <> (c.published_at IS NULL)";
    assert_eq!(scalar(&server, unmarked).await, 0);

    let query = "{ old: tool(by: {slug: \"k8s\"}) { slug postCount } tools { nodes { slug } }
        posts(filter: {tools: {some: {slug: {eq: \"kubernetes\"}}}}) { totalCount } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(data["old"], json!({ "slug": "kubernetes", "postCount": 3 }));
    assert_eq!(data["posts"]["totalCount"], 3);
    assert_eq!(
        data["tools"]["nodes"],
        json!([{ "slug": "kubernetes" }, { "slug": "git" }, { "slug": "make" }, { "slug": "vim" }])
    );
    assert_eq!(
        found(&server, "kubernetes").await,
        set(&["one", "two", "both"])
    );
    let change = changes.recv().await.unwrap();
    assert_eq!(change.events[0].action, "merge");
    assert_eq!(change.events[0].after.as_ref().unwrap()["livePosts"], 2);
    assert_eq!(scalar(&server, SIMILAR_POSTS).await, 1);

    // A post that still says the old name gets the new word.
    server
        .create_posts(vec![note(
            content("five", &["K8S"]),
            RevisionStatus::Published,
        )])
        .await;
    assert_eq!(tools_of(&server, "five").await, ["Kubernetes"]);

    // The old one can't be changed any more; the message names the one to use.
    let (code, path, message) = bob
        .refused("updateTool", json!({ "id": from, "name": "x" }))
        .await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "id"));
    assert!(message.contains("`Kubernetes`"), "{message}");
    let (code, _, message) = bob.refused("createTool", json!({ "name": "K8S" })).await;
    assert_eq!(code, "TAKEN");
    assert!(message.contains("`Kubernetes`"), "{message}");
}

#[rstest]
#[tokio::test]
async fn merges_lead_to_the_last_of_their_chain(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let ids = [
        tool(&bob, "k8s").await,
        tool(&bob, "kubernetes").await,
        tool(&bob, "vim").await,
    ];
    let merge = |from: usize, into: usize| json!({ "id": ids[from], "into": ids[into] });
    bob.done("mergeTool", "", merge(0, 1)).await;
    bob.done("mergeTool", "", merge(1, 2)).await;
    for slug in ["k8s", "kubernetes", "vim"] {
        assert_eq!(tool(&bob, slug).await, ids[2]);
    }
    assert_eq!(
        scalar(&server, "SELECT COUNT(DISTINCT merged_into) FROM tool").await,
        1
    );
    assert_eq!(tools_of(&server, "both").await, ["git", "vim", "make"]);

    let (code, path, _) = bob.refused("mergeTool", merge(2, 0)).await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "into"));
    let (code, path, _) = bob.refused("mergeTool", merge(2, 2)).await;
    assert_eq!((code.as_str(), path.as_str()), ("INVALID", "into"));
    let missing = json!({ "id": "VG9vbDo5OTk5", "into": "VG9vbDo5OTk4" });
    let payload = bob.change("mergeTool", "tool { id }", missing).await;
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(errors.len(), 2, "both at once: {errors:?}");

    // The one that took their place may take their names too.
    let payload = bob
        .done(
            "updateTool",
            "tool { name slug }",
            json!({ "id": ids[2], "name": "Kubernetes" }),
        )
        .await;
    assert_eq!(
        payload["tool"],
        json!({ "name": "Kubernetes", "slug": "vim" })
    );
    let input = json!({ "id": ids[2], "slug": "kubernetes" });
    let payload = bob.done("updateTool", "tool { slug }", input).await;
    assert_eq!(payload["tool"]["slug"], "kubernetes");
    assert_eq!(tool(&bob, "k8s").await, ids[2]);
}

#[rstest]
#[tokio::test]
async fn a_word_is_deleted_when_nothing_needs_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let (from, into) = (tool(&bob, "k8s").await, tool(&bob, "kubernetes").await);
    let (code, path, message) = bob.refused("deleteTool", json!({ "id": from })).await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "id"));
    assert!(message.starts_with("3 posts use `k8s`"), "{message}");

    let input = json!({ "id": from, "reassignTo": into });
    let payload = bob.done("deleteTool", "tool { id }", input).await;
    assert_eq!(payload["tool"]["id"], into);
    assert_eq!(
        tools_of(&server, "both").await,
        ["git", "Kubernetes", "vim", "make"]
    );
    assert_eq!(
        tool(&bob, "k8s").await,
        json!(null),
        "its slug leads nowhere"
    );

    // Whoever says its name again has it back, at the same slug: a post, or an editor.
    server
        .create_posts(vec![note(
            content("five", &["K8S"]),
            RevisionStatus::Published,
        )])
        .await;
    assert_eq!(tools_of(&server, "five").await, ["k8s"]);
    assert_eq!(tool(&bob, "k8s").await, from);

    let fields = "tool { id name slug postCount }";
    let fresh = bob
        .done("createTool", fields, json!({ "name": "Deno" }))
        .await["tool"]
        .clone();
    assert_eq!(fresh["slug"], "deno");
    let payload = bob
        .done("deleteTool", fields, json!({ "id": fresh["id"] }))
        .await;
    assert_eq!(payload["tool"], json!(null));
    let (code, _, _) = bob
        .refused("deleteTool", json!({ "id": fresh["id"] }))
        .await;
    assert_eq!(code, "NOT_FOUND");
    let back = bob
        .done("createTool", fields, json!({ "name": "DENO" }))
        .await["tool"]
        .clone();
    assert_eq!(
        back,
        json!({ "id": fresh["id"], "name": "DENO", "slug": "deno", "postCount": 0 })
    );

    // What another wants of a deleted one it gets.
    bob.done("deleteTool", fields, json!({ "id": fresh["id"] }))
        .await;
    let taken = bob
        .done(
            "createTool",
            fields,
            json!({ "name": "Other", "slug": "deno" }),
        )
        .await["tool"]
        .clone();
    assert_ne!(taken["id"], fresh["id"]);
    let input = json!({ "id": taken["id"], "name": "deno" });
    assert_eq!(
        bob.done("updateTool", fields, input).await["tool"]["name"],
        "deno"
    );

    // A word that was merged into a deleted one goes with it, and can come back by itself.
    let one = bob
        .done("createTool", fields, json!({ "name": "One" }))
        .await["tool"]["id"]
        .clone();
    let two = bob
        .done("createTool", fields, json!({ "name": "Two" }))
        .await["tool"]["id"]
        .clone();
    bob.done("mergeTool", "", json!({ "id": one, "into": two }))
        .await;
    bob.done("deleteTool", "", json!({ "id": two })).await;
    let back = bob
        .done("createTool", fields, json!({ "name": "one" }))
        .await;
    assert_eq!(back["tool"]["id"], one);
}

#[rstest]
#[tokio::test]
async fn names_are_checked_and_belong_to_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((_server, bob)) = server(backend).await else {
        return;
    };
    let (code, path, message) = bob.refused("createTool", json!({ "name": "GIT" })).await;
    assert_eq!((code.as_str(), path.as_str()), ("TAKEN", "name"));
    assert!(message.contains("tool `git`"), "{message}");
    let input = json!({ "name": "Git two", "slug": "git" });
    let (code, path, _) = bob.refused("createTool", input).await;
    assert_eq!((code.as_str(), path.as_str()), ("TAKEN", "slug"));
    let payload = bob
        .done("createTool", "tool { slug }", json!({ "name": "Git!" }))
        .await;
    assert_eq!(payload["tool"]["slug"], "git-2", "a made slug gives way");

    let input = json!({ "name": " ", "slug": "No Slug" });
    let payload = bob.change("createTool", "", input).await;
    assert_eq!(payload["userErrors"].as_array().unwrap().len(), 2);
    let input = json!({ "name": "x".repeat(201), "type": "" });
    let payload = bob.change("createEntity", "", input).await;
    assert_eq!(payload["userErrors"].as_array().unwrap().len(), 2);
    let input = json!({ "name": "a\u{0}b" });
    assert_eq!(bob.refused("createStack", input).await.0, "INVALID");

    // An entity's name is its own within its type.
    let fields = "entity { id name type slug }";
    let input = json!({ "name": "Cache", "type": "Problem" });
    let entity = bob.done("createEntity", fields, input).await["entity"].clone();
    assert_eq!(entity["type"], "problem");
    assert_eq!(entity["slug"], "cache");
    let input = json!({ "id": entity["id"], "type": "area" });
    assert_eq!(bob.refused("updateEntity", input).await.0, "TAKEN");
    let query = "{ entity(by: {name: {type: \"area\", slug: \"cache\"}}) { id } }";
    let area = bob.data(query, json!({})).await["entity"]["id"].clone();
    let input = json!({ "id": entity["id"], "into": area });
    let payload = bob
        .done("mergeEntity", "entity { type postCount }", input)
        .await;
    assert_eq!(payload["entity"], json!({ "type": "area", "postCount": 4 }));

    for (name, kind) in [("C.I.", "problem"), ("CI", "area")] {
        bob.done("createEntity", "", json!({ "name": name, "type": kind }))
            .await;
    }
    let query = "{ entity(by: {name: {type: \"area\", slug: \"ci\"}}) { id } }";
    let area = bob.data(query, json!({})).await["entity"]["id"].clone();
    let input = json!({ "id": area, "type": "problem" });
    let (code, path, _) = bob.refused("updateEntity", input).await;
    assert_eq!((code.as_str(), path.as_str()), ("TAKEN", "slug"));

    // One that was deleted comes back as nothing but itself.
    let create = |kind: &str| json!({ "name": "Latency", "type": kind });
    let problem = bob.done("createEntity", fields, create("problem")).await["entity"].clone();
    bob.done("deleteEntity", "", json!({ "id": problem["id"] }))
        .await;
    let other = bob.done("createEntity", fields, create("area")).await["entity"].clone();
    assert_ne!(other["id"], problem["id"]);
    let back = bob.done("createEntity", fields, create("problem")).await["entity"].clone();
    assert_eq!(back["id"], problem["id"]);

    // Stacks are the same piece of code.
    let stack = bob
        .done(
            "createStack",
            "stack { id slug }",
            json!({ "name": "Next.js" }),
        )
        .await;
    assert_eq!(stack["stack"]["slug"], "nextjs");
    let (answer, _) = bob
        .ask(
            "mutation($input: DeleteTermInput!) { deleteTool(input: $input) { tool { id } } }",
            json!({ "input": { "id": stack["stack"]["id"] } }),
        )
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn a_change_sent_again_is_made_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let (from, into) = (tool(&bob, "k8s").await, tool(&bob, "kubernetes").await);
    let input = json!({ "id": from, "into": into, "idempotencyKey": "once" });
    for _ in 0..2 {
        let payload = bob.done("mergeTool", "tool { id }", input.clone()).await;
        assert_eq!(payload["tool"]["id"], into);
    }
    assert_eq!(
        scalar(
            &server,
            "SELECT COUNT(*) FROM audit_event WHERE action = 'merge'"
        )
        .await,
        1
    );
}

#[rstest]
#[tokio::test]
async fn words_are_changed_by_editors(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let id = tool(&bob, "k8s").await;
    let store = &server.test.store;
    let author = Editor::create(store, "Ann", Role::Author).await;
    let public = Editor::of(store, Actor::Anonymous);
    for (mutation, type_name, input) in [
        ("createTool", "CreateTermInput", json!({ "name": "x" })),
        (
            "updateTool",
            "UpdateTermInput",
            json!({ "id": id, "name": "x" }),
        ),
        (
            "mergeTool",
            "MergeTermInput",
            json!({ "id": id, "into": id }),
        ),
        ("deleteTool", "DeleteTermInput", json!({ "id": "no id" })),
    ] {
        let document = format!(
            "mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ tool {{ id }} }} }}"
        );
        for (who, code) in [(&author, "FORBIDDEN"), (&public, "UNAUTHENTICATED")] {
            let (answer, _) = who.ask(&document, json!({ "input": input })).await;
            assert_eq!(
                answer["errors"][0]["extensions"]["code"], code,
                "{mutation}"
            );
        }
    }
}

/// Merges, renames and saves at the same moment: nobody waits in a circle, nothing points at a word
/// that is gone.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_moment_end_well(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some((server, bob)) = server(backend).await else {
        return;
    };
    let names: Vec<String> = (0..12).map(|number| format!("tool {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let posts = (0..8_usize).map(|number| {
        let mut tools = names.clone();
        tools.rotate_left(number);
        note(
            content(&format!("post-{number}"), &tools),
            RevisionStatus::Published,
        )
    });
    server.create_posts(posts.collect()).await;
    let mut ids = Vec::new();
    for number in 0..12 {
        ids.push(tool(&bob, &format!("tool-{number}")).await);
    }
    let bob = std::sync::Arc::new(bob);
    let mut tasks = Vec::new();
    // Pairs that cross: 0 into 11 and 1 into 10, beside renames of those that stay.
    for number in 0..6_usize {
        let (from, into) = (ids[number].clone(), ids[11 - number].clone());
        let editor = bob.clone();
        tasks.push(tokio::spawn(async move {
            editor
                .done("mergeTool", "", json!({ "id": from, "into": into }))
                .await;
        }));
        let (editor, id) = (bob.clone(), ids[11 - number].clone());
        tasks.push(tokio::spawn(async move {
            let input = json!({ "id": id, "name": format!("renamed {number}") });
            editor.done("updateTool", "", input).await;
        }));
        let store = server.test.store.clone();
        tasks.push(tokio::spawn(async move {
            // Saving a post finds its words, and holds them until it is saved.
            let mut change = Transaction::begin(&store, Actor::CommandLine, Action::Import)
                .await
                .unwrap();
            let words: Vec<_> = (0..12)
                .rev()
                .map(|n| (String::new(), format!("tool {n}")))
                .collect();
            let found = find_or_create(&mut change, Taxonomy::Tool, words)
                .await
                .unwrap();
            assert_eq!(found.len(), 12);
            change.commit().await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let lost = "SELECT COUNT(*) FROM post_content_tool j JOIN tool t ON t.id = j.tool_id
        WHERE t.merged_into IS NOT NULL OR t.deleted_at IS NOT NULL";
    assert_eq!(scalar(&server, lost).await, 0);
    let chained = "SELECT COUNT(*) FROM tool t JOIN tool s ON s.id = t.merged_into
        WHERE s.merged_into IS NOT NULL";
    assert_eq!(scalar(&server, chained).await, 0);
    let data = server
        .data(
            "{ post(by: {slug: \"post-0\"}) { tools { name } } }",
            json!({}),
        )
        .await;
    assert_eq!(data["post"]["tools"].as_array().unwrap().len(), 6);
}
