//! What an operator is told at 3 a.m.: is it up, is it slow, are jobs failing, did the last deployment
//! change anything?

use alphanode::domain::actor::Actor;
use alphanode::domain::deployment;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::traffic::Traffic;
use alphanode::domain::transaction::Transaction;
use alphanode::foundation::build::Build;
use alphanode::foundation::served::{CacheOutcome, Served};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::queue::named;
use crate::request_statistics::{answered, failed, hit};
use crate::support::{Backend, TestServer};

const FIGURES: &str =
    "{ from to requests failed p95Milliseconds cacheHitRate statementsPerRequest }";

/// A server, and what a node of its own writes.
struct Watched {
    server: TestServer,
    node: Traffic,
}

impl Watched {
    async fn create(backend: Backend) -> Option<Self> {
        let server = TestServer::create(backend).await?;
        let node = Traffic::new(server.test.store.clone(), "web-1".into());
        Some(Self { server, node })
    }

    /// Lets whole minutes pass, in each of which so many such requests are answered.
    async fn minutes(&self, minutes: usize, requests: &[(usize, Served<'static>)]) {
        for _ in 0..minutes {
            for (count, served) in requests {
                for _ in 0..*count {
                    self.node.record(served);
                }
            }
            self.server.test.store.clock.advance(TimeDelta::minutes(1));
            self.node.flush().await.unwrap();
        }
    }

    async fn status(&self, field: &str, wanted: &str) -> Value {
        let editor = self.server.sign_in_as(Role::Editor).await;
        let query = format!("{{ systemStatus {{ {field} {{ verdict summary {wanted} }} }} }}");
        let answer = self.server.ask_as(&editor.token, &query, json!({})).await;
        answer.data()["systemStatus"][field].clone()
    }

    async fn deploy(&self, commit: &str) -> bool {
        let build = Build {
            version: "0.2.0".into(),
            commit: commit.into(),
            schema_hash: "5c4e".into(),
        };
        deployment::note(&self.server.test.store, &build, "web-1")
            .await
            .unwrap()
    }
}

fn text(status: &Value) -> &str {
    status["summary"].as_str().unwrap()
}

#[track_caller]
fn says(status: &Value, verdict: &str, parts: &[&str]) {
    assert_eq!(status["verdict"], verdict, "{status:#}");
    for part in parts {
        assert!(
            text(status).contains(part),
            "{part:?} in {:?}",
            text(status)
        );
    }
}

#[rstest]
#[tokio::test]
async fn is_it_up(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(watched) = Watched::create(backend).await else {
        return;
    };
    let wanted =
        "databaseMilliseconds nodes { name startedAt lastMinute } lostNodes { name } failureRate";
    let up = watched.status("up", wanted).await;
    says(&up, "UNKNOWN", &["0 processes answer requests"]);
    watched.node.flush().await.unwrap();
    let other = Traffic::new(watched.server.test.store.clone(), "web-2".into());
    other.flush().await.unwrap();
    watched.minutes(1, &[(50, answered(5))]).await;
    let up = watched.status("up", wanted).await;
    says(
        &up,
        "GOOD",
        &["2 processes answer requests", "50 requests", "0 % failed"],
    );
    assert_eq!(up["failureRate"], 0.0);
    assert!(up["databaseMilliseconds"].as_f64().unwrap() > 0.0);
    let nodes = &up["nodes"];
    assert_eq!(
        (&nodes[0]["name"], &nodes[1]["name"]),
        (&json!("web-1"), &json!("web-2"))
    );
    assert_eq!(nodes[0]["lastMinute"], "2026-06-01T12:00:00+00:00");

    // The other one is killed.
    watched.minutes(3, &[]).await;
    let up = watched.status("up", wanted).await;
    says(
        &up,
        "WATCH",
        &[
            "One process answers requests",
            "without being told to: web-2",
        ],
    );
    assert_eq!(up["lostNodes"], json!([{ "name": "web-2" }]));
    watched.minutes(30, &[]).await;
    says(
        &watched.status("up", wanted).await,
        "GOOD",
        &["One process"],
    );

    // One in fifty requests fails.
    watched
        .minutes(1, &[(49, answered(5)), (1, failed())])
        .await;
    let up = watched.status("up", wanted).await;
    says(&up, "BAD", &["50 requests", "2.0 % failed by our fault"]);
    assert_eq!(up["failureRate"], 0.02);
    watched.minutes(5, &[]).await;

    // Who is told to stop is not missed.
    watched.node.close().await.unwrap();
    let up = watched.status("up", wanted).await;
    says(&up, "UNKNOWN", &["0 processes"]);
    assert_eq!(up["lostNodes"], json!([]));
}

#[rstest]
#[tokio::test]
async fn is_it_slow(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(watched) = Watched::create(backend).await else {
        return;
    };
    let wanted = format!("requests {FIGURES}");
    let speed = watched.status("speed", &wanted).await;
    says(
        &speed,
        "UNKNOWN",
        &["Nobody asked for anything in the last 5 minutes"],
    );
    watched.minutes(1, &[(19, hit())]).await;
    let speed = watched.status("speed", &wanted).await;
    says(
        &speed,
        "UNKNOWN",
        &["Too few requests to tell", "19 requests"],
    );
    watched.minutes(1, &[(61, hit()), (20, answered(8))]).await;
    let speed = watched.status("speed", &wanted).await;
    // All but the last five of 100: the 95th is the 15th of 20 that took from 5 to 10 ms.
    says(
        &speed,
        "GOOD",
        &[
            "Fast",
            "half of 100 requests",
            "within 8.8 ms",
            "80 % of what can",
        ],
    );
    let figures = &speed["requests"];
    assert_eq!(figures["p95Milliseconds"], 8.75);
    assert_eq!(figures["cacheHitRate"], 0.8);
    assert_eq!(figures["statementsPerRequest"], 0.4);
    assert_eq!(figures["from"], "2026-06-01T11:57:00+00:00");
    assert_eq!(figures["to"], "2026-06-01T12:02:00+00:00");
    watched.minutes(5, &[(50, answered(400))]).await;
    says(
        &watched.status("speed", &wanted).await,
        "WATCH",
        &["Slower than it should be"],
    );
    watched.minutes(5, &[(50, answered(2_000))]).await;
    let speed = watched.status("speed", &wanted).await;
    says(
        &speed,
        "BAD",
        &["Slow: half of 250 requests", "within 2.4 s"],
    );
}

#[rstest]
#[tokio::test]
async fn are_jobs_failing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(watched) = Watched::create(backend).await else {
        return;
    };
    let jobs = watched.status("jobs", "waiting running dead").await;
    says(
        &jobs,
        "GOOD",
        &["No job has failed for good; 0 jobs wait, 0 run."],
    );
    let admin = watched.server.sign_in_as(Role::Admin).await;
    let pause = "mutation { pauseJobKind(input: { kind: \"purge\" }) { userErrors { code } } }";
    watched
        .server
        .ask_as(&admin.token, pause, json!({}))
        .await
        .data();
    let jobs = watched.status("jobs", "waiting running dead").await;
    says(&jobs, "WATCH", &["Paused by hand: purge."]);
    let store = &watched.server.test.store;
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    change.enqueue(named("a"));
    change.commit().await.unwrap();
    store.clock.advance(TimeDelta::minutes(3));
    let jobs = watched.status("jobs", "waiting running dead").await;
    says(
        &jobs,
        "BAD",
        &["There is work to do and no worker does any", "Paused"],
    );
    assert_eq!(jobs["waiting"], 1);
}

#[rstest]
#[tokio::test]
async fn did_the_last_deployment_change_anything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(watched) = Watched::create(backend).await else {
        return;
    };
    let wanted = format!(
        "deployment {{ version commit schemaHash node startedAt }} previous {{ commit }}
        before {FIGURES} after {FIGURES}"
    );
    let status = watched.status("deployment", &wanted).await;
    says(&status, "UNKNOWN", &["No server has been started yet."]);
    assert!(watched.deploy("aaa").await);
    let status = watched.status("deployment", &wanted).await;
    says(&status, "UNKNOWN", &["this is the first deployment"]);
    assert_eq!(status["deployment"]["commit"], "aaa");
    assert_eq!(
        (&status["previous"], &status["before"]),
        (&Value::Null, &Value::Null)
    );

    // An hour of the first: 10 requests a minute, 8 of them hits.
    watched.minutes(60, &[(8, hit()), (2, answered(8))]).await;
    assert!(
        !watched.deploy("aaa").await,
        "another node, or the same again"
    );
    assert!(watched.deploy("bbb").await);
    watched.minutes(5, &[(8, hit()), (2, answered(8))]).await;
    let status = watched.status("deployment", &wanted).await;
    says(
        &status,
        "UNKNOWN",
        &[
            "Too few requests to tell: 50 before the deployment and 50 after it",
            "5 minutes (2026-06-01T12:55:00Z to 2026-06-01T13:00:00Z) before it",
            "5 minutes (2026-06-01T13:00:00Z to 2026-06-01T13:05:00Z) after it",
        ],
    );
    watched.minutes(15, &[(8, hit()), (2, answered(8))]).await;
    let status = watched.status("deployment", &wanted).await;
    says(
        &status,
        "GOOD",
        &["Nothing got worse with it", "20 minutes"],
    );
    assert_eq!(status["deployment"]["version"], "0.2.0");
    assert_eq!(
        status["deployment"]["startedAt"],
        "2026-06-01T13:00:00+00:00"
    );
    assert_eq!(status["previous"]["commit"], "aaa");
    for side in ["before", "after"] {
        assert_eq!(status[side]["requests"], 200);
        assert_eq!(status[side]["cacheHitRate"], 0.8);
        assert_eq!(status[side]["statementsPerRequest"], 0.4);
    }

    // The next one forgets to cache half of it, and asks for each post on its own.
    assert!(watched.deploy("ccc").await);
    let many = Served {
        statements: 40,
        cache: Some(CacheOutcome::Miss),
        ..answered(120)
    };
    watched.minutes(20, &[(5, hit()), (5, many)]).await;
    let status = watched.status("deployment", &wanted).await;
    says(
        &status,
        "BAD",
        &[
            "nineteen of twenty are answered went from 8.8 ms to",
            "answers from the cache went from 80 % to 50 %",
            "statements a request went from 0.4 to 20.0",
        ],
    );
    assert_eq!(status["previous"]["commit"], "bbb");

    // Going back is a deployment too; nothing of the time before the bad one is compared.
    assert!(watched.deploy("bbb").await);
    watched.minutes(30, &[(8, hit()), (2, answered(8))]).await;
    let status = watched.status("deployment", &wanted).await;
    says(
        &status,
        "GOOD",
        &[
            "20 minutes (2026-06-01T13:20:00Z",
            "30 minutes (2026-06-01T13:40:00Z",
        ],
    );
    // A little slower is worth a look.
    assert!(watched.deploy("ddd").await);
    watched.minutes(30, &[(8, hit()), (2, answered(20))]).await;
    let status = watched.status("deployment", &wanted).await;
    says(
        &status,
        "WATCH",
        &["It got worse: the time within which nineteen of twenty"],
    );
}

#[rstest]
#[tokio::test]
async fn nodes_that_start_together_are_one_deployment(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(watched) = Watched::create(backend).await else {
        return;
    };
    let deploy = || watched.deploy("aaa");
    let (one, two, three, four) = tokio::join!(deploy(), deploy(), deploy(), deploy());
    let noted = [one, two, three, four].into_iter().filter(|noted| *noted);
    assert_eq!(noted.count(), 1);
}
