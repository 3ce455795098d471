//! What Prometheus reads, and who may.

use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use alphanode::config::{Config, Mode};
use alphanode::domain::permission::Role;
use alphanode::foundation::served::{CacheOutcome, Served};
use alphanode::queue::{Handler, JobError};
use alphanode::telemetry::Metrics;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use crate::queue::named;
use crate::support::operator::Operator;
use crate::support::{Answer, Backend, TestServer};

const TOKEN: &str = "a-token-of-sixteen-letters-or-more";

fn with_token() -> Config {
    Config {
        metrics_token: Some(TOKEN.into()),
        ..Config::default()
    }
}

async fn ask(server: &TestServer, headers: &[(&str, &str)], peer: &str) -> Answer {
    let mut request = Request::get("/metrics");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let peer: SocketAddr = format!("{peer}:4711").parse().unwrap();
    let request = request.extension(ConnectInfo(peer));
    server.send(request.body(Body::empty()).unwrap()).await
}

async fn read(server: &TestServer) -> String {
    let answer = ask(
        server,
        &[("authorization", &format!("Bearer {TOKEN}"))],
        "192.0.2.1",
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{:#}", answer.body);
    assert_eq!(
        answer.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    answer.body.as_str().unwrap().to_owned()
}

/// The value of the one line that begins so and has all of these labels.
fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let lines = text.lines().filter(|line| {
        let rest = line.strip_prefix(name);
        let is_it = rest.is_some_and(|rest| rest.starts_with(['{', ' ']));
        let has = |(label, value): &(&str, &str)| line.contains(&format!("{label}=\"{value}\""));
        is_it && labels.iter().all(has)
    });
    let found: Vec<&str> = lines.collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}\n{text}");
    found[0].rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn with_a_token_only_its_holder_reads_them() {
    let server = TestServer::create_with(Backend::Sqlite, with_token())
        .await
        .unwrap();
    for headers in [
        vec![],
        vec![("authorization", "Bearer wrong")],
        vec![("authorization", TOKEN)],
    ] {
        let refused = ask(&server, &headers, "127.0.0.1").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
    }
    assert!(read(&server).await.contains("alphanode_build_info{"));
}

#[tokio::test]
async fn without_a_token_nobody_from_elsewhere_reads_them() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    assert_eq!(ask(&server, &[], "127.0.0.1").await.status, StatusCode::OK);
    assert_eq!(ask(&server, &[], "::1").await.status, StatusCode::OK);
    let forwarded = [("x-forwarded-for", "127.0.0.1")];
    for refused in [
        ask(&server, &[], "192.0.2.1").await,
        ask(&server, &forwarded, "127.0.0.1").await,
        server
            .send(Request::get("/metrics").body(Body::empty()).unwrap())
            .await,
    ] {
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    // A proxy on the same machine need not say that it is one.
    let config = Config {
        mode: Mode::Production,
        ..Config::default()
    };
    let server = TestServer::create_with(Backend::Sqlite, config)
        .await
        .unwrap();
    let refused = ask(&server, &[], "127.0.0.1").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.as_str().unwrap().contains("metrics_token"));
}

#[rstest]
#[tokio::test]
async fn requests_are_counted_by_operation(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create_with(backend, with_token()).await else {
        return;
    };
    let mut cost = 0;
    for _ in 0..3 {
        let document = "query Newest { posts(first: 1) { nodes { title } totalCount } }";
        let anew = [("cache-control", "no-cache")];
        let answer = server.ask_with(&anew, document, json!({})).await;
        answer.data();
        cost += answer.statements();
    }
    server.data("{ __typename }", json!({})).await;
    server.ask("query Wrong { nothing }", json!({})).await;
    let wanted = Request::get("/nothing/here").body(Body::empty()).unwrap();
    server.send(wanted).await;
    let wanted = Request::get("/healthz").body(Body::empty()).unwrap();
    server.send(wanted).await;

    let text = read(&server).await;
    let requests = "alphanode_http_requests_total";
    let newest = [
        ("route", "/graphql"),
        ("operation", "Newest"),
        ("cache", "bypass"),
    ];
    assert_eq!(value(&text, requests, &newest), 3.0);
    assert_eq!(value(&text, requests, &[("operation", "anonymous")]), 1.0);
    // Nothing was answered to it, so it takes no room.
    assert_eq!(value(&text, requests, &[("operation", "other")]), 1.0);
    assert!(!text.contains("Wrong"));
    let errors = "alphanode_http_request_errors_total";
    let wrong = [("operation", "other"), ("fault", "caller")];
    assert_eq!(value(&text, errors, &wrong), 1.0);
    let nowhere = [("route", "none"), ("status", "404")];
    assert_eq!(value(&text, requests, &nowhere), 1.0);
    assert_eq!(value(&text, requests, &[("route", "/healthz")]), 1.0);
    let durations = "alphanode_http_request_duration_seconds_count";
    assert_eq!(value(&text, durations, &newest), 3.0);
    let statements = "alphanode_database_statements_total";
    let counted = value(&text, statements, &[("operation", "Newest")]);
    assert_eq!(counted, f64::from(cost));
    let seconds = value(
        &text,
        "alphanode_database_seconds_total",
        &[("operation", "Newest")],
    );
    assert!(seconds > 0.0 && seconds < 10.0);
}

#[test]
fn clients_can_make_up_names_without_end() {
    let build = alphanode::foundation::build::Build::of_this_program("type Query");
    let metrics = Metrics::new(&build).unwrap();
    let serve = |operation: &str, cache| {
        metrics.record(&Served {
            route: "/graphql",
            operation: Some(operation),
            status: 200,
            duration: Duration::from_millis(2),
            cache: Some(cache),
            statements: 0,
            database_time: Duration::ZERO,
            error: None,
        });
    };
    serve("Known", CacheOutcome::Miss);
    serve(&"Long".repeat(20), CacheOutcome::Miss);
    for number in 0..1_000 {
        serve(&format!("MadeUp{number}"), CacheOutcome::Bypass);
    }
    serve("Known", CacheOutcome::Hit);
    let text = metrics.render(&Default::default()).unwrap();
    let requests = "alphanode_http_requests_total";
    let lines = text.lines().filter(|line| line.starts_with(requests));
    assert!((95..=105).contains(&lines.count()));
    let known = [("operation", "Known"), ("cache", "hit")];
    assert_eq!(value(&text, requests, &known), 1.0);
    let others = [("operation", "other"), ("cache", "bypass")];
    assert!(value(&text, requests, &others) > 900.0);
    let buckets = "alphanode_http_request_duration_seconds_bucket";
    assert_eq!(
        value(&text, buckets, &[known[0], known[1], ("le", "0.0025")]),
        1.0
    );
    assert_eq!(
        value(&text, buckets, &[known[0], known[1], ("le", "0.001")]),
        0.0
    );
}

#[rstest]
#[tokio::test]
async fn the_queue_the_pools_and_the_webhooks_are_looked_at(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create_with(backend, with_token()).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    let operator = Operator { server, admin };
    operator.enqueue(vec![named("a"), named("b")]).await;
    let dying = Handler::new("note", "A note.", async |_| {
        Err(JobError::give_up("no use"))
    });
    operator.work(vec![dying]).await;
    operator.enqueue(vec![named("c")]).await;
    let clock = &operator.server.test.store.clock;
    clock.advance(TimeDelta::seconds(90));

    let text = read(&operator.server).await;
    let jobs = |status| {
        value(
            &text,
            "alphanode_queue_jobs",
            &[("kind", "note"), ("status", status)],
        )
    };
    assert_eq!(
        [jobs("waiting"), jobs("running"), jobs("dead")],
        [1.0, 0.0, 2.0]
    );
    let age = value(
        &text,
        "alphanode_queue_oldest_due_age_seconds",
        &[("kind", "note")],
    );
    assert!((90.0..100.0).contains(&age), "{age}");
    assert_eq!(value(&text, "alphanode_database_up", &[]), 1.0);
    let readers = [("pool", "reader")];
    assert_eq!(
        value(&text, "alphanode_database_connections_max", &readers),
        4.0
    );
    let idle = [("pool", "reader"), ("state", "idle")];
    assert!(value(&text, "alphanode_database_connections", &idle) >= 1.0);
    let pending = [("status", "pending")];
    assert_eq!(value(&text, "alphanode_webhook_deliveries", &pending), 0.0);
    assert_eq!(value(&text, "alphanode_log_lines_dropped_total", &[]), 0.0);
    if cfg!(target_os = "linux") {
        assert!(value(&text, "process_resident_memory_bytes", &[]) > 1e6);
    }
}

/// `make test` names the program; without it there is nothing to ask.
#[tokio::test]
async fn prometheus_has_nothing_to_say_against_them() {
    let Some(promtool) = std::env::var_os("ALPHANODE_TEST_PROMTOOL") else {
        return;
    };
    let server = TestServer::create_with(Backend::Sqlite, with_token())
        .await
        .unwrap();
    server
        .data("query Newest { posts { totalCount } }", json!({}))
        .await;
    server.ask("query Wrong { nothing }", json!({})).await;
    read(&server).await;
    let text = read(&server).await;
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}
