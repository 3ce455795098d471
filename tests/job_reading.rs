//! Jobs as operators read them: lists, one with its history, kinds, and what is told as it happens.

use std::time::Duration;

use alphanode::domain::permission::Role;
use alphanode::queue::{Handler, JobError, NewJob, Priority};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::queue::named;
use crate::support::operator::Operator;
use crate::support::socket::Connection;
use crate::support::{Backend, TestServer};

const JOB: &str = "query($id: ID!) { job(id: $id) {
    number kind status payload uniqueKey priority askedBy dueAt createdAt startedAt finishedAt
    attemptCount worker lastError progress { done total fraction endsAt }
    attempts { startedAt finishedAt durationMs worker outcome error logLines { at text } } } }";

const JOBS: &str = "query($filter: JobFilter, $first: Int, $after: String, $last: Int,
                          $before: String) {
    jobs(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { id kind payload status attempts { outcome } } } }";

fn of_kind(kind: &'static str, name: &str) -> NewJob {
    NewJob {
        kind,
        ..named(name)
    }
}

fn names(page: &Value) -> Vec<&str> {
    let nodes = page["nodes"].as_array().unwrap().iter();
    nodes
        .map(|node| node["payload"].as_str().unwrap())
        .collect()
}

#[rstest]
#[tokio::test]
async fn a_job_is_found_with_its_whole_history(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let job = NewJob {
        payload: json!({ "text": "hello" }),
        unique_key: Some("hello".into()),
        priority: Priority::High,
        ..named("")
    };
    let id = &operator.enqueue(vec![job]).await[0];
    let read = || async { operator.data(JOB, json!({ "id": id })).await["job"].clone() };
    let waiting = read().await;
    assert_eq!(waiting["status"], "WAITING");
    assert_eq!(waiting["payload"], json!({ "text": "hello" }));
    assert_eq!(waiting["uniqueKey"], "hello");
    assert_eq!(waiting["priority"], "HIGH");
    assert_eq!(waiting["askedBy"], "command line");
    assert_eq!(waiting["attemptCount"], 0);
    assert_eq!(waiting["attempts"], json!([]));
    for absent in ["startedAt", "finishedAt", "worker", "lastError", "progress"] {
        assert_eq!(waiting[absent], Value::Null, "{absent}");
    }

    let handler = || {
        Handler::new("note", "for a test", async |job: alphanode::queue::Job| {
            job.log(format!("attempt {}", job.attempt));
            job.progress(u64::try_from(job.attempt).unwrap(), Some(2));
            match job.attempt {
                1 => Err(JobError::new("the moon is in the way")),
                _ => Ok(()),
            }
        })
    };
    assert_eq!(operator.work(vec![handler()]).await, 1);
    let failed = read().await;
    assert_eq!(failed["status"], "WAITING");
    assert_eq!(failed["lastError"], "the moon is in the way");
    assert_eq!(failed["attemptCount"], 1);
    assert_eq!(failed["progress"]["fraction"], 0.5);
    assert_eq!(failed["progress"]["endsAt"], Value::Null, "it does not run");
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(5));
    assert_eq!(operator.work(vec![handler()]).await, 1);

    let done = read().await;
    assert_eq!(done["status"], "DONE");
    assert_eq!(done["worker"], "one");
    assert_ne!(done["finishedAt"], Value::Null);
    assert_eq!(
        done["progress"],
        json!({ "done": 2, "total": 2, "fraction": 1.0, "endsAt": null })
    );
    let [first, second] = &done["attempts"].as_array().unwrap()[..] else {
        panic!("{done:#}");
    };
    assert_eq!(first["outcome"], "FAILED");
    assert_eq!(first["error"], "the moon is in the way");
    assert_eq!(first["worker"], "one");
    assert_eq!(first["logLines"][0]["text"], "attempt 1");
    assert_eq!(second["outcome"], "DONE");
    assert_eq!(second["error"], Value::Null);
    assert_eq!(second["logLines"][0]["text"], "attempt 2");
    assert!(second["durationMs"].as_i64().unwrap() >= 0);
}

#[rstest]
#[tokio::test]
async fn jobs_are_listed_newest_first_and_by_what_is_asked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    for name in ["1", "2", "3", "4", "5"] {
        let kind = if name < "4" { "note" } else { "other" };
        operator.enqueue(vec![of_kind(kind, name)]).await;
        operator
            .server
            .test
            .store
            .clock
            .advance(TimeDelta::seconds(1));
    }
    let failing = Handler::new("other", "for a test", async |_| {
        Err(JobError::give_up("no use"))
    });
    assert_eq!(operator.work(vec![failing]).await, 2);
    let list = |variables: Value| {
        let operator = &operator;
        async move { operator.data(JOBS, variables).await["jobs"].clone() }
    };
    let all = list(json!({})).await;
    assert_eq!(names(&all), ["5", "4", "3", "2", "1"]);
    assert_eq!(all["totalCount"], 5);
    assert_eq!(
        all["nodes"][0]["attempts"],
        json!([{ "outcome": "FAILED" }])
    );
    let filtered = |filter: Value| list(json!({ "filter": filter }));
    let of_kind = filtered(json!({ "kinds": ["note", "nothing"] })).await;
    assert_eq!(names(&of_kind), ["3", "2", "1"]);
    let dead = filtered(json!({ "statuses": ["DEAD", "RUNNING"] })).await;
    assert_eq!(names(&dead), ["5", "4"]);
    let none = filtered(json!({ "kinds": ["note"], "statuses": ["DEAD"] })).await;
    assert_eq!((names(&none).len(), &none["totalCount"]), (0, &json!(0)));
    let ended = filtered(json!({ "finishedFrom": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(ended["totalCount"], 2);
    let old = filtered(json!({ "createdUntil": "2020-01-01T00:00:00Z" })).await;
    assert_eq!(old["totalCount"], 0);

    // Page by page, there and back.
    let first = list(json!({ "first": 2 })).await;
    assert_eq!(names(&first), ["5", "4"]);
    let after = json!({ "first": 2, "after": first["pageInfo"]["endCursor"] });
    let second = list(after).await;
    assert_eq!(names(&second), ["3", "2"]);
    assert_eq!(second["pageInfo"]["hasNextPage"], true);
    let before = json!({ "last": 2, "before": second["pageInfo"]["startCursor"] });
    assert_eq!(names(&list(before).await), ["5", "4"]);

    for (variables, expected) in [
        (json!({ "after": "nonsense" }), "can't be read"),
        (json!({ "first": 101 }), "ask for 0 to 100"),
    ] {
        let token = &operator.admin.token;
        let answer = operator.server.ask_as(token, JOBS, variables).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        assert!(answer.body.to_string().contains(expected));
    }
}

#[rstest]
#[tokio::test]
async fn jobs_and_schedules_are_nodes_for_those_who_may_read_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let id = operator.enqueue(vec![named("a")]).await.remove(0);
    let query = "query($id: ID!) { node(id: $id) { id ... on Job { kind } } job(id: $id) { id } }";
    let editor = operator.server.sign_in_as(Role::Editor).await;
    let seen = operator
        .server
        .ask_as(&editor.token, query, json!({ "id": id }));
    let expected = json!({ "node": { "id": id, "kind": "note" }, "job": { "id": id } });
    assert_eq!(*seen.await.data(), expected);
    let author = operator.server.sign_in_as(Role::Author).await;
    let query = "query($id: ID!) { node(id: $id) { id } }";
    let hidden = operator
        .server
        .ask_as(&author.token, query, json!({ "id": id }));
    assert_eq!(*hidden.await.data(), json!({ "node": null }));
    let gone = crate::support::perspective::id("Job", 999_999);
    let data = operator.data(JOB, json!({ "id": gone })).await;
    assert_eq!(data["job"], Value::Null);
    let post = crate::support::perspective::id("Post", 1);
    let wrong = operator
        .server
        .ask_as(&editor.token, JOB, json!({ "id": post }));
    assert_eq!(wrong.await.code(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn every_kind_says_what_it_is_for(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    operator.enqueue(vec![named("a"), named("b")]).await;
    let query = "{ jobKinds { kind purpose waiting running dead oldestDue pausedAt maxRunning
        maxAttempts timeLimitSeconds } }";
    let data = operator.data(query, json!({})).await;
    let kinds = data["jobKinds"].as_array().unwrap();
    for handler in alphanode::jobs::handlers(&operator.server.test.store) {
        let kind = kinds.iter().find(|kind| kind["kind"] == handler.kind);
        let kind = kind.unwrap_or_else(|| panic!("{}", handler.kind));
        let purpose = kind["purpose"].as_str().unwrap();
        assert!(
            purpose.len() > 10 && purpose.ends_with('.'),
            "{}: {purpose}",
            handler.kind
        );
        assert_eq!(kind["maxAttempts"], handler.max_attempts);
        assert_eq!(kind["timeLimitSeconds"], handler.time_limit.as_secs());
    }
    // A kind that this server does not know, but has jobs of.
    let note = kinds.iter().find(|kind| kind["kind"] == "note").unwrap();
    assert_eq!(
        (&note["purpose"], &note["waiting"]),
        (&Value::Null, &json!(2))
    );
    assert_ne!(note["oldestDue"], Value::Null);
}

async fn listen(server: &TestServer, token: &str, document: &str) -> Connection {
    let introduction = json!({ "authorization": format!("Bearer {token}") });
    let mut connection = Connection::open(server, introduction).await;
    assert_eq!(connection.next().await.unwrap()["type"], "connection_ack");
    connection.subscribe(document).await;
    connection
}

/// The job is not run by the process that tells of it: the worker shares nothing with the server
/// but the database.
#[rstest]
#[tokio::test]
async fn what_happens_to_jobs_is_told(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let id = operator.enqueue(vec![named("a")]).await.remove(0);
    let token = &operator.admin.token;
    let document =
        format!("subscription {{ jobChanged(id: \"{id}\") {{ id status progress {{ done }} }} }}");
    let mut one = listen(&operator.server, token, &document).await;
    let told = one.next().await.unwrap()["payload"]["data"]["jobChanged"].clone();
    assert_eq!(
        told,
        json!({ "id": id, "status": "WAITING", "progress": null })
    );
    let document = "subscription { jobChanged(kind: \"other\") { kind status } }";
    let mut others = listen(&operator.server, token, document).await;

    let handler = |kind| {
        Handler::new(kind, "for a test", async |job: alphanode::queue::Job| {
            job.progress(7, None);
            Ok(())
        })
    };
    operator.work(vec![handler("note")]).await;
    let told = one.next().await.unwrap()["payload"]["data"]["jobChanged"].clone();
    assert_eq!(
        told,
        json!({ "id": id, "status": "DONE", "progress": { "done": 7 } })
    );
    // What was there before anybody listened is not told, and nobody knows when that was.
    let told = async {
        loop {
            operator.enqueue(vec![of_kind("other", "b")]).await;
            let next = tokio::time::timeout(Duration::from_secs(2), others.next());
            if let Ok(told) = next.await {
                return told.unwrap();
            }
        }
    };
    let told = told.await["payload"]["data"]["jobChanged"].clone();
    assert_eq!(told, json!({ "kind": "other", "status": "WAITING" }));

    let author = operator.server.sign_in_as(Role::Author).await;
    let mut refused = listen(
        &operator.server,
        &author.token,
        "subscription { jobChanged { id } }",
    )
    .await;
    let told = refused.next().await.unwrap().to_string();
    assert!(told.contains("FORBIDDEN"), "{told}");
}
