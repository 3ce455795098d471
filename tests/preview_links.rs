//! Preview links: they show one post as it is not published yet, and nothing else.

use alphanode::domain::permission::Role;
use axum::http::StatusCode;
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use serde_json::{Value, json};

use crate::support::editing::{Written, publish, revise, write};
use crate::support::{Backend, TestServer, TestUser};

const CREATE: &str =
    "mutation($input: CreatePreviewLinkInput!) { createPreviewLink(input: $input) {
    token expiresAt userErrors { code path } } }";

const EXCHANGE: &str = "mutation($token: String!) { exchangePreviewLink(input: { token: $token }) {
    accessToken expiresAt postId userErrors { code path } } }";

fn content(title: &str) -> Value {
    json!({ "title": title, "summary": "A summary.", "body": "Some text." })
}

async fn link(server: &TestServer, by: &str, input: Value) -> Value {
    let answer = server.ask_as(by, CREATE, json!({ "input": input })).await;
    answer.data()["createPreviewLink"].clone()
}

/// As a site does it that names its perspective with every request.
async fn exchange(server: &TestServer, link: &Value) -> Value {
    let headers = [("x-alphanode-perspective", "draft")];
    let answer = server
        .ask_with(&headers, EXCHANGE, json!({ "token": link["token"] }))
        .await;
    answer.data()["exchangePreviewLink"].clone()
}

async fn titles(server: &TestServer, token: &str, perspective: Option<&str>) -> (u16, Vec<String>) {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(perspective.map(|perspective| ("x-alphanode-perspective", perspective)));
    let document = "{ posts { nodes { title } } }";
    let answer = server.ask_with(&headers, document, json!({})).await;
    let nodes = answer.body["data"]["posts"]["nodes"].as_array();
    let titles = nodes.into_iter().flatten();
    let titles = titles.map(|post| post["title"].as_str().unwrap().to_owned());
    let mut titles: Vec<String> = titles.collect();
    titles.sort_unstable();
    (answer.status.as_u16(), titles)
}

/// One post published and changed since, another never published.
async fn world(server: &TestServer) -> (TestUser, Written, Written) {
    let editor = server.sign_in_as(Role::Editor).await;
    let shown = write(server, &editor, content("Published")).await;
    publish(server, &editor, &shown).await;
    let shown = revise(server, &editor, &shown, content("Changed")).await;
    let other = write(server, &editor, content("Secret")).await;
    (editor, shown, other)
}

#[rstest]
#[tokio::test]
async fn a_link_shows_its_post_and_nothing_else_that_is_not_published(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let (editor, shown, other) = world(&server).await;
    let made = link(&server, &editor.token, json!({ "post": shown.id })).await;
    assert_eq!(made["expiresAt"], "2026-06-08T12:00:00+00:00");
    let foreign = json!({ "post": shown.id, "perspective": format!("revision:{}", other.head) });
    let refused = link(&server, &editor.token, foreign).await;
    assert_eq!(refused["userErrors"][0]["path"], json!(["perspective"]));
    let preview = exchange(&server, &made).await;
    assert_eq!(preview["postId"], json!(shown.id));
    assert_eq!(preview["expiresAt"], "2026-06-01T13:00:00+00:00");
    let token = preview["accessToken"].as_str().unwrap();

    assert_eq!(
        titles(&server, token, None).await,
        (200, vec!["Changed".into()])
    );
    let narrowed = format!("draft:{}", shown.id);
    assert_eq!(titles(&server, token, Some(&narrowed)).await.0, 200);
    assert_eq!(
        titles(&server, token, Some("published")).await,
        (200, vec!["Published".into()])
    );
    let others = [
        "draft".to_owned(),
        "trash".to_owned(),
        format!("draft:{}", other.id),
        format!("revision:{}", other.head),
        "at:2026-06-01T12:00:00Z".to_owned(),
    ];
    for perspective in others {
        assert_eq!(
            titles(&server, token, Some(&perspective)).await.0,
            403,
            "{perspective}"
        );
    }
    let bearer = format!("Bearer {token}");
    let answer = server
        .ask_with(
            &[("authorization", &bearer)],
            "{ posts { totalCount } }",
            json!({}),
        )
        .await;
    assert_eq!(answer.headers["cache-control"], "private, no-store");

    // The link itself is no credential, and what it was exchanged for is no link.
    let itself = made["token"].as_str().unwrap();
    assert_eq!(titles(&server, itself, None).await.0, 401);
    let again = exchange(&server, &json!({ "token": token })).await;
    assert_eq!(
        again["userErrors"],
        json!([{ "code": "WRONG_CREDENTIALS", "path": ["token"] }])
    );
}

#[rstest]
#[tokio::test]
async fn a_link_can_only_be_for_what_does_not_give_away_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let (editor, shown, other) = world(&server).await;
    let problem = |input: Value| {
        let (server, token) = (&server, &editor.token);
        async move {
            let refused = link(server, token, input).await;
            assert_eq!(refused["token"], json!(null));
            refused["userErrors"].clone()
        }
    };
    for perspective in [
        "trash".to_owned(),
        format!("draft:{}", other.id),
        "nonsense".to_owned(),
    ] {
        let input = json!({ "post": shown.id, "perspective": perspective });
        let expected = json!([{ "code": "INVALID", "path": ["perspective"] }]);
        assert_eq!(problem(input).await, expected, "{perspective}");
    }
    for seconds in [0, -5, 2_592_001] {
        let input = json!({ "post": shown.id, "expiresInSeconds": seconds });
        let expected = json!([{ "code": "INVALID", "path": ["expiresInSeconds"] }]);
        assert_eq!(problem(input).await, expected, "{seconds}");
    }
    let input = json!({ "post": crate::support::perspective::id("Post", 999) });
    assert_eq!(
        problem(input).await,
        json!([{ "code": "NOT_FOUND", "path": ["post"] }])
    );

    // A token that may not read drafts gets at none by a link either.
    let document = "mutation { createApiToken(input: { name: \"x\", scopes: [WRITE_POSTS] }) {
        secret } }";
    let made = server.ask_as(&editor.token, document, json!({})).await;
    let writer = made.data()["createApiToken"]["secret"].as_str().unwrap();
    let variables = json!({ "input": { "post": shown.id } });
    assert_eq!(
        server.ask_as(writer, CREATE, variables).await.code(),
        "FORBIDDEN"
    );
}

#[rstest]
#[tokio::test]
async fn a_link_ends_with_its_time_and_with_whoever_made_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let (editor, shown, _) = world(&server).await;
    let clock = &server.test.store.clock;
    let input = json!({ "post": shown.id, "expiresInSeconds": 1800 });
    let short = link(&server, &editor.token, input).await;
    let preview = exchange(&server, &short).await;
    assert_eq!(preview["expiresAt"], short["expiresAt"]);

    let document = "mutation { createApiToken(input: { name: \"x\",
        scopes: [WRITE_POSTS, READ_DRAFTS] }) { secret apiToken { id } } }";
    let made = server.ask_as(&editor.token, document, json!({})).await;
    let made = &made.data()["createApiToken"];
    let by_token = link(
        &server,
        made["secret"].as_str().unwrap(),
        json!({ "post": shown.id }),
    )
    .await;
    let token = exchange(&server, &by_token).await["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(titles(&server, &token, None).await.0, 200);
    let document =
        "mutation($id: ID!) { revokeApiToken(input: { id: $id }) { userErrors { code } } }";
    let id = json!({ "id": made["apiToken"]["id"] });
    server.ask_as(&editor.token, document, id).await.data();
    assert_eq!(titles(&server, &token, None).await.0, 401);

    let long = link(&server, &editor.token, json!({ "post": shown.id })).await;
    let token = preview["accessToken"].as_str().unwrap();
    assert_eq!(titles(&server, token, None).await.0, 200);
    clock.advance(TimeDelta::minutes(30));
    assert_eq!(titles(&server, token, None).await.0, 401);
    let late = exchange(&server, &short).await;
    assert_eq!(late["userErrors"][0]["code"], "WRONG_CREDENTIALS");

    let token = exchange(&server, &long).await["accessToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let row = entity::user::ActiveModel {
        id: Set(editor.id),
        disabled_at: Set(Some(clock.now())),
        ..Default::default()
    };
    row.update(server.test.store.database.writer())
        .await
        .unwrap();
    assert_eq!(
        titles(&server, &token, None).await.0,
        StatusCode::UNAUTHORIZED.as_u16()
    );
    let dead = exchange(&server, &long).await;
    assert_eq!(dead["accessToken"], json!(null));
}
