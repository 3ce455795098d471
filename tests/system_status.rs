//! What an operator is alarmed by, and when that is over.

use std::time::Duration;

use alphanode::queue::{Handler, JobError, NewJob};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::queue::named;
use crate::support::Backend;
use crate::support::editing::{done, write};
use crate::support::operator::Operator;

const STATUS: &str = "{ systemStatus { jobs { waiting running dead oldestDue pausedKinds }
    alarms { code message since } } }";

async fn status(operator: &mut Operator) -> Value {
    // The tokens are good for a quarter of an hour.
    operator.admin = operator.server.renew(&operator.admin).await;
    let data = operator.data(STATUS, json!({})).await;
    data["systemStatus"].clone()
}

fn codes(status: &Value) -> Vec<&str> {
    let alarms = status["alarms"].as_array().unwrap().iter();
    alarms
        .map(|alarm| alarm["code"].as_str().unwrap())
        .collect()
}

async fn work(operator: &Operator) -> usize {
    let handlers = alphanode::jobs::handlers(&operator.server.test.store);
    operator.work(handlers).await
}

#[rstest]
#[tokio::test]
async fn what_should_be_published_by_now_raises_an_alarm(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut operator) = Operator::create(backend).await else {
        return;
    };
    let (server, admin) = (&operator.server, &operator.admin);
    let content = |title: &str| json!({ "title": title, "summary": "A.", "body": "Text." });
    let at = |minutes: i64| server.test.store.clock.now() + TimeDelta::minutes(minutes);
    let post = write(server, admin, content("A post")).await;
    let plan = json!({ "id": post.id, "at": at(10), "unpublishAt": at(30) });
    done(server, admin, "schedulePost", plan).await;
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);

    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(11));
    assert_eq!(
        codes(&status(&mut operator).await),
        [] as [&str; 0],
        "a minute late"
    );
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(2));
    let late = status(&mut operator).await;
    assert_eq!(codes(&late), ["OVERDUE_PUBLICATION", "NO_WORKER"]);
    let alarm = &late["alarms"][0];
    assert_eq!(alarm["since"], "2026-06-01T12:10:00+00:00");
    let message = alarm["message"].as_str().unwrap();
    assert!(message.contains("one scheduled publication") && message.contains("alphanode jobs"));
    // Somebody should come, but requests are still served.
    let request = Request::get("/readyz").body(Body::empty()).unwrap();
    let ready = operator.server.send(request).await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(
        ready.body["alarms"],
        json!(["OVERDUE_PUBLICATION", "NO_WORKER"])
    );

    assert!(work(&operator).await > 0);
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(5));
    operator.admin = operator.server.renew(&operator.admin).await;
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(14));
    let late = status(&mut operator).await;
    assert_eq!(
        codes(&late),
        ["OVERDUE_PUBLICATION", "NO_WORKER"],
        "to go out of sight"
    );
    work(&operator).await;
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);
}

#[rstest]
#[tokio::test]
async fn a_post_that_is_late_with_both_is_one_that_is_late(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut operator) = Operator::create(backend).await else {
        return;
    };
    let (server, admin) = (&operator.server, &operator.admin);
    let content = json!({ "title": "A post", "summary": "A.", "body": "Text." });
    let at = |minutes: i64| server.test.store.clock.now() + TimeDelta::minutes(minutes);
    let post = write(server, admin, content).await;
    let plan = json!({ "id": post.id, "at": at(5), "unpublishAt": at(8) });
    done(server, admin, "schedulePost", plan).await;
    server.test.store.clock.advance(TimeDelta::minutes(13));
    let alarm = status(&mut operator).await["alarms"][0].clone();
    assert_eq!(alarm["code"], "OVERDUE_PUBLICATION");
    assert_eq!(alarm["since"], "2026-06-01T12:05:00+00:00");
    let message = alarm["message"].as_str().unwrap();
    assert!(
        message.starts_with("one scheduled publication is"),
        "{message}"
    );
}

#[rstest]
#[tokio::test]
async fn work_that_nobody_does_raises_an_alarm(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut operator) = Operator::create(backend).await else {
        return;
    };
    let later = NewJob {
        delay: Duration::from_secs(300),
        ..named("later")
    };
    operator.enqueue(vec![named("now"), later]).await;
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(1));
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);
    operator
        .server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(2));
    let late = status(&mut operator).await;
    assert_eq!(codes(&late), ["NO_WORKER"]);
    assert_eq!(late["jobs"]["waiting"], 2);
    assert_ne!(late["jobs"]["oldestDue"], Value::Null);

    // What is paused on purpose is no alarm.
    operator
        .change("pauseJobKind", json!({ "kind": "note" }), "__typename")
        .await;
    let paused = status(&mut operator).await;
    assert_eq!(codes(&paused), [] as [&str; 0]);
    assert_eq!(paused["jobs"]["pausedKinds"], json!(["note"]));
    operator
        .change("resumeJobKind", json!({ "kind": "note" }), "__typename")
        .await;
    operator
        .work(vec![Handler::new("note", "for a test", async |_| Ok(()))])
        .await;
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);
}

#[rstest]
#[tokio::test]
async fn dead_jobs_raise_an_alarm_until_somebody_sees_to_them(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut operator) = Operator::create(backend).await else {
        return;
    };
    let ids = operator.enqueue(vec![named("a"), named("b")]).await;
    let dying = || {
        vec![Handler::new("note", "for a test", async |_| {
            Err(JobError::give_up("no use"))
        })]
    };
    operator.work(dying()).await;
    let dead = status(&mut operator).await;
    assert_eq!(codes(&dead), ["DEAD_JOBS"]);
    assert_eq!(dead["jobs"]["dead"], 2);
    let message = dead["alarms"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("2 jobs are dead"), "{message}");
    operator
        .change("retryJob", json!({ "id": ids[0] }), "__typename")
        .await;
    operator
        .work(vec![Handler::new("note", "for a test", async |_| Ok(()))])
        .await;
    let message = status(&mut operator).await["alarms"][0]["message"].to_string();
    assert!(message.contains("one job is dead"), "{message}");
    operator
        .change("cancelJob", json!({ "id": ids[1] }), "__typename")
        .await;
    assert_eq!(codes(&status(&mut operator).await), [] as [&str; 0]);
}
