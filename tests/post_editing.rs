//! Editors write, change, keep unfinished, throw away and bring back.

use alphanode::domain::permission::Role;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::editing::{Written, done, mutate, problems, public, publish, revise, write};
use crate::support::{Backend, TestServer};

#[rstest]
#[tokio::test]
async fn a_post_is_written_changed_and_published(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({
        "title": "Retry budgets in Go",
        "summary": "How often is often enough.",
        "body": "## Why\n\nBecause.",
        "tools": ["Go", "Prometheus"],
        "entities": [{ "type": "problem", "name": "retries" }],
        "difficulty": "ADVANCED",
        "outline": { "problem": "Retries add load." },
        "flags": { "hasImages": true },
        "checklist": [{ "text": "Set a budget" }],
        "payload": { "series": { "part": 2 } },
    });
    let payload = done(
        &server,
        &editor,
        "createPost",
        json!({ "content": content }),
    )
    .await;
    let post = Written::of(&payload);
    assert_eq!(payload["post"]["slug"], "retry-budgets-in-go");
    assert_eq!(payload["post"]["revision"]["version"], "1.0.0");
    assert_eq!(payload["post"]["revision"]["status"], "DRAFTED");
    assert!(payload["post"]["revision"]["author"].is_string());
    assert_eq!(public(&server, "retry-budgets-in-go").await, Value::Null);

    publish(&server, &editor, &post).await;
    let live = public(&server, "retry-budgets-in-go").await;
    assert_eq!(live["title"], "Retry budgets in Go");

    // Absent leaves alone, null clears, and the public sees none of it yet.
    let changed = json!({ "title": "Retry budgets", "summary": null, "tools": ["Go"] });
    let changed = revise(&server, &editor, &post, changed).await;
    assert_eq!(public(&server, "retry-budgets-in-go").await, live);
    let document = "query ($id: ID!) { node(id: $id) { ... on Revision { version number content {
        title summary body tools difficulty outline { problem } flags { hasImages }
        checklist { id text } entities { type name } payload } } } }";
    let seen = server
        .ask_with(
            &[
                ("authorization", &format!("Bearer {}", editor.token)),
                ("x-alphanode-perspective", "draft"),
            ],
            document,
            json!({ "id": changed.head }),
        )
        .await;
    assert_eq!(
        seen.data()["node"],
        json!({
            "version": "1.0.1",
            "number": 2,
            "content": {
                "title": "Retry budgets",
                "summary": "",
                "body": "## Why\n\nBecause.",
                "tools": ["Go"],
                "difficulty": "ADVANCED",
                "outline": { "problem": "Retries add load." },
                "flags": { "hasImages": true },
                "checklist": [{ "id": "set-a-budget", "text": "Set a budget" }],
                "entities": [{ "type": "problem", "name": "retries" }],
                "payload": { "series": { "part": 2 } },
            },
        })
    );

    publish(&server, &editor, &changed).await;
    let live = public(&server, "retry-budgets-in-go").await;
    assert_eq!(live["title"], "Retry budgets");
    assert_eq!(live["tools"], json!([{ "name": "Go" }]));
}

#[rstest]
#[tokio::test]
async fn a_changed_slug_leaves_a_redirect(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, json!({ "title": "Old", "slug": "old" })).await;
    publish(&server, &editor, &post).await;
    let moved = revise(&server, &editor, &post, json!({ "slug": "new" })).await;
    assert_eq!(public(&server, "old").await["title"], "Old");
    publish(&server, &editor, &moved).await;
    assert_eq!(public(&server, "old").await, Value::Null);
    assert_eq!(public(&server, "new").await["title"], "Old");
    let data = server
        .data("{ redirect(path: \"/posts/old\") { to } }", json!({}))
        .await;
    assert_eq!(data["redirect"]["to"], "/posts/new");

    // Nobody else gets a slug that was in use; one made from a title is numbered.
    let taken = problems(
        &server,
        &editor,
        "createPost",
        json!({ "content": { "title": "Other", "slug": "old" } }),
    );
    assert_eq!(taken.await, [("TAKEN".into(), "content.slug".into())]);
    let numbered = done(
        &server,
        &editor,
        "createPost",
        json!({ "content": { "title": "Old" } }),
    );
    assert_eq!(numbered.await["post"]["slug"], "old-2");
}

#[rstest]
#[tokio::test]
async fn every_problem_of_an_input_comes_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({
        "title": "  ",
        "slug": "Not A Slug",
        "tools": ["git", ""],
        "checklist": [{ "id": "a", "text": "x" }, { "id": "a", "text": "y" }],
    });
    let found = problems(
        &server,
        &editor,
        "createPost",
        json!({ "content": content, "version": "one" }),
    )
    .await;
    let paths: Vec<&str> = found.iter().map(|(_, path)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "content.title",
            "content.slug",
            "content.tools.1",
            "content.checklist.1.id",
            "version",
        ]
    );

    let post = write(&server, &editor, json!({ "title": "Fine" })).await;
    let input = json!({ "id": post.id, "basedOn": post.head, "content": { "title": null } });
    let found = problems(&server, &editor, "updatePost", input).await;
    assert_eq!(found, [("INVALID".into(), "content.title".into())]);
}

#[rstest]
#[tokio::test]
async fn who_was_faster_wins_and_the_other_is_shown_both_sides(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let first = server.sign_in_as(Role::Editor).await;
    let second = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &first, json!({ "title": "Base" })).await;
    let faster = revise(&server, &first, &post, json!({ "title": "Faster" })).await;
    let input = json!({ "id": post.id, "basedOn": post.head, "content": { "title": "Slower" } });
    let payload = mutate(&server, &second, "updatePost", input).await;
    assert_eq!(payload["conflict"]["base"]["id"], post.head.as_str());
    assert_eq!(payload["conflict"]["current"]["id"], faster.head.as_str());
    assert_eq!(payload["conflict"]["current"]["content"]["title"], "Faster");
    assert_eq!(payload["post"]["title"], "Faster");

    // Based on what the other one wrote, it goes through; and what changes nothing saves nothing.
    let saved = revise(&server, &second, &faster, json!({ "title": "Slower" })).await;
    let again = revise(&server, &second, &saved, json!({ "title": "Slower" })).await;
    assert_eq!(again.head, saved.head);

    // An earlier revision comes back as a new one.
    let input = json!({ "revision": post.head, "basedOn": saved.head });
    let payload = done(&server, &first, "restoreRevision", input).await;
    assert_eq!(payload["post"]["title"], "Base");
    assert_eq!(payload["post"]["revision"]["number"], 4);
}

#[rstest]
#[tokio::test]
async fn two_editors_at_the_same_moment_lose_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let (first, second) = (
        server.sign_in_as(Role::Editor).await,
        server.sign_in_as(Role::Editor).await,
    );
    let mut post = write(&server, &first, json!({ "title": "Round 0" })).await;
    for round in 1..=50 {
        let change = |name: &str| {
            json!({
                "id": post.id,
                "basedOn": post.head,
                "content": { "title": format!("Round {round} by {name}") },
            })
        };
        let (one, two) = tokio::join!(
            mutate(&server, &first, "updatePost", change("one")),
            mutate(&server, &second, "updatePost", change("two")),
        );
        let (winner, loser) = if one["conflict"].is_null() {
            (one, two)
        } else {
            (two, one)
        };
        assert_eq!(winner["conflict"], Value::Null, "round {round}");
        post = Written::of(&winner);
        assert_eq!(loser["conflict"]["current"]["id"], post.head.as_str());
        assert_eq!(winner["post"]["revision"]["number"], round + 1);
    }
}

#[rstest]
#[tokio::test]
async fn an_unfinished_change_is_kept_for_its_editor_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let other = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, json!({ "title": "Kept", "body": "One." })).await;
    for body in ["One. Tw", "One. Two."] {
        let content = json!({ "title": "", "body": body });
        let input = json!({ "id": post.id, "basedOn": post.head, "content": content });
        done(&server, &editor, "autosavePost", input).await;
    }
    let read = async |token: &str| {
        let document = "query ($id: ID!) { post(by: {id: $id}) { title editing { autosave { content { title body } } } } }";
        let headers = [
            ("authorization", &*format!("Bearer {token}")),
            ("x-alphanode-perspective", "draft"),
        ];
        let answer = server
            .ask_with(&headers, document, json!({ "id": post.id }))
            .await;
        answer.data()["post"].clone()
    };
    let mine = read(&editor.token).await;
    assert_eq!(mine["title"], "Kept");
    assert_eq!(
        mine["editing"]["autosave"]["content"],
        json!({ "title": "", "body": "One. Two." })
    );
    assert_eq!(read(&other.token).await["editing"]["autosave"], Value::Null);

    revise(
        &server,
        &editor,
        &post,
        json!({ "body": "One. Two. Three." }),
    )
    .await;
    assert_eq!(
        read(&editor.token).await["editing"]["autosave"],
        Value::Null
    );
}

#[rstest]
#[tokio::test]
async fn the_trash_keeps_and_gives_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, json!({ "title": "Gone", "slug": "gone" })).await;
    publish(&server, &editor, &post).await;
    let id = json!({ "id": post.id });
    let refused = problems(&server, &editor, "deletePost", id.clone()).await;
    assert_eq!(refused, [("CONFLICT".into(), "id".into())]);
    let trashed = done(&server, &editor, "trashPost", id.clone()).await;
    assert!(trashed["post"]["editing"]["trashedAt"].is_string());
    assert_eq!(public(&server, "gone").await, Value::Null);

    let input = json!({ "id": post.id, "basedOn": post.head, "content": { "title": "No" } });
    let refused = problems(&server, &editor, "updatePost", input).await;
    assert_eq!(refused, [("CONFLICT".into(), "id".into())]);

    let restored = done(&server, &editor, "restorePost", id.clone()).await;
    assert_eq!(restored["post"]["editing"]["trashedAt"], Value::Null);
    assert_eq!(restored["post"]["editing"]["liveRevisionId"], Value::Null);
    publish(&server, &editor, &post).await;
    assert_eq!(public(&server, "gone").await["title"], "Gone");

    done(&server, &editor, "trashPost", id.clone()).await;
    let deleted = done(&server, &editor, "deletePost", id.clone()).await;
    assert_eq!(deleted["post"], Value::Null);
    let refused = problems(&server, &editor, "restorePost", id).await;
    assert_eq!(refused, [("NOT_FOUND".into(), "id".into())]);
    // The slug is free again.
    write(&server, &editor, json!({ "title": "Gone", "slug": "gone" })).await;
}

#[rstest]
#[tokio::test]
async fn a_copy_is_a_post_of_its_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({ "title": "Original", "body": "Text.", "tools": ["git"] });
    let post = write(&server, &editor, content).await;
    let copy = done(&server, &editor, "duplicatePost", json!({ "id": post.id })).await;
    assert_ne!(copy["post"]["id"], post.id.as_str());
    assert_eq!(copy["post"]["title"], "Original (copy)");
    assert_eq!(copy["post"]["slug"], "original-copy");
}

#[rstest]
#[tokio::test]
async fn authors_keep_to_their_own_posts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let author = server.sign_in_as(Role::Author).await;
    let other = server.sign_in_as(Role::Author).await;
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &author, json!({ "title": "Mine" })).await;
    let mine = revise(&server, &author, &post, json!({ "title": "Still mine" })).await;
    let document =
        "mutation ($input: UpdatePostInput!) { updatePost(input: $input) { post { id } } }";
    let input = json!({ "id": mine.id, "basedOn": mine.head, "content": { "title": "Yours" } });
    let answer = server
        .ask_as(&other.token, document, json!({ "input": input }))
        .await;
    assert_eq!(answer.code(), "FORBIDDEN");

    let owner = format!("{}:{}", "User", other.id);
    let owner = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, owner);
    let input = json!({ "id": mine.id, "owner": owner });
    done(&server, &editor, "changePostOwner", input).await;
    revise(&server, &other, &mine, json!({ "title": "Yours" })).await;
}

#[rstest]
#[tokio::test]
async fn many_posts_change_alike_or_not_at_all(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let one = json!({ "title": "One", "tools": ["Git", "make"], "difficulty": "BEGINNER" });
    let one = write(&server, &editor, one).await;
    let two = json!({ "title": "Two", "tools": ["cargo"], "difficulty": "ADVANCED" });
    let two = write(&server, &editor, two).await;
    let patch = json!({ "addTools": ["Cargo"], "removeTools": ["git"], "difficulty": "ADVANCED" });
    let input =
        |dry_run: bool| json!({ "ids": [two.id, one.id], "patch": patch, "dryRun": dry_run });
    let fields = |payload: &Value| -> Vec<Vec<String>> {
        let changes = payload["changes"].as_array().unwrap().iter();
        changes
            .map(|change| serde_json::from_value(change["changedFields"].clone()).unwrap())
            .collect()
    };
    let would = done(&server, &editor, "updatePosts", input(true)).await;
    assert_eq!(fields(&would), [vec!["difficulty", "tools"], vec![]]);
    assert_eq!(would["changes"][0]["post"]["revision"]["number"], 1);
    let did = done(&server, &editor, "updatePosts", input(false)).await;
    assert_eq!(fields(&did), fields(&would));
    assert_eq!(did["changes"][0]["post"]["revision"]["number"], 2);
    assert_eq!(did["changes"][1]["post"]["revision"]["number"], 1);

    let by_filter = json!({
        "filter": { "tools": { "some": { "slug": { "eq": "cargo" } } } },
        "patch": { "topic": "building" },
    });
    let did = done(&server, &editor, "updatePosts", by_filter).await;
    assert_eq!(did["changes"].as_array().unwrap().len(), 2);

    let refused = json!({ "ids": [one.id, two.id], "patch": { "addTools": ["  "] } });
    let found = problems(&server, &editor, "updatePosts", refused).await;
    assert_eq!(found.len(), 2);
    let both = json!({ "ids": [], "filter": {}, "patch": {} });
    let found = problems(&server, &editor, "updatePosts", both).await;
    assert_eq!(found, [("INVALID".into(), "ids".into())]);

    let ids = json!({ "ids": [one.id, two.id] });
    done(&server, &editor, "trashPosts", ids.clone()).await;
    let restored = done(&server, &editor, "restorePosts", ids).await;
    assert_eq!(restored["changes"][1]["post"]["title"], "Two");
}

#[rstest]
#[tokio::test]
async fn a_key_makes_a_change_safe_to_send_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let other = server.sign_in_as(Role::Editor).await;
    let input = |title: &str| json!({ "content": { "title": title }, "idempotencyKey": "k1" });
    let (one, two) = tokio::join!(
        done(&server, &editor, "createPost", input("Once")),
        done(&server, &editor, "createPost", input("Once")),
    );
    assert_eq!(one, two);
    let again = done(&server, &editor, "createPost", input("Once")).await;
    assert_eq!(again["post"]["id"], one["post"]["id"]);
    let reused = problems(&server, &editor, "createPost", input("Other")).await;
    assert_eq!(reused, [("KEY_REUSED".into(), "idempotencyKey".into())]);
    // A key belongs to whoever sent it, and for a day.
    let theirs = done(&server, &other, "createPost", input("Once")).await;
    assert_ne!(theirs["post"]["id"], one["post"]["id"]);

    // What was refused is not kept: with the mistake mended it goes through.
    let mend = |title: &str| json!({ "content": { "title": title }, "idempotencyKey": "k2" });
    problems(&server, &editor, "createPost", mend("")).await;
    done(&server, &editor, "createPost", mend("Mended")).await;
}

#[rstest]
#[tokio::test]
async fn what_is_for_editors_is_not_for_the_public(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({ "title": "Open", "slug": "open", "checklist": [{ "text": "Look" }] });
    let post = write(&server, &editor, content).await;
    publish(&server, &editor, &post).await;
    let item = json!({ "id": post.id, "item": "look" });
    let tick = "mutation ($input: TickChecklistItemInput!) { tickChecklistItem(input: $input) { userErrors { code } } }";
    let ticked = server
        .ask_as(&editor.token, tick, json!({ "input": item }))
        .await;
    assert_eq!(ticked.data()["tickChecklistItem"]["userErrors"], json!([]));
    let document = "{ post(by: {slug: \"open\"}) { editing { headRevisionId owner { email } }
        checklist { text tick { by } } revision { content { body } transitions { status actor comment } } } }";
    let seen = server.data(document, json!({})).await;
    assert_eq!(
        seen["post"],
        json!({
            "editing": null,
            "checklist": [{ "text": "Look", "tick": null }],
            "revision": { "content": null, "transitions": [
                { "status": "DRAFTED", "actor": null, "comment": null },
                { "status": "PUBLISHED", "actor": null, "comment": null },
            ] },
        })
    );
    let viewer = server.sign_in_as(Role::Viewer).await;
    let seen = server.ask_as(&viewer.token, document, json!({})).await;
    assert!(seen.data()["post"]["editing"].is_object());
    assert!(seen.data()["post"]["checklist"][0]["tick"].is_object());
    assert!(seen.data()["post"]["revision"]["content"].is_object());
}

#[rstest]
#[tokio::test]
async fn posts_that_want_one_slug_at_once_all_get_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let make = || {
        let input = json!({ "content": { "title": "Same headline", "tools": ["git"] } });
        done(&server, &editor, "createPost", input)
    };
    let made = tokio::join!(make(), make(), make(), make());
    let slugs = [&made.0, &made.1, &made.2, &made.3].map(|made| made["post"]["slug"].to_string());
    let different: std::collections::BTreeSet<&String> = slugs.iter().collect();
    assert_eq!(different.len(), 4, "{slugs:?}");
}

#[rstest]
#[tokio::test]
async fn an_author_does_not_take_the_mark_of_human_review_away(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let author = server.sign_in_as(Role::Author).await;
    let marked = json!({ "title": "Made up", "flags": { "needsHumanReview": true } });
    let post = write(&server, &author, marked).await;
    let input = json!({
        "id": post.id,
        "basedOn": post.head,
        "content": { "flags": { "needsHumanReview": false } },
    });
    let refused = problems(&server, &author, "updatePost", input.clone()).await;
    let field = "content.flags.needsHumanReview";
    assert_eq!(refused, [("CONFLICT".into(), field.into())]);
    let editor = server.sign_in_as(Role::Editor).await;
    done(&server, &editor, "updatePost", input).await;
}

#[rstest]
#[tokio::test]
async fn what_nobody_could_read_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    for body in [
        ">".repeat(50_000),
        "- ".repeat(20_000),
        "1. ".repeat(20_000),
        "<div>".repeat(20_000),
    ] {
        let input = json!({ "content": { "title": "Deep", "body": body } });
        let refused = problems(&server, &editor, "createPost", input).await;
        assert_eq!(refused, [("INVALID".into(), "content.body".into())]);
    }
    let many = "<br>\n<img src='a.png'>\n<svg/>\n<p>\n".repeat(200);
    write(&server, &editor, json!({ "title": "Flat", "body": many })).await;
}

#[rstest]
#[tokio::test]
async fn a_token_that_may_not_read_drafts_is_shown_none(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, json!({ "title": "Hidden" })).await;
    let make = "mutation ($scopes: [Scope!]!) { createApiToken(input: {name: \"t\", scopes: $scopes}) { secret } }";
    for (scopes, document) in [
        (
            json!(["PUBLISH_POSTS"]),
            "mutation ($id: ID!) { unpublishPost(input: {id: $id}) { post { title } userErrors { code } } }",
        ),
        (
            json!(["WRITE_POSTS"]),
            "mutation ($id: ID!) { updatePosts(input: {ids: [$id], patch: {topic: \"x\"}, dryRun: true}) {
                changes { post { title } } userErrors { code } } }",
        ),
        (
            json!(["WRITE_POSTS"]),
            "mutation ($id: ID!) { requestReview(input: {id: $id}) {
                revision { message } post { title } userErrors { code } } }",
        ),
    ] {
        let token = server
            .ask_as(&editor.token, make, json!({ "scopes": scopes }))
            .await;
        let token = token.data()["createApiToken"]["secret"].as_str().unwrap().to_owned();
        let answer = server.ask_as(&token, document, json!({ "id": post.id })).await;
        let text = answer.data().to_string();
        assert!(text.contains("\"userErrors\":[]"), "{text}");
        assert!(!text.contains("Hidden"), "{text}");
    }
}
