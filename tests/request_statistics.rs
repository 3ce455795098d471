//! What was answered in each minute, by all nodes.

use std::time::Duration;

use alphanode::domain::permission::Role;
use alphanode::domain::purge::{Step, purge};
use alphanode::domain::traffic::Traffic;
use alphanode::foundation::served::{CacheOutcome, Served};
use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, TimeDelta, Utc};
use entity::request_minute;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::{Backend, TestServer, TestStore};

/// A request that was answered well.
pub fn answered(millis: u64) -> Served<'static> {
    Served {
        route: "/graphql",
        operation: None,
        status: 200,
        duration: Duration::from_millis(millis),
        cache: Some(CacheOutcome::Miss),
        statements: 2,
        database_time: Duration::from_millis(millis / 2),
        error: None,
    }
}

/// A request that was answered from the cache.
pub fn hit() -> Served<'static> {
    Served {
        duration: Duration::from_micros(20),
        cache: Some(CacheOutcome::Hit),
        statements: 0,
        database_time: Duration::ZERO,
        ..answered(0)
    }
}

/// A request that failed by our fault.
pub fn failed() -> Served<'static> {
    Served {
        error: Some("INTERNAL_SERVER_ERROR"),
        cache: None,
        ..answered(10)
    }
}

async fn rows(test: &TestStore) -> Vec<request_minute::Model> {
    request_minute::Entity::find()
        .order_by_asc(request_minute::Column::Minute)
        .order_by_asc(request_minute::Column::Node)
        .all(test.store.database.writer())
        .await
        .unwrap()
}

const SERIES: &str = "query($from: DateTime!, $to: DateTime!, $step: Int!) {
    requestStatistics(from: $from, to: $to, stepMinutes: $step) {
        from to requests failed refused failureRate averageMilliseconds p50Milliseconds
        p95Milliseconds p99Milliseconds cacheHits cacheMisses cacheBypasses cacheHitRate
        statementsPerRequest databaseMillisecondsPerRequest } }";

fn minutes(from: DateTime<Utc>, minutes: i64) -> Value {
    json!((from + TimeDelta::minutes(minutes)).to_rfc3339())
}

#[rstest]
#[tokio::test]
async fn a_node_writes_each_minute_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let traffic = Traffic::new(test.store.clone(), "one".into());
    traffic.flush().await.unwrap();
    assert_eq!(rows(&test).await.len(), 1, "it says that it runs");
    traffic.record(&answered(3));
    traffic.record(&hit());
    traffic.record(&Served {
        route: "/healthz",
        ..answered(1)
    });
    test.store.clock.advance(TimeDelta::minutes(1));
    traffic.flush().await.unwrap();
    traffic.record(&failed());
    traffic.record(&Served {
        error: Some("FORBIDDEN"),
        ..answered(70_000)
    });
    // In the middle of a minute, and again: what was written is replaced.
    traffic.flush().await.unwrap();
    traffic.record(&hit());
    traffic.flush().await.unwrap();
    traffic.close().await.unwrap();

    let rows = rows(&test).await;
    assert_eq!(rows.len(), 2);
    let [first, second] = [&rows[0], &rows[1]];
    let noon = test.store.clock.now() - TimeDelta::minutes(1);
    assert_eq!(first.minute, noon.timestamp() / 60);
    assert_eq!(first.node, "one");
    assert_eq!((first.up_to_5ms, first.up_to_100us), (1, 1));
    assert_eq!((first.cache_hits, first.cache_misses), (1, 1));
    assert_eq!((first.statements, first.database_microseconds), (2, 1_000));
    assert_eq!(first.microseconds, 3_020);
    assert!(!first.stopped);
    assert_eq!(second.minute, first.minute + 1);
    assert_eq!(
        (second.failed, second.refused, second.cache_hits),
        (1, 1, 1)
    );
    assert_eq!(
        (second.up_to_10ms, second.over_10s, second.up_to_100us),
        (1, 1, 1)
    );
    assert!(second.stopped);
}

#[rstest]
#[tokio::test]
async fn minutes_wait_for_the_database(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let writer = test.store.database.writer();
    let rename = async |from: &str, to: &str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        writer.execute_unprepared(&sql).await.unwrap();
    };
    let traffic = Traffic::new(test.store.clone(), "one".into());
    rename("request_minute", "away").await;
    for _ in 0..3 {
        traffic.record(&answered(3));
        test.store.clock.advance(TimeDelta::minutes(1));
        traffic.flush().await.unwrap_err();
    }
    rename("away", "request_minute").await;
    traffic.record(&answered(3));
    traffic.flush().await.unwrap();
    let counts: Vec<i64> = rows(&test).await.iter().map(|row| row.up_to_5ms).collect();
    assert_eq!(counts, [1, 1, 1, 1]);
}

#[rstest]
#[tokio::test]
async fn figures_are_those_of_all_nodes_together(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let store = &server.test.store;
    let start = store.clock.now();
    let one = Traffic::new(store.clone(), "one".into());
    let two = Traffic::new(store.clone(), "two".into());
    // 90 between 1 and 2.5 ms, 10 between 50 and 100 ms; three quarters of them hits.
    for _ in 0..45 {
        one.record(&Served {
            cache: Some(CacheOutcome::Hit),
            ..answered(2)
        });
        two.record(&answered(2));
    }
    for _ in 0..5 {
        one.record(&Served {
            cache: Some(CacheOutcome::Stale),
            ..answered(80)
        });
        two.record(&Served {
            cache: Some(CacheOutcome::Bypass),
            ..answered(80)
        });
    }
    store.clock.advance(TimeDelta::minutes(1));
    one.flush().await.unwrap();
    two.flush().await.unwrap();
    store.clock.advance(TimeDelta::minutes(1));
    two.record(&failed());
    two.flush().await.unwrap();

    let variables = json!({ "from": minutes(start, 0), "to": minutes(start, 5), "step": 2 });
    let answer = server.ask_as(&editor.token, SERIES, variables).await;
    let points = answer.data()["requestStatistics"]
        .as_array()
        .unwrap()
        .clone();
    assert_eq!(points.len(), 3);
    assert_eq!(answer.statements(), 2, "one to know who asks, one to read");
    let first = &points[0];
    assert_eq!(first["from"], "2026-06-01T12:00:00+00:00");
    assert_eq!(first["to"], "2026-06-01T12:02:00+00:00");
    assert_eq!(
        (&first["requests"], &first["failed"]),
        (&json!(101), &json!(1))
    );
    assert_eq!(
        (&first["cacheHits"], &first["cacheMisses"]),
        (&json!(50), &json!(45))
    );
    assert_eq!(first["cacheBypasses"], 5);
    let near = |field: &str, expected: f64| {
        let found = first[field].as_f64().unwrap();
        assert!((found - expected).abs() < 0.001, "{field}: {found}");
    };
    near("cacheHitRate", 50.0 / 95.0);
    near("failureRate", 1.0 / 101.0);
    near(
        "averageMilliseconds",
        (90.0 * 2.0 + 10.0 * 80.0 + 10.0) / 101.0,
    );
    near("statementsPerRequest", 2.0);
    // Of the 101 the 50.5th is the 50.5th of 90 that took from 1 to 2.5 ms.
    near("p50Milliseconds", 1.0 + 1.5 * 50.5 / 90.0);
    // The 95.95th is the 4.95th of ten that took from 50 to 100 ms.
    near("p95Milliseconds", 50.0 + 50.0 * 4.95 / 10.0);
    assert_eq!(points[1]["requests"], 0);
    assert_eq!(points[1]["p95Milliseconds"], Value::Null);
    assert_eq!(
        points[2]["to"], "2026-06-01T12:05:00+00:00",
        "the last step is shorter"
    );

    for (from, to, step, says) in [
        (0, 5, 0, "a minute or more"),
        (5, 0, 1, "before `from`"),
        (0, 3_000, 2, "take steps of 3 minutes or more"),
    ] {
        let variables =
            json!({ "from": minutes(start, from), "to": minutes(start, to), "step": step });
        let refused = server.ask_as(&editor.token, SERIES, variables).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
        assert!(
            refused.body.to_string().contains(says),
            "{:#}",
            refused.body
        );
    }
}

#[rstest]
#[tokio::test]
async fn what_is_asked_over_http_is_counted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.data("{ posts { totalCount } }", json!({})).await;
    server.ask("{ nothing }", json!({})).await;
    for path in ["/healthz", "/metrics", "/feed.xml"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        server.send(request).await;
    }
    server.traffic.flush().await.unwrap();
    let rows = rows(&server.test).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].node, server.traffic.node());
    // The feed has not been rendered yet, which is our fault.
    assert_eq!((rows[0].refused, rows[0].failed), (1, 1));
    assert!(rows[0].statements >= 1 && rows[0].microseconds > 0);
}

#[rstest]
#[tokio::test]
async fn minutes_are_forgotten_after_thirty_days(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let traffic = Traffic::new(test.store.clone(), "one".into());
    for _ in 0..3 {
        traffic.flush().await.unwrap();
        test.store.clock.advance(TimeDelta::minutes(1));
    }
    traffic.flush().await.unwrap();
    assert_eq!(purge(&test.store, Step::RequestMinutes).await.unwrap(), 0);
    test.store
        .clock
        .advance(TimeDelta::days(30) - TimeDelta::minutes(1));
    assert_eq!(purge(&test.store, Step::RequestMinutes).await.unwrap(), 2);
    assert_eq!(rows(&test).await.len(), 1);
}
