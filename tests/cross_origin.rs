//! Pages of other sites, and what browsers are told to refuse.

use alphanode::config::Config;
use alphanode::domain::permission::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::json;

use crate::support::{Answer, Backend, TestServer};

const FRIEND: &str = "https://app.example.org";

async fn server() -> TestServer {
    let config = Config {
        cors_origins: vec![FRIEND.into(), "http://localhost:3000".into()],
        public_url: Some("https://cms.example.org/".into()),
        ..Config::default()
    };
    TestServer::create_with(Backend::Sqlite, config)
        .await
        .unwrap()
}

async fn preflight(server: &TestServer, origin: &str) -> Answer {
    let request = Request::options("/graphql")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type,x-alphanode-perspective",
        )
        .body(Body::empty());
    server.send(request.unwrap()).await
}

async fn get(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn pages_of_configured_origins_may_ask_and_no_others() {
    let server = server().await;
    for origin in [FRIEND, "http://localhost:3000"] {
        let answer = preflight(&server, origin).await;
        assert_eq!(answer.status, StatusCode::OK);
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_lowercase();
        assert_eq!(header("access-control-allow-origin"), origin);
        assert_eq!(header("access-control-allow-credentials"), "true");
        assert_eq!(header("access-control-max-age"), "7200");
        assert_eq!(header("vary"), "origin");
        for name in [
            "authorization",
            "content-type",
            "x-alphanode-perspective",
            "if-none-match",
        ] {
            assert!(
                header("access-control-allow-headers").contains(name),
                "{name}"
            );
        }
        let asked = server
            .ask_with(&[("origin", origin)], "{ posts { totalCount } }", json!({}))
            .await;
        asked.data();
        assert_eq!(asked.headers["access-control-allow-origin"], origin);
        let exposed = asked.headers["access-control-expose-headers"]
            .to_str()
            .unwrap();
        for name in [
            "etag",
            "x-cache",
            "x-request-id",
            "ratelimit-remaining",
            "server-timing",
        ] {
            assert!(exposed.contains(name), "{name} in {exposed}");
        }
        assert!(!exposed.contains("surrogate"), "{exposed}");
    }
    for origin in [
        "https://evil.example",
        "https://app.example.org.evil.example",
        "null",
    ] {
        let answer = preflight(&server, origin).await;
        assert!(
            !answer.headers.contains_key("access-control-allow-origin"),
            "{origin}"
        );
        let asked = server
            .ask_with(&[("origin", origin)], "{ posts { totalCount } }", json!({}))
            .await;
        assert!(
            !asked.headers.contains_key("access-control-allow-origin"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_session_is_of_no_use_to_a_page_of_a_stranger() {
    let server = server().await;
    let mut user = server.sign_in_as(Role::Viewer).await;
    let refresh = "mutation { refreshSession { accessToken userErrors { code } } }";
    let strangers: [&[(&str, &str)]; 5] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://www.example.org"),
        ],
        // What the browser says counts, whatever the host.
        &[
            ("sec-fetch-site", "cross-site"),
            ("host", "evil.example"),
            ("origin", "https://evil.example"),
        ],
    ];
    for stranger in strangers {
        let cookie = format!("alphanode_refresh={}", user.refresh_token);
        let headers = [stranger, &[("cookie", &*cookie)]].concat();
        let refused = server.ask_with(&headers, refresh, json!({})).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{stranger:?}");
        assert_eq!(refused.code(), "FORBIDDEN");
        // Without the session, they ask as anybody does.
        server
            .ask_with(stranger, "{ posts { totalCount } }", json!({}))
            .await
            .data();
    }
    let friends: [&[(&str, &str)]; 5] = [
        &[],
        &[("origin", FRIEND), ("sec-fetch-site", "same-site")],
        &[("origin", "https://cms.example.org")],
        &[
            ("origin", "http://127.0.0.1:8080"),
            ("host", "127.0.0.1:8080"),
        ],
        &[("sec-fetch-site", "same-origin")],
    ];
    for friend in friends {
        let cookie = format!("alphanode_refresh={}", user.refresh_token);
        let headers = [friend, &[("cookie", &*cookie)]].concat();
        let answer = server.ask_with(&headers, refresh, json!({})).await;
        let payload = &answer.data()["refreshSession"];
        assert!(payload["accessToken"].is_string(), "{friend:?}: {payload}");
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        let token = cookie.split(['=', ';']).nth(1).unwrap();
        user.refresh_token = token.to_owned();
    }
}

#[tokio::test]
async fn every_answer_tells_browsers_what_to_refuse() {
    let server = server().await;
    let html = [("accept", "text/html")];
    for (path, headers) in [
        ("/", &[][..]),
        ("/healthz", &[]),
        ("/nothing", &[]),
        ("/feed.xml", &[]),
        ("/graphql?query=%7Bposts%7BtotalCount%7D%7D", &[]),
        ("/graphql", &html[..]),
        ("/link/nothing", &[]),
    ] {
        let answer = get(&server, path, headers).await;
        let header = |name: &str| {
            let value = answer.headers.get(name);
            value
                .unwrap_or_else(|| panic!("no {name} at {path}"))
                .to_str()
                .unwrap()
        };
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("strict-transport-security"), "max-age=31536000");
        assert!(["same-origin", "cross-origin"].contains(&header("cross-origin-resource-policy")));
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{part} at {path}: {policy}");
        }
        assert_eq!(header("x-request-id").len(), 32);
    }
    let graphiql = get(&server, "/graphql", &html).await;
    let policy = graphiql.headers["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.contains("script-src 'unsafe-inline' https://esm.sh"),
        "{policy}"
    );
    assert_eq!(
        graphiql.headers["cross-origin-opener-policy"],
        "same-origin"
    );
    let link = get(&server, "/link/nothing", &[]).await;
    let policy = link.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("style-src 'sha256-"), "{policy}");
}

#[tokio::test]
async fn nobody_is_held_to_https_where_there_is_none() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let answer = get(&server, "/healthz", &[]).await;
    assert!(!answer.headers.contains_key("strict-transport-security"));
    let answer = preflight(&server, FRIEND).await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let load = |line: &str| {
        let file = folder.path().join("alphanode.toml");
        std::fs::write(&file, line).unwrap();
        Config::load(Some(file), &[]).map_err(|error| error.to_string())
    };
    let origins = load("cors_origins = [\"https://app.example.org\", \"http://localhost:3000\"]");
    assert_eq!(origins.unwrap().cors_origins.len(), 2);
    for (line, part) in [
        ("cors_origins = [\"*\"]", "`*` is no origin"),
        ("cors_origins = [\"https://app.example.org/\"]", "no origin"),
        ("cors_origins = [\"app.example.org\"]", "no origin"),
        (
            "cors_origins = [\"https://app.example.org:443\"]",
            "no origin",
        ),
        (
            "rate_limit_points_per_minute = 2000000000",
            "`rate_limit_points_per_minute`",
        ),
        (
            "rate_limit_points_per_minute_signed_in = 2000000000",
            "signed_in",
        ),
        ("operation_limit = 0", "`operation_limit`"),
        ("connection_limit = 0", "`connection_limit`"),
    ] {
        let error = load(line).unwrap_err();
        assert!(error.contains(part), "{line}: {error}");
    }
}
