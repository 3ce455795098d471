//! Operators call jobs off, try them again and turn kinds off; what goes wrong is said.

use std::time::Duration;

use alphanode::queue::{Handler, Job, JobError, NewJob};
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::queue::named;
use crate::support::Backend;
use crate::support::operator::Operator;
use crate::support::perspective::id;

fn succeeding() -> Vec<Handler> {
    vec![Handler::new("note", "for a test", async |_| Ok(()))]
}

fn dying() -> Vec<Handler> {
    vec![Handler::new("note", "for a test", async |_| {
        Err(JobError::give_up("no use"))
    })]
}

async fn status(operator: &Operator, id: &str) -> Value {
    let query = "query($id: ID!) { job(id: $id) { status attemptCount } }";
    operator.data(query, json!({ "id": id })).await["job"].clone()
}

#[rstest]
#[tokio::test]
async fn a_job_is_called_off_and_taken_up_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let later = NewJob {
        delay: Duration::from_secs(3_600),
        ..named("a")
    };
    let job = operator.enqueue(vec![later]).await.remove(0);
    let input = json!({ "id": job });
    let (code, path, message) = operator.problem("retryJob", input.clone()).await;
    assert_eq!((&*code, &*path), ("CONFLICT", "id"));
    assert!(message.contains("has not been tried yet"), "{message}");

    let cancelled = operator.change("cancelJob", input.clone(), "job { status finishedAt }");
    let cancelled = cancelled.await;
    assert_eq!(cancelled["job"]["status"], "CANCELLED");
    assert_ne!(cancelled["job"]["finishedAt"], Value::Null);
    let again = operator
        .change("cancelJob", input.clone(), "job { status }")
        .await;
    assert_eq!(again["userErrors"], json!([]), "it stays as it is");
    assert_eq!(operator.work(succeeding()).await, 0);

    let retried = operator
        .change("retryJob", input.clone(), "job { status }")
        .await;
    assert_eq!(retried["job"]["status"], "WAITING");
    assert_eq!(operator.work(succeeding()).await, 1);
    for field in ["cancelJob", "retryJob"] {
        let (code, path, message) = operator.problem(field, input.clone()).await;
        assert_eq!((&*code, &*path), ("CONFLICT", "id"));
        assert!(message.contains("has done its work"), "{message}");
        let missing = json!({ "id": id("Job", 999_999) });
        let (code, path, _) = operator.problem(field, missing).await;
        assert_eq!((&*code, &*path), ("NOT_FOUND", "id"));
    }
    assert_eq!(operator.audited(&job).await, ["retry", "cancel"]);
}

#[rstest]
#[tokio::test]
async fn a_job_that_runs_is_told_to_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let job = operator.enqueue(vec![named("a")]).await.remove(0);
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let handler = Handler::new("note", "for a test", move |job: Job| {
        begun.send(()).unwrap();
        async move {
            job.cancelled.cancelled().await;
            job.log("ends in good order");
            Err(JobError::new("called off"))
        }
    });
    let mut worker = operator.server.test.worker("one", vec![handler]);
    worker.heartbeat = Duration::from_millis(20);
    let stop = CancellationToken::new();
    let running = tokio::spawn(worker.run(stop.clone()));
    has_begun.recv().await.unwrap();

    let input = json!({ "id": job });
    let (code, ..) = operator.problem("retryJob", input.clone()).await;
    assert_eq!(code, "CONFLICT", "it runs");
    let wanted = "job { cancelRequestedAt }";
    let told = operator.change("cancelJob", input, wanted).await;
    assert_ne!(told["job"]["cancelRequestedAt"], Value::Null);
    while status(&operator, &job).await["status"] == "RUNNING" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(status(&operator, &job).await["status"], "CANCELLED");
}

#[rstest]
#[tokio::test]
async fn dead_jobs_are_tried_again_or_put_aside(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let other = NewJob {
        kind: "other",
        ..named("other")
    };
    let jobs = (0..5).map(|number| named(&number.to_string()));
    let ids = operator.enqueue(jobs.chain([other]).collect()).await;
    assert_eq!(operator.work(dying()).await, 5);

    let one = operator.change(
        "retryJob",
        json!({ "id": ids[0] }),
        "job { status attemptCount }",
    );
    assert_eq!(
        one.await["job"],
        json!({ "status": "WAITING", "attemptCount": 0 })
    );
    let aside = operator.change("cancelJob", json!({ "id": ids[1] }), "job { status }");
    assert_eq!(aside.await["job"]["status"], "CANCELLED");
    assert_eq!(operator.work(succeeding()).await, 1);

    let wanted = "retried left";
    let since = json!({ "kind": "note", "diedFrom": "2100-01-01T00:00:00Z" });
    let none = operator.change("retryJobs", since, wanted).await;
    assert_eq!((&none["retried"], &none["left"]), (&json!(0), &json!(0)));
    let since = json!({ "kind": "note", "diedFrom": "2020-01-01T00:00:00Z" });
    let all = operator.change("retryJobs", since, wanted).await;
    assert_eq!((&all["retried"], &all["left"]), (&json!(3), &json!(0)));
    assert_eq!(operator.work(succeeding()).await, 3);
    for id in [&ids[0], &ids[2], &ids[3], &ids[4]] {
        assert_eq!(status(&operator, id).await["status"], "DONE");
    }
    assert_eq!(status(&operator, &ids[5]).await["status"], "WAITING");
    assert_eq!(operator.audited(&ids[2]).await, ["retry"]);

    let (code, path, message) = operator
        .problem("retryJobs", json!({ "kind": "notes" }))
        .await;
    assert_eq!((&*code, &*path), ("NOT_FOUND", "kind"));
    assert!(
        message.contains("there are") && message.contains("similar_posts"),
        "{message}"
    );
}

/// Thousands that died together come back a thousand at a time, the first ones first.
#[rstest]
#[tokio::test]
async fn very_many_dead_jobs_come_back_in_parts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    operator
        .enqueue(
            (0..1_200)
                .map(|number| named(&number.to_string()))
                .collect(),
        )
        .await;
    let writer = operator.server.test.store.database.writer();
    let sql = "UPDATE job SET status = 'dead', finished_at = created_at";
    sea_orm::ConnectionTrait::execute_unprepared(writer, sql)
        .await
        .unwrap();
    let retry = || operator.change("retryJobs", json!({ "kind": "note" }), "retried left");
    let first = retry().await;
    assert_eq!(
        (&first["retried"], &first["left"]),
        (&json!(1_000), &json!(200))
    );
    let second = retry().await;
    assert_eq!(
        (&second["retried"], &second["left"]),
        (&json!(200), &json!(0))
    );
}

#[rstest]
#[tokio::test]
async fn a_kind_is_turned_off_and_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    operator.enqueue(vec![named("a")]).await;
    let wanted = "kind { kind waiting pausedAt pausedBy }";
    let input = json!({ "kind": "note" });
    let paused = operator.change("pauseJobKind", input.clone(), wanted).await;
    assert_ne!(paused["kind"]["pausedAt"], Value::Null);
    assert_eq!(
        paused["kind"]["pausedBy"],
        format!("user {}", operator.admin.id)
    );
    let again = operator.change("pauseJobKind", input.clone(), wanted).await;
    assert_eq!(again["kind"], paused["kind"]);
    assert_eq!(operator.work(succeeding()).await, 0);
    operator.enqueue(vec![named("b")]).await;
    let query = "{ systemStatus { jobs { waiting pausedKinds } } }";
    let data = operator.data(query, json!({})).await;
    let expected = json!({ "waiting": 2, "pausedKinds": ["note"] });
    assert_eq!(data["systemStatus"]["jobs"], expected);

    let resumed = operator
        .change("resumeJobKind", input.clone(), wanted)
        .await;
    assert_eq!(resumed["kind"]["pausedAt"], Value::Null);
    assert_eq!(operator.work(succeeding()).await, 2);
    let again = operator.change("resumeJobKind", input, wanted).await;
    assert_eq!(again["userErrors"], json!([]));
    for field in ["pauseJobKind", "resumeJobKind"] {
        let (code, path, message) = operator.problem(field, json!({ "kind": "" })).await;
        assert_eq!((&*code, &*path), ("NOT_FOUND", "kind"));
        assert!(message.contains("similar_posts"), "{message}");
    }
    let query = "{ auditEvents(filter: { actions: [\"pause\", \"resume\"] }) {
        nodes { action subject subjectId after } } }";
    let data = operator.data(query, json!({})).await;
    let events = &data["auditEvents"]["nodes"];
    let resume = json!({ "action": "resume", "subject": "job_kind", "subjectId": null,
        "after": { "kind": "note", "paused": false } });
    assert_eq!(events[0], resume);
    assert_eq!(events[1]["action"], "pause");
    assert_eq!(
        events.as_array().unwrap().len(),
        2,
        "what changes nothing is not written down"
    );
}
