//! Credentials that are good, those that are no longer, and those that somebody made up.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use alphanode::domain::permission::Role;
use alphanode::domain::signing_key::SigningKeys;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rstest::rstest;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, TestServer, TestUser};

const ME: &str = "{ me { id } }";

async fn me(server: &TestServer, token: &str) -> Answer {
    server.ask_as(token, ME, json!({})).await
}

/// A part of a token, decoded.
fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_token_that_somebody_made_up_is_refused() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let user = server.sign_in_as(Role::Viewer).await;
    assert_eq!(me(&server, &user.token).await.status, StatusCode::OK);
    let (header, claims) = (part(&user.token, 0), part(&user.token, 1));
    assert_eq!(header["alg"], "EdDSA");
    assert_eq!(header["typ"], "access+jwt");
    let id = header["kid"].as_str().unwrap();
    let file = server.keys_directory().join(format!("{id}.pk8"));
    let key = fs::read(&file).unwrap();
    let public = Ed25519KeyPair::from_pkcs8(&key).unwrap();
    let public = public.public_key().as_ref().to_vec();
    let signature = user.token.rsplit('.').next().unwrap();

    let signed = |change: &dyn Fn(&mut Header), claims: &Value, key: &EncodingKey| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("access+jwt".into());
        header.kid = Some(id.to_owned());
        change(&mut header);
        jsonwebtoken::encode(&header, claims, key).unwrap()
    };
    let ours = EncodingKey::from_ed_der(&key);
    let theirs = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let theirs = EncodingKey::from_ed_der(theirs.as_ref());
    let with = |field: &str, value: Value| {
        let mut claims = claims.clone();
        claims[field] = value;
        claims
    };
    // What follows fails for its one reason alone: unchanged, it is good.
    let good = signed(&|_| {}, &claims, &ours);
    assert_eq!(me(&server, &good).await.status, StatusCode::OK);

    let none = json!({ "alg": "none", "typ": "access+jwt", "kid": id });
    let made_up = [
        (
            "no algorithm",
            format!("{}.{}.", encoded(&none), encoded(&claims)),
        ),
        (
            "no algorithm, signed",
            format!("{}.{}.{signature}", encoded(&none), encoded(&claims)),
        ),
        (
            "the public key as a secret",
            signed(
                &|header| header.alg = Algorithm::HS256,
                &claims,
                &EncodingKey::from_secret(&public),
            ),
        ),
        (
            "another key under our name",
            signed(&|_| {}, &claims, &theirs),
        ),
        (
            "a key that is not there",
            signed(
                &|header| header.kid = Some("20260101T000000.000000Z-x".into()),
                &claims,
                &ours,
            ),
        ),
        (
            "a path for a key",
            signed(
                &|header| header.kid = Some(format!("../keys/{id}")),
                &claims,
                &ours,
            ),
        ),
        (
            "no key",
            signed(&|header| header.kid = None, &claims, &ours),
        ),
        (
            "other claims",
            format!(
                "{}.{}.{signature}",
                encoded(&header),
                encoded(&with("uid", json!(user.id + 1)))
            ),
        ),
        (
            "another issuer",
            signed(&|_| {}, &with("iss", json!("somebody")), &ours),
        ),
        (
            "another's session",
            signed(&|_| {}, &with("uid", json!(user.id + 1)), &ours),
        ),
        (
            "expired",
            signed(&|_| {}, &with("exp", json!(1_000_000_000)), &ours),
        ),
        (
            "another kind",
            signed(
                &|header| header.typ = Some("preview-link+jwt".into()),
                &claims,
                &ours,
            ),
        ),
        (
            "no kind",
            signed(&|header| header.typ = None, &claims, &ours),
        ),
        ("a refresh token", user.refresh_token.clone()),
        ("nothing", String::new()),
        ("a word", "password".into()),
        ("an API token that is not there", "anp_x".into()),
    ];
    for (what, token) in made_up {
        let answer = me(&server, &token).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{what}: {}",
            answer.body
        );
        assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
        // Nor is it taken for the public's.
        let public = server
            .ask_as(&token, "{ posts { totalCount } }", json!({}))
            .await;
        assert_eq!(public.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    let basic = server
        .ask_with(&[("authorization", "Basic YTpi")], ME, json!({}))
        .await;
    assert_eq!(basic.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_change_without_anybody_signing_in_again() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let user = server.sign_in_as(Role::Viewer).await;
    let clock = &server.test.store.clock;
    let directory = server.keys_directory();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    for entry in fs::read_dir(&directory).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }

    // Another process, with the same directory.
    let elsewhere = SigningKeys::new(&directory, clock.clone());
    clock.advance(TimeDelta::minutes(1));
    let rotation = elsewhere.rotate().unwrap();
    assert_eq!(rotation.removed, Vec::<String>::new());
    assert_eq!(me(&server, &user.token).await.status, StatusCode::OK);
    let newer = server.sign_in_as(Role::Viewer).await;
    assert_eq!(part(&newer.token, 0)["kid"], json!(rotation.added));
    assert_eq!(me(&server, &newer.token).await.status, StatusCode::OK);

    // The first is kept for as long as a token of it may be good.
    let listed = elsewhere.list().unwrap();
    assert_eq!(listed[0].id, rotation.added);
    assert_eq!(listed[0].needed_until, None);
    assert_eq!(
        listed[1].needed_until,
        Some(listed[0].created_at + TimeDelta::days(30))
    );
    clock.advance(TimeDelta::days(30) + TimeDelta::seconds(1));
    assert_eq!(
        elsewhere.rotate().unwrap().removed,
        vec![listed[1].id.clone()]
    );
    assert_eq!(elsewhere.list().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cookie_is_of_no_use_to_another_site() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let user = server.sign_in_as(Role::Viewer).await;
    let cookie = format!("alphanode_refresh={}", user.refresh_token);
    let body = r#"{"query":"mutation { refreshSession { accessToken } }"}"#;
    // What a form of another page can send: the browser asks us first about anything else, and we
    // don't allow it.
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let request = axum::http::Request::post("/graphql")
            .header("content-type", content_type)
            .header("cookie", &cookie)
            .body(axum::body::Body::from(body))
            .unwrap();
        assert_eq!(
            server.send(request).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        );
    }
    let uri = "/graphql?query=mutation%7BrefreshSession%7BaccessToken%7D%7D";
    let request = axum::http::Request::get(uri)
        .header("cookie", &cookie)
        .body(axum::body::Body::empty())
        .unwrap();
    assert_eq!(
        server.send(request).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let preflight = axum::http::Request::options("/graphql")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = server.send(preflight).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    // The cookie alone is nobody: it renews a session and does nothing else.
    let alone = server.ask_with(&[("cookie", &cookie)], ME, json!({})).await;
    assert_eq!(alone.code(), "UNAUTHENTICATED");
}

const CREATE_TOKEN: &str =
    "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) {
    secret apiToken { id name start scopes expiresAt lastUsedAt revokedAt user { name } }
    userErrors { code path } } }";

async fn create_token(server: &TestServer, user: &TestUser, input: Value) -> Value {
    let answer = server
        .ask_as(&user.token, CREATE_TOKEN, json!({ "input": input }))
        .await;
    answer.data()["createApiToken"].clone()
}

#[rstest]
#[tokio::test]
async fn an_api_token_acts_for_its_user_until_it_is_revoked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let user = server.sign_in_as(Role::Editor).await;
    let nothing = json!({ "name": " ", "scopes": [], "expiresAt": "2026-06-01T12:00:00Z" });
    let refused = create_token(&server, &user, nothing).await;
    let paths: Vec<_> = refused["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["path"].clone())
        .collect();
    assert_eq!(
        paths,
        [json!(["name"]), json!(["scopes"]), json!(["expiresAt"])]
    );

    let input = json!({ "name": "nightly", "scopes": ["READ_DRAFTS"], "expiresAt": "2026-06-02T12:00:00Z" });
    let made = create_token(&server, &user, input).await;
    let secret = made["secret"].as_str().unwrap();
    let token = &made["apiToken"];
    assert!(secret.starts_with("anp_") && secret.len() == 47, "{secret}");
    assert!(secret.starts_with(token["start"].as_str().unwrap()));
    assert_eq!(token["scopes"], json!(["READ_DRAFTS"]));

    let last_used = || async {
        let list = "{ apiTokens { totalCount nodes { lastUsedAt } } }";
        let answer = server.ask_as(&user.token, list, json!({})).await;
        answer.data()["apiTokens"]["nodes"][0]["lastUsedAt"].clone()
    };
    assert_eq!(last_used().await, json!(null));
    assert_eq!(me(&server, secret).await.status, StatusCode::OK);
    assert_eq!(last_used().await, "2026-06-01T12:00:00+00:00");
    server.test.store.clock.advance(TimeDelta::seconds(59));
    me(&server, secret).await.data();
    assert_eq!(last_used().await, "2026-06-01T12:00:00+00:00");
    server.test.store.clock.advance(TimeDelta::seconds(1));
    me(&server, secret).await.data();
    assert_eq!(last_used().await, "2026-06-01T12:01:00+00:00");

    // Somebody else's is not there, but to an admin.
    let revoke = "mutation($id: ID!) { revokeApiToken(input: { id: $id }) {
        apiToken { revokedAt } userErrors { code } } }";
    let id = json!({ "id": token["id"] });
    let other = server.sign_in_as(Role::Editor).await;
    let refused = server.ask_as(&other.token, revoke, id.clone()).await;
    let errors = &refused.data()["revokeApiToken"]["userErrors"];
    assert_eq!(errors, &json!([{ "code": "NOT_FOUND" }]));
    let admin = server.sign_in_as(Role::Admin).await;
    let revoked = server.ask_as(&admin.token, revoke, id).await;
    let revoked = &revoked.data()["revokeApiToken"]["apiToken"]["revokedAt"];
    assert!(revoked.is_string(), "{revoked}");
    let answer = me(&server, secret).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED")
    );

    let input =
        json!({ "name": "short", "scopes": ["READ_DRAFTS"], "expiresAt": "2026-06-01T13:00:00Z" });
    let short = create_token(&server, &user, input).await;
    let short = short["secret"].as_str().unwrap();
    me(&server, short).await.data();
    server.test.store.clock.advance(TimeDelta::hours(1));
    assert_eq!(me(&server, short).await.status, StatusCode::UNAUTHORIZED);
}

#[rstest]
#[tokio::test]
async fn no_secret_is_kept_or_logged_as_it_is(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    let input = json!({ "name": "nightly", "scopes": ["ADMIN"] });
    let made = create_token(&server, &admin, input).await;
    let document = "mutation { inviteUser(input: { email: \"g@example.org\", name: \"G\", \
        role: VIEWER }) { link } }";
    let invited = server.ask_as(&admin.token, document, json!({})).await;
    let link = invited.data()["inviteUser"]["link"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = link.rsplit('/').next().unwrap();
    let password = "correct horse battery";
    let follow = "mutation($input: FollowLinkInput!) { followLink(input: $input) {
        accessToken refreshToken } }";
    let input = json!({ "token": token, "password": password, "refreshTokenIn": "PAYLOAD" });
    let followed = server.data(follow, json!({ "input": input })).await;
    let followed = &followed["followLink"];

    let database = server.test.store.database.reader();
    let mut kept = String::new();
    kept += &format!(
        "{:?}",
        entity::audit_event::Entity::find()
            .all(database)
            .await
            .unwrap()
    );
    kept += &format!(
        "{:?}",
        entity::user::Entity::find().all(database).await.unwrap()
    );
    kept += &format!(
        "{:?}",
        entity::session::Entity::find().all(database).await.unwrap()
    );
    kept += &format!(
        "{:?}",
        entity::refresh_token::Entity::find()
            .all(database)
            .await
            .unwrap()
    );
    kept += &format!(
        "{:?}",
        entity::api_token::Entity::find()
            .all(database)
            .await
            .unwrap()
    );
    kept += &format!(
        "{:?}",
        entity::one_time_link::Entity::find()
            .all(database)
            .await
            .unwrap()
    );
    assert!(kept.contains("$argon2id$v=19$m=19456,t=2,p=1$"));
    for secret in [
        made["secret"].as_str().unwrap(),
        token,
        password,
        followed["accessToken"].as_str().unwrap(),
        followed["refreshToken"].as_str().unwrap(),
        &admin.refresh_token,
    ] {
        assert!(!kept.contains(secret), "{secret} in {kept}");
    }
    let log = format!(
        "{:?}",
        entity::audit_event::Entity::find()
            .all(database)
            .await
            .unwrap()
    );
    assert!(!log.contains("argon2id") && !log.contains("_hash"), "{log}");
}
