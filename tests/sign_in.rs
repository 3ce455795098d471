//! Signing in, staying so, and being shut out.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::transaction::Transaction;
use alphanode::domain::user::{self, NewUser, password::Passwords};
use chrono::TimeDelta;
use entity::{audit_event, session, user as user_table};
use rstest::rstest;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::{Answer, Backend, TestServer};

const PASSWORD: &str = "correct horse battery";

const SIGN_IN: &str = "mutation($input: SignInInput!) { signIn(input: $input) {
    accessToken expiresAt refreshToken user { email role } userErrors { code path message } } }";

const REFRESH: &str = "mutation($token: String) { refreshSession(input: { refreshToken: $token }) {
    accessToken refreshToken user { email } userErrors { code } } }";

const ME: &str = "{ me { id name role } }";

/// A user with [`PASSWORD`].
async fn user_with_password(server: &TestServer, email: &str) -> i64 {
    let store = &server.test.store;
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::ManageUsers)
        .await
        .unwrap();
    let new = NewUser {
        email: email.into(),
        name: "Ada".into(),
        role: Role::Editor,
    };
    let user = user::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    let hash = Passwords::new(1).hash(PASSWORD.into()).await.unwrap();
    set(server, user.id, |row| row.password_hash = Set(Some(hash))).await;
    user.id
}

async fn set(server: &TestServer, id: i64, change: impl FnOnce(&mut user_table::ActiveModel)) {
    let mut row = user_table::ActiveModel {
        id: Set(id),
        ..Default::default()
    };
    change(&mut row);
    row.update(server.test.store.database.writer())
        .await
        .unwrap();
}

async fn sign_in(server: &TestServer, email: &str, password: &str) -> Answer {
    let input = json!({ "email": email, "password": password, "refreshTokenIn": "PAYLOAD" });
    server.ask(SIGN_IN, json!({ "input": input })).await
}

fn text<'a>(payload: &'a Value, field: &str) -> &'a str {
    payload[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {payload:#}"))
}

#[rstest]
#[tokio::test]
async fn a_password_lets_in_and_the_session_is_renewed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "Ada@Example.org").await;
    let answer = sign_in(&server, " ada@example.ORG", PASSWORD).await;
    let payload = &answer.data()["signIn"];
    assert_eq!(
        payload["user"],
        json!({ "email": "Ada@Example.org", "role": "EDITOR" })
    );
    assert_eq!(payload["expiresAt"], "2026-06-01T12:15:00+00:00");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("set-cookie"));

    let token = text(payload, "accessToken").to_owned();
    let me = server.ask_as(&token, ME, json!({})).await;
    assert_eq!(me.data()["me"]["name"], "Ada");
    assert_eq!(me.headers["cache-control"], "private, no-store");
    assert_eq!(me.statements(), 2);

    server.test.store.clock.advance(TimeDelta::minutes(15));
    let late = server.ask_as(&token, ME, json!({})).await;
    assert_eq!(
        (late.status.as_u16(), late.code()),
        (401, "UNAUTHENTICATED")
    );
    assert_eq!(late.headers["www-authenticate"], "Bearer");
    let message = late.body["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("expired; refresh the session"),
        "{message}"
    );

    // The expired token may come along when the session is renewed.
    let first = text(payload, "refreshToken").to_owned();
    let renewed = server
        .ask_as(&token, REFRESH, json!({ "token": first }))
        .await;
    let renewed = &renewed.data()["refreshSession"];
    let token = text(renewed, "accessToken").to_owned();
    assert_eq!(server.ask_as(&token, ME, json!({})).await.status, 200);

    // Used again, it ends the session: the next token is of no use either.
    let again = server.data(REFRESH, json!({ "token": first })).await;
    assert_eq!(
        again["refreshSession"]["userErrors"],
        json!([{ "code": "WRONG_CREDENTIALS" }])
    );
    let second = text(renewed, "refreshToken").to_owned();
    let again = server.data(REFRESH, json!({ "token": second })).await;
    assert_eq!(again["refreshSession"]["accessToken"], json!(null));
    let ended = server.ask_as(&token, ME, json!({})).await;
    assert_eq!(
        (ended.status.as_u16(), ended.code()),
        (401, "UNAUTHENTICATED")
    );
}

#[rstest]
#[tokio::test]
async fn a_browser_gets_a_cookie_that_scripts_cannot_read(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "ada@example.org").await;
    let input = json!({ "email": "ada@example.org", "password": PASSWORD });
    let answer = server.ask(SIGN_IN, json!({ "input": input })).await;
    assert_eq!(answer.data()["signIn"]["refreshToken"], json!(null));
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let (pair, flags) = cookie.split_once("; ").unwrap();
    assert_eq!(
        flags,
        "HttpOnly; Secure; SameSite=Strict; Path=/graphql; Max-Age=2592000"
    );

    let cookies = format!("theme=dark; {pair}");
    let document = "mutation { refreshSession { accessToken refreshToken userErrors { code } } }";
    let renewed = server
        .ask_with(&[("cookie", &cookies)], document, json!({}))
        .await;
    let token = text(&renewed.data()["refreshSession"], "accessToken").to_owned();
    let next = renewed.headers["set-cookie"].to_str().unwrap();
    assert!(
        next.starts_with("alphanode_refresh=") && !next.starts_with(pair),
        "{next}"
    );

    let document = "mutation { signOut { user { email } userErrors { code } } }";
    let out = server.ask_as(&token, document, json!({})).await;
    assert_eq!(out.data()["signOut"]["user"]["email"], "ada@example.org");
    let cleared = out.headers["set-cookie"].to_str().unwrap();
    assert!(cleared.starts_with("alphanode_refresh=;") && cleared.ends_with("Max-Age=0"));
    let ended = server.ask_as(&token, ME, json!({})).await;
    assert_eq!(ended.code(), "UNAUTHENTICATED");
}

#[rstest]
#[tokio::test]
async fn what_changes_about_a_user_works_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let user = server.sign_in_as(Role::Viewer).await;
    let role = || async {
        let answer = server.ask_as(&user.token, ME, json!({})).await;
        answer.body["data"]["me"]["role"].clone()
    };
    assert_eq!(role().await, "VIEWER");
    set(&server, user.id, |row| row.role = Set("admin".into())).await;
    assert_eq!(role().await, "ADMIN");
    let now = server.test.store.clock.now();
    set(&server, user.id, |row| row.disabled_at = Set(Some(now))).await;
    let shut_out = server.ask_as(&user.token, ME, json!({})).await;
    assert_eq!(shut_out.status, 401);
    let refreshed = server
        .data(REFRESH, json!({ "token": user.refresh_token }))
        .await;
    assert_eq!(refreshed["refreshSession"]["accessToken"], json!(null));
}

#[rstest]
#[tokio::test]
async fn signing_out_everywhere_and_another_password_end_sessions(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "ada@example.org").await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        let answer = sign_in(&server, "ada@example.org", PASSWORD).await;
        tokens.push(text(&answer.data()["signIn"], "accessToken").to_owned());
    }
    let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
        user { email } userErrors { code path } } }";
    let change = |current: &str, new: &str| {
        let input = json!({ "currentPassword": current, "newPassword": new });
        let (server, token) = (&server, tokens[0].clone());
        async move {
            let answer = server
                .ask_as(&token, change, json!({ "input": input }))
                .await;
            answer.data()["changePassword"]["userErrors"].clone()
        }
    };
    let new = "another fine password";
    let wrong = change("no idea at all", new).await;
    assert_eq!(
        wrong,
        json!([{ "code": "WRONG_CREDENTIALS", "path": ["currentPassword"] }])
    );
    let short = change(PASSWORD, "short").await;
    assert_eq!(
        short,
        json!([{ "code": "INVALID", "path": ["newPassword"] }])
    );
    assert_eq!(change(PASSWORD, new).await, json!([]));

    let status = |token: &str| {
        let (server, token) = (&server, token.to_owned());
        async move { server.ask_as(&token, ME, json!({})).await.status.as_u16() }
    };
    assert_eq!(status(&tokens[0]).await, 200);
    assert_eq!(status(&tokens[1]).await, 401);
    let answer = sign_in(&server, "ada@example.org", new).await;
    let other = text(&answer.data()["signIn"], "accessToken").to_owned();
    let document = "mutation { signOutEverywhere { userErrors { code } } }";
    server.ask_as(&tokens[0], document, json!({})).await.data();
    assert_eq!(status(&tokens[0]).await, 401);
    assert_eq!(status(&other).await, 401);
}

#[rstest]
#[tokio::test]
async fn guesses_are_slowed_and_every_attempt_is_in_the_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "ada@example.org").await;
    let code = |email: &'static str, password: &'static str| {
        let server = &server;
        async move {
            let answer = sign_in(server, email, password).await;
            answer.data()["signIn"]["userErrors"][0].clone()
        }
    };
    // An account that does not exist is answered, slowed and logged like one that does.
    let wrong = code("ada@example.org", "a wrong password").await;
    assert_eq!(wrong["code"], "WRONG_CREDENTIALS");
    assert_eq!(wrong, code("nobody@example.org", "a wrong password").await);
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..5 {
            assert_eq!(code(email, "a wrong password").await, wrong);
        }
        let shut_out = code(email, PASSWORD).await;
        assert_eq!(shut_out["code"], "TOO_MANY_ATTEMPTS");
        let message = shut_out["message"].as_str().unwrap();
        assert!(message.contains("try again in 16 seconds"), "{message}");
    }
    server.test.store.clock.advance(TimeDelta::seconds(16));
    assert_eq!(code("nobody@example.org", PASSWORD).await, wrong);
    assert_eq!(code("ada@example.org", PASSWORD).await, json!(null));
    // Forgiven: the account starts again with its free failures.
    assert_eq!(code("ada@example.org", "a wrong password").await, wrong);
    assert_eq!(code("ada@example.org", PASSWORD).await, json!(null));

    let events = audit_event::Entity::find()
        .order_by_asc(audit_event::Column::Id)
        .all(server.test.store.database.reader())
        .await
        .unwrap();
    let of = |action: &str, reason: Value| {
        let events = events.iter().filter(|event| event.action == action);
        events
            .filter(|event| event.after.as_ref().unwrap()["reason"] == reason)
            .count()
    };
    assert_eq!(of("fail_to_sign_in", json!("wrong password")), 7);
    assert_eq!(of("fail_to_sign_in", json!("no such account")), 7);
    assert_eq!(of("fail_to_sign_in", json!("too many attempts")), 2);
    assert_eq!(of("sign_in", json!(null)), 2);
    let log = format!("{events:?}");
    assert!(
        !log.contains(PASSWORD) && !log.contains("a wrong password") && !log.contains("nobody@")
    );
}

#[rstest]
#[tokio::test]
async fn a_session_that_ended_long_ago_is_removed_with_its_tokens(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let user = server.sign_in_as(Role::Viewer).await;
    server.test.store.clock.advance(TimeDelta::days(30));
    let idle = server
        .data(REFRESH, json!({ "token": user.refresh_token }))
        .await;
    assert_eq!(idle["refreshSession"]["accessToken"], json!(null));
    server.test.store.clock.advance(TimeDelta::days(31));
    server.sign_in_as(Role::Viewer).await;
    let database = server.test.store.database.reader();
    let sessions = session::Entity::find().all(database).await.unwrap();
    assert_eq!(sessions.len(), 1);
    let tokens = entity::refresh_token::Entity::find()
        .all(database)
        .await
        .unwrap();
    assert_eq!(tokens.len(), 1);
}

#[rstest]
#[tokio::test]
async fn guesses_sent_at_once_are_counted_too(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "ada@example.org").await;
    let guesses = (0..12).map(|_| sign_in(&server, "ada@example.org", "a wrong password"));
    let answers = async_graphql::futures_util::future::join_all(guesses).await;
    let codes = answers.iter().map(|answer| {
        let error = &answer.data()["signIn"]["userErrors"][0];
        text(error, "code").to_owned()
    });
    let codes: Vec<String> = codes.collect();
    let wrong = codes
        .iter()
        .filter(|code| *code == "WRONG_CREDENTIALS")
        .count();
    let shut_out = codes
        .iter()
        .filter(|code| *code == "TOO_MANY_ATTEMPTS")
        .count();
    assert_eq!((wrong, shut_out), (6, 6));
}

/// One of two who renew a session with the same token gets the next one, and the session ends: one
/// of them has stolen it.
#[rstest]
#[tokio::test]
async fn a_refresh_token_that_is_used_twice_at_once_is_good_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let user = server.sign_in_as(Role::Viewer).await;
    let renew = || server.data(REFRESH, json!({ "token": user.refresh_token }));
    let (one, other) = tokio::join!(renew(), renew());
    let renewed = [one, other];
    let tokens = renewed
        .iter()
        .map(|data| &data["refreshSession"]["accessToken"]);
    let tokens: Vec<_> = tokens.filter(|token| token.is_string()).collect();
    assert_eq!(tokens.len(), 1);
    let answer = server
        .ask_as(tokens[0].as_str().unwrap(), ME, json!({}))
        .await;
    assert_eq!(answer.status, 401);
}

#[rstest]
#[tokio::test]
async fn a_hash_of_other_parameters_is_made_anew_by_signing_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, Version};
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let id = user_with_password(&server, "ada@example.org").await;
    let cheap = Params::new(64, 1, 1, None).unwrap();
    let cheap = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
    let hash: PasswordHash = cheap.hash_password(PASSWORD.as_bytes()).unwrap();
    set(&server, id, |row| {
        row.password_hash = Set(Some(hash.to_string()))
    })
    .await;
    for _ in 0..2 {
        let answer = sign_in(&server, "ada@example.org", PASSWORD).await;
        assert_eq!(answer.data()["signIn"]["userErrors"], json!([]));
        let row = user_table::Entity::find_by_id(id);
        let row = row.one(server.test.store.database.reader()).await.unwrap();
        let hash = row.unwrap().password_hash.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
    }
}

/// An account that does not exist, one that is disabled and one without a password are answered
/// alike, and cost as many statements as a wrong password does.
#[rstest]
#[tokio::test]
async fn nobody_learns_which_accounts_there_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    user_with_password(&server, "ada@example.org").await;
    let disabled = user_with_password(&server, "disabled@example.org").await;
    let now = server.test.store.clock.now();
    set(&server, disabled, |row| row.disabled_at = Set(Some(now))).await;
    let invited = server.sign_in_as(Role::Viewer).await.email;
    let wrong = sign_in(&server, "ada@example.org", "a wrong password").await;
    for email in ["nobody@example.org", "disabled@example.org", &invited] {
        for password in ["a wrong password", PASSWORD] {
            let answer = sign_in(&server, email, password).await;
            assert_eq!(answer.body, wrong.body, "{email}");
            assert_eq!(answer.statements(), wrong.statements(), "{email}");
        }
    }
}
