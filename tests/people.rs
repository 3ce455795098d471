//! Users: how they come in, and how they are managed.

use alphanode::domain::one_time_link;
use alphanode::domain::permission::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, TestServer, TestUser};

const PASSWORD: &str = "correct horse battery";

const FOLLOW: &str = "mutation($input: FollowLinkInput!) { followLink(input: $input) {
    accessToken user { email role hasPassword } userErrors { code path } } }";

async fn page(server: &TestServer, link: &str) -> Answer {
    let path = &link[link.find("/link/").unwrap()..];
    server
        .send(Request::get(path).body(Body::empty()).unwrap())
        .await
}

async fn send_form(server: &TestServer, link: &str, form: &str) -> Answer {
    let path = &link[link.find("/link/").unwrap()..];
    let request = Request::post(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .unwrap();
    server.send(request).await
}

async fn invite(server: &TestServer, admin: &TestUser, email: &str) -> Value {
    let document = "mutation($email: String!) {
        inviteUser(input: { email: $email, name: \"Grace\", role: EDITOR }) {
            link expiresAt user { id email hasPassword } userErrors { code path } } }";
    let answer = server
        .ask_as(&admin.token, document, json!({ "email": email }))
        .await;
    answer.data()["inviteUser"].clone()
}

fn token_of(link: &str) -> &str {
    link.rsplit('/').next().unwrap()
}

#[rstest]
#[tokio::test]
async fn the_first_admin_is_made_by_the_newest_setup_link_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let store = &server.test.store;
    let older = one_time_link::set_up(store).await.unwrap().unwrap().token;
    let link = one_time_link::set_up(store).await.unwrap().unwrap().token;
    let link = format!("/link/{link}");
    assert_eq!(
        page(&server, &format!("/link/{older}")).await.status,
        StatusCode::GONE
    );

    let form = page(&server, &link).await;
    assert_eq!(form.status, StatusCode::OK);
    assert_eq!(form.headers["cache-control"], "no-store");
    assert_eq!(form.headers["referrer-policy"], "no-referrer");
    let policy = form.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"));
    let html = form.body.as_str().unwrap();
    assert!(
        html.contains("name=\"email\"") && !html.contains("<script"),
        "{html}"
    );

    // What was typed stays but for the password, and each problem is beside its field.
    let typed = "name=Ada+%3CKing%3E&email=nobody&password=too+short+";
    let again = send_form(&server, &link, typed).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let html = again.body.as_str().unwrap();
    assert!(html.contains("value=\"Ada &lt;King&gt;\"") && html.contains("value=\"nobody\""));
    assert!(
        html.contains("id=\"email-error\" role=\"alert\">Give an address"),
        "{html}"
    );
    assert!(
        html.contains("id=\"password-error\" role=\"alert\">Give at least 12"),
        "{html}"
    );
    assert!(!html.contains("too short "));

    let typed = "name=Ada&email=ada%40example.org&password=correct+horse+battery";
    let done = send_form(&server, &link, typed).await;
    assert_eq!(done.status, StatusCode::OK);
    let cookie = done.headers["set-cookie"].to_str().unwrap().to_owned();
    let document = "mutation { refreshSession { user { email role } } }";
    let renewed = server
        .ask_with(&[("cookie", &cookie)], document, json!({}))
        .await;
    let user = &renewed.data()["refreshSession"]["user"];
    assert_eq!(
        user,
        &json!({ "email": "ada@example.org", "role": "ADMIN" })
    );

    assert_eq!(
        send_form(&server, &link, typed).await.status,
        StatusCode::GONE
    );
    assert_eq!(one_time_link::set_up(store).await.unwrap(), None);
}

#[rstest]
#[tokio::test]
async fn whoever_is_invited_comes_in_by_a_link_that_works_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    let invited = invite(&server, &admin, "grace@example.org").await;
    assert_eq!(invited["user"]["hasPassword"], false);
    assert_eq!(invited["expiresAt"], "2026-06-08T12:00:00+00:00");
    let link = invited["link"].as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.1:8080/link/"), "{link}");
    let taken = invite(&server, &admin, " GRACE@example.org ").await;
    assert_eq!(
        taken["userErrors"],
        json!([{ "code": "TAKEN", "path": ["email"] }])
    );

    assert!(
        page(&server, link)
            .await
            .body
            .as_str()
            .unwrap()
            .contains("grace@example.org")
    );
    let follow = |link: &str, password: &str| {
        let input = json!({ "token": token_of(link), "password": password });
        let server = &server;
        async move {
            let data = server.data(FOLLOW, json!({ "input": input })).await;
            data["followLink"].clone()
        }
    };
    let named = follow(link, "grace@example.org").await;
    assert_eq!(
        named["userErrors"],
        json!([{ "code": "INVALID", "path": ["password"] }])
    );
    let followed = follow(link, PASSWORD).await;
    let user = json!({ "email": "grace@example.org", "role": "EDITOR", "hasPassword": true });
    assert_eq!(followed["user"], user);
    let gone = json!([{ "code": "WRONG_CREDENTIALS", "path": ["token"] }]);
    assert_eq!(follow(link, PASSWORD).await["userErrors"], gone);

    // A reset link ends what sessions there are; a newer one voids the older.
    let token = followed["accessToken"].as_str().unwrap();
    let document = "mutation($id: ID!) { createPasswordResetLink(input: { id: $id }) {
        link userErrors { code path } } }";
    let id = &invited["user"]["id"];
    let reset = || async {
        let answer = server
            .ask_as(&admin.token, document, json!({ "id": id }))
            .await;
        let payload = &answer.data()["createPasswordResetLink"];
        payload["link"].as_str().unwrap().to_owned()
    };
    let (older, newer) = (reset().await, reset().await);
    assert_eq!(
        server
            .ask_as(token, "{ me { id } }", json!({}))
            .await
            .status,
        200
    );
    assert_eq!(follow(&older, PASSWORD).await["userErrors"], gone);
    assert_eq!(
        follow(&newer, "another fine password").await["userErrors"],
        json!([])
    );
    assert_eq!(
        server
            .ask_as(token, "{ me { id } }", json!({}))
            .await
            .status,
        401
    );

    let late = reset().await;
    server.test.store.clock.advance(TimeDelta::hours(24));
    assert_eq!(follow(&late, PASSWORD).await["userErrors"], gone);
    assert_eq!(page(&server, &late).await.status, StatusCode::GONE);
}

#[rstest]
#[tokio::test]
async fn the_last_admin_stays_and_whoever_is_disabled_is_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    // The first admin, by the link; users made past it have no password and don't count.
    let link = one_time_link::set_up(&server.test.store)
        .await
        .unwrap()
        .unwrap();
    let input = json!({ "token": link.token, "password": PASSWORD, "name": "Ada",
        "email": "ada@example.org", "refreshTokenIn": "PAYLOAD" });
    let data = server.data(FOLLOW, json!({ "input": input })).await;
    let admin = data["followLink"]["accessToken"].as_str().unwrap();
    server.sign_in_as(Role::Admin).await;
    let me = server.ask_as(admin, "{ me { id } }", json!({})).await;
    let me = me.data()["me"]["id"].clone();

    let document = "mutation($input: UpdateUserInput!) { updateUser(input: $input) {
        user { name role disabledAt } userErrors { code path } } }";
    let update = |input: Value| {
        let server = &server;
        async move {
            let answer = server
                .ask_as(admin, document, json!({ "input": input }))
                .await;
            answer.data()["updateUser"].clone()
        }
    };
    for (field, value) in [("role", json!("EDITOR")), ("disabled", json!(true))] {
        let refused = update(json!({ "id": me, field: value })).await;
        assert_eq!(
            refused["userErrors"],
            json!([{ "code": "CONFLICT", "path": [field] }])
        );
    }
    let user = server.sign_in_as(Role::Author).await;
    let id = crate::support::perspective::id("User", user.id);
    let changed = update(json!({ "id": id, "name": " Grace ", "role": "VIEWER" })).await;
    let expected = json!({ "name": "Grace", "role": "VIEWER", "disabledAt": null });
    assert_eq!(changed["user"], expected);
    update(json!({ "id": id, "disabled": true })).await;
    assert_eq!(
        server
            .ask_as(&user.token, "{ me { id } }", json!({}))
            .await
            .status,
        401
    );
    // Let in again, they sign in again: their sessions have ended.
    let enabled = update(json!({ "id": id, "disabled": false })).await;
    assert_eq!(enabled["user"]["disabledAt"], json!(null));
    assert_eq!(
        server
            .ask_as(&user.token, "{ me { id } }", json!({}))
            .await
            .status,
        401
    );

    let listed = server
        .ask_as(
            admin,
            "{ users(first: 2) { totalCount nodes { name } pageInfo { hasNextPage } } }",
            json!({}),
        )
        .await;
    let listed = &listed.data()["users"];
    assert_eq!(listed["totalCount"], 3);
    assert_eq!(listed["pageInfo"]["hasNextPage"], true);
}

/// Two admins who demote each other at once: one of them is left.
#[rstest]
#[tokio::test]
async fn admins_who_demote_each_other_leave_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut admins = Vec::new();
    for _ in 0..2 {
        let admin = server.sign_in_as(Role::Admin).await;
        let row = entity::user::ActiveModel {
            id: sea_orm::ActiveValue::Set(admin.id),
            password_hash: sea_orm::ActiveValue::Set(Some("$argon2id$of-no-use".into())),
            ..Default::default()
        };
        let writer = server.test.store.database.writer();
        sea_orm::ActiveModelTrait::update(row, writer)
            .await
            .unwrap();
        admins.push(admin);
    }
    let document = "mutation($id: ID!) { updateUser(input: { id: $id, role: EDITOR }) {
        userErrors { code } } }";
    let demote = |by: &TestUser, whom: &TestUser| {
        let id = crate::support::perspective::id("User", whom.id);
        let (server, token) = (&server, by.token.clone());
        async move { server.ask_as(&token, document, json!({ "id": id })).await }
    };
    tokio::join!(
        demote(&admins[0], &admins[1]),
        demote(&admins[1], &admins[0])
    );
    let users = <entity::user::Entity as sea_orm::EntityTrait>::find();
    let users = users
        .all(server.test.store.database.reader())
        .await
        .unwrap();
    assert_eq!(users.iter().filter(|user| user.role == "admin").count(), 1);
}
