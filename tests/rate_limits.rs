//! What one client may ask for, and what is done when everybody asks for too much.

use std::time::Duration;

use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role, Scope};
use alphanode::domain::transaction::Transaction;
use alphanode::http::admission::{Admission, Overloaded};
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use crate::support::port::Port;
use crate::support::{Answer, Backend, TestServer, api_token};

/// A point for the request, and one for each field.
const THREE_POINTS: &str = "{ posts { totalCount } }";

async fn server(config: Config) -> TestServer {
    TestServer::create_with(Backend::Sqlite, config)
        .await
        .unwrap()
}

fn figure(headers: &HeaderMap, name: &str) -> u32 {
    headers[name].to_str().unwrap().parse().unwrap()
}

fn left(answer: &Answer) -> u32 {
    figure(&answer.headers, "ratelimit-remaining")
}

#[rstest]
#[tokio::test]
async fn who_spends_a_minute_of_points_is_told_when_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let config = Config {
        rate_limit_points_per_minute: 60,
        rate_limit_points_per_minute_signed_in: 600,
        ..Config::default()
    };
    let Some(server) = TestServer::create_with(backend, config).await else {
        return;
    };
    let first = server.ask(THREE_POINTS, json!({})).await;
    assert_eq!(first.headers["ratelimit-limit"], "60");
    assert_eq!(first.headers["ratelimit-policy"], "60;w=60");
    assert_eq!(left(&first), 57);
    assert_eq!(first.headers["ratelimit-reset"], "3");
    // A list costs what its rows do: 1 + 1 + 20 * 2.
    let list = server.ask("{ posts { nodes { title } } }", json!({})).await;
    assert_eq!(left(&list), 15);
    // What costs more than is left is not done, and costs nothing.
    let refused = server.ask("{ posts { nodes { title } } }", json!({})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert_eq!(refused.headers["retry-after"], "27");
    assert_eq!(refused.headers["cache-control"], "no-store");
    assert_eq!(left(&server.ask(THREE_POINTS, json!({})).await), 12);
    server.test.store.clock.advance(TimeDelta::seconds(30));
    let again = server.ask("{ posts { nodes { title } } }", json!({})).await;
    assert_eq!(left(&again), 0);

    // Who is signed in has points of their own, whatever the public has spent.
    let editor = server.sign_in_as(Role::Editor).await;
    let other = server.sign_in_as(Role::Editor).await;
    let script = api_token(&server.test.store, editor.id, &[Scope::ReadDrafts]).await;
    for token in [&editor.token, &other.token, &script] {
        let answer = server.ask_as(token, THREE_POINTS, json!({})).await;
        assert_eq!(answer.headers["ratelimit-limit"], "600");
        assert_eq!(left(&answer), 597);
    }
    let another_session = server.renew(&editor).await;
    let answer = server
        .ask_as(&another_session.token, THREE_POINTS, json!({}))
        .await;
    assert_eq!(left(&answer), 594);
}

#[tokio::test]
async fn guessing_tokens_is_paid_for_by_the_address() {
    let server = server(Config {
        rate_limit_points_per_minute: 250,
        ..Config::default()
    })
    .await;
    for _ in 0..2 {
        let refused = server.ask_as("anp_guess", THREE_POINTS, json!({})).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
    let refused = server.ask_as("anp_guess", THREE_POINTS, json!({})).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(left(&server.ask(THREE_POINTS, json!({})).await), 47);
}

/// Over a real port, behind a proxy: it is the client that pays.
#[tokio::test]
async fn addresses_behind_a_trusted_proxy_have_points_of_their_own() {
    let server = server(Config {
        rate_limit_points_per_minute: 60,
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..Config::default()
    })
    .await;
    let port = Port::open(server.router.clone(), 10).await;
    let left = async |client: &str| {
        let answer = port
            .exchange(&format!(
                "GET /graphql?query=%7Bposts%7BtotalCount%7D%7D HTTP/1.1\r\nhost: a\r\n\
                 connection: close\r\nx-forwarded-for: {client}\r\n\r\n"
            ))
            .await;
        let mut lines = answer.lines();
        let left = lines.find_map(|line| line.strip_prefix("ratelimit-remaining: "));
        left.unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    assert_eq!(left("203.0.113.1").await, "57");
    assert_eq!(left("203.0.113.2").await, "57");
    assert_eq!(left("203.0.113.1").await, "54");
    // A home is one client, however many addresses it has.
    assert_eq!(left("2001:db8:0:1::1").await, "57");
    assert_eq!(left("2001:db8:0:1::2").await, "54");
    assert_eq!(left("2001:db8:0:2::1").await, "57");
}

#[tokio::test]
async fn feeds_and_links_cost_as_well_and_health_does_not() {
    let server = server(Config {
        rate_limit_points_per_minute: 25,
        ..Config::default()
    })
    .await;
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        server.send(request).await
    };
    assert_eq!(left(&get("/feed.xml").await), 15);
    assert_eq!(left(&get("/link/nothing").await), 5);
    let refused = get("/feed.xml").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "12");
    for path in ["/healthz", "/readyz"] {
        let answer = get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(!answer.headers.contains_key("ratelimit-limit"), "{path}");
    }
}

#[tokio::test]
async fn without_a_limit_nothing_is_counted() {
    let server = server(Config {
        rate_limit_points_per_minute: 0,
        ..Config::default()
    })
    .await;
    let answer = server.ask(THREE_POINTS, json!({})).await;
    assert!(!answer.headers.contains_key("ratelimit-limit"));
}

/// A site with thousands of pages, each of which asks for a list and a post, is built at once.
#[tokio::test]
async fn building_a_site_does_not_reach_the_limit() {
    let server = server(Config::default()).await;
    let page = "{ posts(first: 20) { nodes { title slug summary tools { name } seo { title } } }
        post(by: { slug: \"a\" }) { title similarPosts(first: 5) { post { title slug } } } }";
    let answer = server.ask(page, json!({})).await;
    answer.data();
    let limit = figure(&answer.headers, "ratelimit-limit");
    let cost = limit - left(&answer);
    assert!(cost > 100, "{cost}");
    assert!(limit / cost > 8_000, "{limit} points for pages of {cost}");
}

#[tokio::test]
async fn so_many_run_and_so_many_wait() {
    tokio::time::pause();
    let admission = Admission::new(2, 1);
    let (one, two) = (
        admission.enter().await.unwrap(),
        admission.enter().await.unwrap(),
    );
    // One more waits, the next is sent away at once.
    let (waited, turned_away) = tokio::join!(admission.enter(), admission.enter());
    assert_eq!(waited.unwrap_err(), Overloaded);
    assert_eq!(turned_away.unwrap_err(), Overloaded);
    // Who waits is let in when somebody leaves.
    let leaving = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(one);
    };
    let (let_in, ()) = tokio::join!(admission.enter(), leaving);
    let _three = let_in.unwrap();
    drop(two);
    admission.enter().await.unwrap();
}

/// A change holds the one place there is, for it waits for another one.
#[tokio::test]
async fn a_server_with_too_much_to_do_says_so() {
    let server = server(Config {
        operation_limit: 1,
        ..Config::default()
    })
    .await;
    let editor = server.sign_in_as(Role::Editor).await;
    let held = Transaction::begin(&server.test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let change = "mutation { createTool(input: { name: \"a\" }) { userErrors { code } } }";
    let changing = server.ask_as(&editor.token, change, json!({}));
    let mut changing = std::pin::pin!(changing);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), changing.as_mut())
            .await
            .is_err()
    );
    let refused = server.ask(THREE_POINTS, json!({})).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "OVERLOADED");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.body["data"], json!(null));
    for path in ["/healthz", "/readyz"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(server.send(request).await.status, StatusCode::OK, "{path}");
    }
    held.roll_back().await.unwrap();
    changing.await.data();
    server.ask(THREE_POINTS, json!({})).await.data();
}
