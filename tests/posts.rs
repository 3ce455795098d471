//! One post, with everything that belongs to it.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{
    self, ChecklistItem, Content, EntityName, NewPost, NewRevision, NewScore, Outline,
    PreparedRevision, RevisionStatus, Standing,
};
use alphanode::domain::transaction::Transaction;
use chrono::{TimeDelta, TimeZone, Utc};
use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, TestServer, note};

fn content(slug: &str, title: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: title.to_owned(),
        summary: format!("About {title}."),
        ..Content::default()
    }
}

async fn revise(server: &TestServer, post_id: i64, content: Content, publish: bool) {
    let mut change = Transaction::begin(&server.test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let revision = NewRevision {
        content,
        version: Some("1.1.0".into()),
        ..NewRevision::default()
    };
    let prepared = PreparedRevision::new(revision).unwrap();
    let saved = post::revise(&mut change, post_id, prepared, Standing::Head)
        .await
        .unwrap();
    if publish {
        post::publish(&mut change, saved.post_id, saved.revision_id)
            .await
            .unwrap();
    }
    change.commit().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_post_is_found_by_each_of_its_names(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let post = NewPost {
        reference: Some("anp-1".into()),
        source_id: Some("source-1".into()),
        ..note(content("a-note", "A note"), RevisionStatus::Published)
    };
    server.create_posts(vec![post]).await;
    let query = "query($by: PostBy!) { post(by: $by) { id title } }";
    let by_slug = server
        .data(query, json!({ "by": { "slug": "a-note" } }))
        .await;
    let id = by_slug["post"]["id"].clone();
    for by in [
        json!({ "reference": "anp-1" }),
        json!({ "sourceId": "source-1" }),
        json!({ "id": id }),
    ] {
        assert_eq!(server.data(query, json!({ "by": by })).await, by_slug);
    }
    let none = server
        .data(query, json!({ "by": { "slug": "nothing" } }))
        .await;
    assert_eq!(none["post"], json!(null));
    let both = json!({ "by": { "slug": "a-note", "reference": "anp-1" } });
    assert_eq!(
        server.ask(query, both).await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );
    assert_eq!(
        server.ask(query, json!({ "by": {} })).await.code(),
        "GRAPHQL_VALIDATION_FAILED"
    );

    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Post { title slug } } }";
    let node = server.data(node, json!({ "id": id })).await;
    assert_eq!(node["node"]["__typename"], "Post");
    assert_eq!(node["node"]["title"], "A note");
}

#[rstest]
#[tokio::test]
async fn the_body_is_rendered_safely(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let body = "# Why\n\nA [link](https://example.org) and a footnote[^1].\n\n\
        <script>alert(1)</script><p onclick=\"x()\" id=\"login\">raw</p>\n\n\
        [bad](javascript:alert(1))\n\n## Why\n\n| a | b |\n|---|---|\n| 1 | `2` |\n\n\
        - [x] done\n- [ ] open\n\n```rust,ignore\nlet a = 1 < 2;\n```\n\n[^1]: The note.\n";
    let note = note(
        Content {
            body: body.into(),
            ..content("html", "Html")
        },
        RevisionStatus::Published,
    );
    server.create_posts(vec![note]).await;
    let query = "{ post(by: {slug: \"html\"}) { bodyHtml bodyMarkdown wordCount readingMinutes
        tableOfContents { id level text } } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(data["post"]["bodyMarkdown"], body);
    assert_eq!(
        data["post"]["tableOfContents"],
        json!([{ "id": "why", "level": 1, "text": "Why" }, { "id": "why-2", "level": 2, "text": "Why" }])
    );
    assert_eq!(data["post"]["readingMinutes"], 1);
    let html = data["post"]["bodyHtml"].as_str().unwrap();
    insta::assert_snapshot!("the_body_is_rendered_safely", html);
    for bad in ["<script", "onclick", "javascript:", "id=\"login\""] {
        assert!(!html.contains(bad), "{bad} in {html}");
    }
}

#[rstest]
#[tokio::test]
async fn a_changed_slug_leaves_a_redirect_that_never_chains(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let first = note(content("first", "One"), RevisionStatus::Published);
    let saved = server.create_posts(vec![first]).await[0];
    let redirect = "query($path: String!) { redirect(path: $path) { from to post { title } } }";
    let path = |path: &str| json!({ "path": path });
    assert_eq!(
        server.data(redirect, path("/posts/first")).await["redirect"],
        json!(null)
    );

    revise(&server, saved.post_id, content("second", "Two"), false).await;
    assert_eq!(
        server.data(redirect, path("/posts/first")).await["redirect"],
        json!(null)
    );
    revise(&server, saved.post_id, content("second", "Two"), true).await;
    revise(&server, saved.post_id, content("third", "Three"), true).await;
    for old in ["/posts/first", "/posts/second"] {
        let found = server.data(redirect, path(old)).await["redirect"].clone();
        assert_eq!(
            found,
            json!({ "from": old, "to": "/posts/third", "post": { "title": "Three" } })
        );
    }
    let with_slash = server.data(redirect, path("/posts/first/")).await["redirect"].clone();
    assert_eq!(
        with_slash["to"], "/posts/third",
        "with a slash at the end too"
    );
    // Back to the first slug: it is a page again, and no redirect to itself.
    revise(&server, saved.post_id, content("first", "Four"), true).await;
    assert_eq!(
        server.data(redirect, path("/posts/first")).await["redirect"],
        json!(null)
    );
    let found = server.data(redirect, path("/posts/third")).await["redirect"].clone();
    assert_eq!(found["to"], "/posts/first");
}

#[rstest]
#[tokio::test]
async fn history_shows_what_was_published_and_how_it_was_assessed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let noon = Utc.with_ymd_and_hms(2026, 5, 1, 12, 0, 0).unwrap();
    let score = |quality: i16, days: i64| NewScore {
        quality,
        freshness: 50,
        depth: 60,
        clarity: 70,
        assessor: Some("rubric".into()),
        assessed_at: Some(noon + TimeDelta::days(days)),
    };
    let post = NewPost {
        scores: vec![score(40, 0), score(80, 1)],
        ..note(content("history", "First"), RevisionStatus::Drafted)
    };
    let saved = server.create_posts(vec![post]).await[0];
    let query = "{ post(by: {slug: \"history\"}) { title score { quality }
        scoreHistory { score { quality } assessor }
        revision { number version status }
        revisions { id number version status transitions { status } } } }";
    assert_eq!(server.data(query, json!({})).await["post"], json!(null));

    let mut change = Transaction::begin(&server.test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    post::publish(&mut change, saved.post_id, saved.revision_id)
        .await
        .unwrap();
    change.commit().await.unwrap();
    revise(
        &server,
        saved.post_id,
        content("history", "Never live"),
        false,
    )
    .await;
    revise(&server, saved.post_id, content("history", "Third"), true).await;

    let data = server.data(query, json!({})).await;
    let found = &data["post"];
    assert_eq!(found["title"], "Third");
    assert_eq!(found["score"]["quality"], 80);
    let scores = found["scoreHistory"].as_array().unwrap();
    assert_eq!(scores[0]["score"]["quality"], 80);
    assert_eq!(scores[1]["score"]["quality"], 40);
    assert_eq!(
        found["revision"],
        json!({ "number": 3, "version": "1.1.0", "status": "PUBLISHED" })
    );
    let revisions = found["revisions"].as_array().unwrap();
    let numbers: Vec<_> = revisions
        .iter()
        .map(|revision| revision["number"].clone())
        .collect();
    assert_eq!(numbers, [3, 1], "the second was never published");
    assert_eq!(revisions[1]["status"], "SUPERSEDED");
    assert_eq!(
        revisions[1]["transitions"],
        json!([{ "status": "DRAFTED" }, { "status": "PUBLISHED" }, { "status": "SUPERSEDED" }])
    );
    let node = "query($id: ID!) { node(id: $id) { ... on Revision { number } } }";
    let id = revisions[1]["id"].clone();
    assert_eq!(
        server.data(node, json!({ "id": id })).await["node"]["number"],
        1
    );
}

#[rstest]
#[tokio::test]
async fn seo_has_the_shape_of_next_js_metadata(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut content = content("seo", "Title");
    content.seo.title = Some("For search engines".into());
    content.stack = vec!["rust".into()];
    content.tools = vec!["axum".into(), "rust".into()];
    content.flags.needs_human_review = true;
    server
        .create_posts(vec![note(content, RevisionStatus::Published)])
        .await;
    let query = "{ post(by: {slug: \"seo\"}) { seo { title description keywords
        alternates { canonical } robots { index follow }
        openGraph { type title url tags } twitter { card title } } } }";
    let data = server.data(query, json!({})).await;
    insta::assert_json_snapshot!("seo_has_the_shape_of_next_js_metadata", data["post"]["seo"]);
}

#[rstest]
#[tokio::test]
async fn everything_typed_comes_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let content = Content {
        topic: Some("queues / rust".into()),
        code_language: Some("rust".into()),
        difficulty: Some(post::Difficulty::Advanced),
        reading_minutes: Some(13),
        outline: Outline {
            problem: Some("lost jobs".into()),
            ..Outline::default()
        },
        brief: Some("Brief.".into()),
        checklist: vec![ChecklistItem {
            id: "lint".into(),
            text: "run linting".into(),
        }],
        notes: vec!["a note".into()],
        tools: vec!["SeaORM".into(), "seaorm".into(), "tokio".into()],
        entities: vec![EntityName {
            name: "queue".into(),
            kind: "pattern".into(),
        }],
        payload: json!({ "seed": 27_899, "nested": { "list": [1, 2.5, null, "x"] } })
            .as_object()
            .unwrap()
            .clone(),
        ..content("typed", "Typed")
    };
    server
        .create_posts(vec![note(content, RevisionStatus::Published)])
        .await;
    let query = "{ post(by: {slug: \"typed\"}) { topic codeLanguage difficulty readingMinutes
        outline { context problem } brief checklist { id text } notes payload score { depth }
        tools { name slug } entities { name type slug } stack { name } path } }";
    let data = server.data(query, json!({})).await;
    insta::assert_json_snapshot!("everything_typed_comes_back", data["post"]);
}

#[rstest]
#[tokio::test]
async fn similar_posts_say_why(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let with = |slug: &str, tools: &[&str]| {
        let tools = tools.iter().map(|tool| (*tool).to_owned()).collect();
        note(
            Content {
                tools,
                ..content(slug, slug)
            },
            RevisionStatus::Published,
        )
    };
    let posts = vec![
        with("one", &["sea-orm", "git"]),
        with("two", &["sea-orm", "git"]),
        with("three", &["git"]),
    ];
    server.create_posts(posts).await;
    let mut worker = server
        .test
        .worker("one", alphanode::jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
    let query = "{ post(by: {slug: \"one\"}) { similarPosts { weight reasons { kind name } post { slug tools { name } } } } }";
    let data = server.data(query, json!({})).await;
    let similar = data["post"]["similarPosts"].as_array().unwrap();
    assert_eq!(similar[0]["post"]["slug"], "two");
    assert_eq!(
        similar[0]["reasons"][0],
        json!({ "kind": "TOOL", "name": "sea-orm" })
    );
    assert_eq!(similar[0]["post"]["tools"].as_array().unwrap().len(), 2);
    assert!(similar[0]["weight"].as_f64() > similar[1]["weight"].as_f64());
}

/// Rendering takes time in proportion to its input, also where every heading is the same.
#[test]
fn many_headings_of_one_name_have_ids_of_their_own() {
    let rendered = alphanode::domain::markdown::render(&"# same\n\n".repeat(20_000));
    let ids = rendered.table_of_contents.iter().map(|heading| &heading.id);
    let ids: std::collections::HashSet<&String> = ids.collect();
    assert_eq!(ids.len(), 20_000);
    assert_eq!(rendered.table_of_contents[1].id, "same-2");
}

/// A post whose selection allows it is answered in one go, every other one field by field. Both say
/// the same.
#[rstest]
#[tokio::test]
async fn a_post_answered_in_one_go_says_what_its_resolvers_say(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const FIELDS: &str = "__typename id reference sourceId generator sourceHash slug path title \
        summary topic bodyHtml bodyMarkdown tableOfContents { __typename id level text } \
        codeLanguage difficulty readingMinutes wordCount viewCount \
        outline { __typename context problem stack recommendedAction } brief \
        checklist { __typename id text } notes payload \
        flags { __typename aiGeneratedStyle hasImages imageHeavy needsHumanReview } \
        tools { __typename id name slug } stack { __typename id name slug } \
        entities { __typename id name slug type } \
        score { __typename quality freshness depth clarity } \
        revision { __typename id number version status author message lastReviewed contentHash \
            savedAt } \
        publishedAt updatedAt createdAt";
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(20).await;
    let in_one_go = format!(
        "{{ posts {{ edges {{ node {{ {FIELDS} }} }} nodes {{ ...all }} }} }}
         fragment all on Post {{ {FIELDS} }}"
    );
    let posts = server.data(&in_one_go, json!({})).await["posts"].take();
    let nodes = posts["nodes"].as_array().unwrap();
    assert!(nodes.iter().any(|node| node["score"].is_object()));
    let by_field = format!(
        "query($slug: String!) {{ post(by: {{ slug: $slug }}) {{ ... on Post {{ {FIELDS} }} }} }}"
    );
    for (node, edge) in nodes.iter().zip(posts["edges"].as_array().unwrap()) {
        assert_eq!(*node, edge["node"]);
        let by_field = server
            .data(&by_field, json!({ "slug": node["slug"] }))
            .await;
        assert_eq!(*node, by_field["post"]);
    }

    // Fields that ask the database, and fields that are asked for twice.
    let slug = json!({ "slug": nodes[0]["slug"] });
    let mixed = "query($slug: String!) { post(by: { slug: $slug }) {
        title similarPosts { weight } tools { name } tools { slug } } }";
    let mixed = server.data(mixed, slug).await["post"].take();
    assert_eq!(mixed["title"], nodes[0]["title"]);
    assert_eq!(mixed["similarPosts"], json!([]));
    assert_eq!(mixed["tools"][0]["name"], nodes[0]["tools"][0]["name"]);
    assert_eq!(mixed["tools"][0]["slug"], nodes[0]["tools"][0]["slug"]);
}
