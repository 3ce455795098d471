//! Revisions are reviewed, go live at their time, and come back.

use alphanode::config::Config;
use alphanode::domain::permission::Role;
use alphanode::jobs;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::editing::{done, problems, public, publish, revise, write};
use crate::support::{Backend, TestServer};

#[rstest]
#[tokio::test]
async fn where_reviews_are_required_nothing_goes_live_without_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let config = Config {
        review_required: true,
        ..Config::default()
    };
    let Some(server) = TestServer::create_with(backend, config).await else {
        return;
    };
    let author = server.sign_in_as(Role::Author).await;
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(
        &server,
        &author,
        json!({ "title": "Careful", "slug": "careful" }),
    )
    .await;
    let input = json!({ "id": post.id, "revision": post.head });
    let refused = problems(&server, &author, "publishPost", input.clone()).await;
    assert_eq!(refused, [("REVIEW_REQUIRED".into(), "revision".into())]);
    let at = json!({ "id": post.id, "at": "2026-06-02T12:00:00Z" });
    let refused = problems(&server, &author, "schedulePost", at).await;
    assert_eq!(refused, [("REVIEW_REQUIRED".into(), "revision".into())]);

    let asked = json!({ "id": post.id, "comment": "Ready, I think." });
    let asked = done(&server, &author, "requestReview", asked).await;
    assert_eq!(asked["revision"]["status"], "IN_REVIEW");
    let document =
        "query ($reviewer: ID) { reviewRequests(reviewer: $reviewer) { totalCount nodes {
        post { title } reviewer { name }
        revision { transitions { status actor comment } } } } }";
    let headers = [
        ("authorization", &*format!("Bearer {}", editor.token)),
        ("x-alphanode-perspective", "draft"),
    ];
    let waiting = server.ask_with(&headers, document, json!({})).await;
    let waiting = &waiting.data()["reviewRequests"];
    assert_eq!(waiting["totalCount"], 1);
    assert_eq!(waiting["nodes"][0]["post"]["title"], "Careful");
    assert_eq!(waiting["nodes"][0]["reviewer"], Value::Null);
    let steps = &waiting["nodes"][0]["revision"]["transitions"];
    assert_eq!(steps[1]["comment"], "Ready, I think.");
    assert_eq!(steps[1]["actor"], format!("user {}", author.id));
    let unsaid = json!({ "revision": post.head, "comment": " " });
    let refused = problems(&server, &editor, "rejectRevision", unsaid).await;
    assert_eq!(refused, [("INVALID".into(), "comment".into())]);
    let no = json!({ "revision": post.head, "comment": "Say why." });
    let no = done(&server, &editor, "rejectRevision", no).await;
    assert_eq!(no["revision"]["status"], "REJECTED");

    let better = revise(&server, &author, &post, json!({ "body": "Because." })).await;
    let yes = json!({ "revision": better.head });
    let yes = done(&server, &editor, "approveRevision", yes).await;
    assert_eq!(yes["revision"]["status"], "APPROVED");
    publish(&server, &author, &better).await;
    assert_eq!(public(&server, "careful").await["title"], "Careful");

    // What was live before may go live again; what is new may not, not even by its own editor.
    done(&server, &author, "unpublishPost", json!({ "id": post.id })).await;
    assert_eq!(public(&server, "careful").await, Value::Null);
    publish(&server, &author, &better).await;
    let own = revise(&server, &editor, &better, json!({ "title": "Mine" })).await;
    let refused = json!({ "revision": own.head });
    let refused = problems(&server, &editor, "approveRevision", refused).await;
    assert_eq!(refused, [("CONFLICT".into(), "revision".into())]);
}

#[rstest]
#[tokio::test]
async fn a_post_that_needs_human_review_always_gets_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let content = json!({ "title": "Made up", "flags": { "needsHumanReview": true } });
    let post = write(&server, &editor, content).await;
    let input = json!({ "id": post.id, "revision": post.head });
    let refused = problems(&server, &editor, "publishPost", input.clone()).await;
    assert_eq!(refused, [("REVIEW_REQUIRED".into(), "revision".into())]);
    done(
        &server,
        &editor,
        "approveRevision",
        json!({ "revision": post.head }),
    )
    .await;
    done(&server, &editor, "publishPost", input).await;

    let reviewer = server.sign_in_as(Role::Viewer).await;
    let id = format!("User:{}", reviewer.id);
    let id = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, id);
    let next = revise(
        &server,
        &editor,
        &post,
        json!({ "title": "Made up, again" }),
    )
    .await;
    let input = json!({ "id": next.id, "reviewer": id });
    let refused = problems(&server, &editor, "requestReview", input).await;
    assert_eq!(refused, [("INVALID".into(), "reviewer".into())]);
}

/// Runs every job that is due.
async fn work(server: &TestServer) {
    let mut worker = server
        .test
        .worker("clock", jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
}

#[rstest]
#[tokio::test]
async fn a_plan_is_carried_out_at_its_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(
        &server,
        &editor,
        json!({ "title": "Later", "slug": "later" }),
    )
    .await;
    let input = json!({
        "id": post.id,
        "at": "2026-06-01T13:00:00Z",
        "unpublishAt": "2026-06-01T14:00:00Z",
    });
    let planned = done(&server, &editor, "schedulePost", input).await;
    let plan = &planned["post"]["editing"]["schedule"];
    assert_eq!(plan["revisionId"], post.head.as_str());
    // The plan is for the revision as it was; a later one does not slip in.
    let later = revise(&server, &editor, &post, json!({ "title": "Not this" })).await;
    work(&server).await;
    assert_eq!(public(&server, "later").await, Value::Null);

    server.test.store.clock.advance(TimeDelta::minutes(61));
    work(&server).await;
    work(&server).await;
    assert_eq!(public(&server, "later").await["title"], "Later");
    server.test.store.clock.advance(TimeDelta::minutes(60));
    work(&server).await;
    assert_eq!(public(&server, "later").await, Value::Null);
    let session = server.sign_in_as(Role::Editor).await;

    // What was called off or moved does not happen at its old time.
    let moved = json!({ "id": post.id, "revision": later.head, "at": "2026-06-01T15:00:00Z" });
    done(&server, &session, "schedulePost", moved).await;
    let moved = json!({ "id": post.id, "revision": later.head, "at": "2026-06-01T18:00:00Z" });
    done(&server, &session, "schedulePost", moved).await;
    server.test.store.clock.advance(TimeDelta::minutes(120));
    work(&server).await;
    assert_eq!(public(&server, "later").await, Value::Null);
    let session = server.sign_in_as(Role::Editor).await;
    done(
        &server,
        &session,
        "cancelSchedule",
        json!({ "id": post.id }),
    )
    .await;
    server.test.store.clock.advance(TimeDelta::minutes(240));
    work(&server).await;
    assert_eq!(public(&server, "later").await, Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_plan_keeps_to_the_rules(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(
        &server,
        &editor,
        json!({ "title": "Planned", "slug": "planned" }),
    )
    .await;
    let past = json!({
        "id": post.id,
        "at": "2026-06-01T11:00:00Z",
        "unpublishAt": "2026-06-01T10:00:00Z",
    });
    let found = problems(&server, &editor, "schedulePost", past).await;
    assert_eq!(
        found,
        [
            ("INVALID".into(), "at".into()),
            ("INVALID".into(), "unpublishAt".into()),
        ]
    );
    let far = json!({ "id": post.id, "at": "9999-01-01T00:00:00Z" });
    let far = problems(&server, &editor, "schedulePost", far).await;
    assert_eq!(far, [("INVALID".into(), "at".into())]);
    let nothing = problems(&server, &editor, "schedulePost", json!({ "id": post.id })).await;
    assert_eq!(nothing, [("INVALID".into(), "at".into())]);

    // A revision that is rejected meanwhile stays out of sight, and so does a post in the trash.
    let plan = json!({ "id": post.id, "at": "2026-06-01T12:30:00Z" });
    done(&server, &editor, "schedulePost", plan.clone()).await;
    let no = json!({ "revision": post.head, "comment": "Wait." });
    done(&server, &editor, "rejectRevision", no).await;
    done(
        &server,
        &editor,
        "approveRevision",
        json!({ "revision": post.head }),
    )
    .await;
    done(&server, &editor, "schedulePost", plan).await;
    done(&server, &editor, "trashPost", json!({ "id": post.id })).await;
    done(&server, &editor, "restorePost", json!({ "id": post.id })).await;
    server.test.store.clock.advance(TimeDelta::minutes(60));
    work(&server).await;
    assert_eq!(public(&server, "planned").await, Value::Null);
}

#[rstest]
#[tokio::test]
async fn unpublishing_calls_off_what_is_planned(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(
        &server,
        &editor,
        json!({ "title": "Recalled", "slug": "recalled" }),
    )
    .await;
    publish(&server, &editor, &post).await;
    let next = revise(
        &server,
        &editor,
        &post,
        json!({ "title": "Recalled, again" }),
    )
    .await;
    let plan = json!({ "id": post.id, "revision": next.head, "at": "2026-06-01T12:10:00Z" });
    done(&server, &editor, "schedulePost", plan).await;
    let unpublished = done(&server, &editor, "unpublishPost", json!({ "id": post.id })).await;
    assert_eq!(unpublished["post"]["editing"]["schedule"], Value::Null);
    server.test.store.clock.advance(TimeDelta::minutes(11));
    work(&server).await;
    assert_eq!(public(&server, "recalled").await, Value::Null);

    // What was live before and is rejected now stays out of sight.
    let no = json!({ "revision": post.head, "comment": "Wrong." });
    done(&server, &editor, "rejectRevision", no).await;
    let input = json!({ "id": post.id, "revision": post.head });
    let refused = problems(&server, &editor, "publishPost", input).await;
    assert_eq!(refused, [("CONFLICT".into(), "revision".into())]);
}

#[rstest]
#[tokio::test]
async fn a_plan_ends_with_the_trust_in_its_planner(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let author = server.sign_in_as(Role::Author).await;
    let admin = server.sign_in_as(Role::Admin).await;
    let post = write(
        &server,
        &author,
        json!({ "title": "Planned", "slug": "planned" }),
    )
    .await;
    let plan = json!({ "id": post.id, "at": "2026-06-01T12:10:00Z" });
    done(&server, &author, "schedulePost", plan).await;
    let id = format!("User:{}", author.id);
    let id = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, id);
    let document =
        "mutation ($input: UpdateUserInput!) { updateUser(input: $input) { userErrors { code } } }";
    let input = json!({ "id": id, "disabled": true });
    let disabled = server
        .ask_as(&admin.token, document, json!({ "input": input }))
        .await;
    assert_eq!(disabled.data()["updateUser"]["userErrors"], json!([]));
    server.test.store.clock.advance(TimeDelta::minutes(11));
    work(&server).await;
    assert_eq!(public(&server, "planned").await, Value::Null);
}
