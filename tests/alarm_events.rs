//! Webhook endpoints are told of an alarm when it is raised and when it is over, once.

use alphanode::domain::status::{self, Changes};
use alphanode::domain::traffic::Traffic;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::queue::named;
use crate::request_statistics::{answered, failed};
use crate::support::Backend;
use crate::support::operator::Operator;
use crate::support::webhook::{Hooks, Reply, types};

/// Lets time pass, to the end of which the node writes.
async fn pass(hooks: &mut Hooks, node: &Traffic, minutes: i64) {
    hooks.pass(TimeDelta::minutes(minutes)).await;
    // The minute that ended, and the one that goes on.
    node.flush().await.unwrap();
    node.flush().await.unwrap();
}

fn raised(codes: &[&str]) -> Changes {
    Changes {
        raised: codes.iter().map(|code| (*code).to_owned()).collect(),
        cleared: Vec::new(),
    }
}

fn cleared(codes: &[&str]) -> Changes {
    Changes {
        cleared: raised(codes).raised,
        raised: Vec::new(),
    }
}

#[rstest]
#[tokio::test]
async fn an_alarm_is_told_once_when_it_is_raised_and_once_when_it_is_over(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    hooks
        .endpoint(json!(["ALARM_RAISED", "ALARM_CLEARED"]))
        .await;
    let store = hooks.server.test.store.clone();
    let node = Traffic::new(store.clone(), "web-1".into());
    node.flush().await.unwrap();
    assert_eq!(status::check(&store).await.unwrap(), Changes::default());
    for _ in 0..30 {
        node.record(&answered(3_000));
        node.record(&failed());
    }
    pass(&mut hooks, &node, 1).await;

    // Several nodes look at the same moment.
    let look = || status::check(&store);
    let (one, two, three) = tokio::join!(look(), look(), look());
    let all = [one, two, three].map(Result::unwrap);
    let told: Vec<&String> = all.iter().flat_map(|changes| &changes.raised).collect();
    assert_eq!(told, ["FAILING", "SLOW"]);
    assert!(all.iter().all(|changes| changes.cleared.is_empty()));
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["alarm.raised", "alarm.raised"]);
    let slow = received
        .iter()
        .map(|message| &message.body["data"])
        .find(|data| data["alarm"]["code"] == "SLOW")
        .unwrap();
    let message = slow["alarm"]["message"].as_str().unwrap();
    assert!(message.contains("longer than"), "{message}");
    assert_eq!(slow["alarm"]["since"], "2026-06-01T11:56:00Z");
    assert_eq!((&slow["tags"], &slow["paths"]), (&json!([]), &json!([])));

    // It goes on: nothing new. The time since when stays as it was told.
    pass(&mut hooks, &node, 2).await;
    assert_eq!(status::check(&store).await.unwrap(), Changes::default());
    let query = "{ systemStatus { alarms { code since } } }";
    let answer = hooks
        .server
        .ask_as(&hooks.admin.token, query, json!({}))
        .await;
    let alarms = &answer.data()["systemStatus"]["alarms"];
    let expected = |code: &str| json!({ "code": code, "since": "2026-06-01T11:56:00+00:00" });
    assert_eq!(*alarms, json!([expected("FAILING"), expected("SLOW")]));

    // It has not been so for a while, but not for long enough.
    pass(&mut hooks, &node, 4).await;
    assert_eq!(status::check(&store).await.unwrap(), Changes::default());
    pass(&mut hooks, &node, 1).await;
    assert_eq!(
        status::check(&store).await.unwrap(),
        cleared(&["FAILING", "SLOW"])
    );
    assert_eq!(status::check(&store).await.unwrap(), Changes::default());
    let received = hooks.deliver().await;
    assert_eq!(types(&received), ["alarm.cleared", "alarm.cleared"]);
    let data = &received[0].body["data"]["alarm"];
    assert!(data["code"].is_string() && data["since"] != Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_lost_node_and_webhooks_that_wait_are_alarms(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(["WEBHOOK_TEST"])).await;
    let store = hooks.server.test.store.clone();
    let node = Traffic::new(store.clone(), "web-1".into());
    node.flush().await.unwrap();
    hooks
        .done("testWebhookEndpoint", "__typename", json!({ "id": id }))
        .await;
    hooks.receiver.answer(Reply::status(500));
    hooks.work().await;
    // The attempt that failed is made again soon; until then the endpoint fails.
    hooks.pass(TimeDelta::minutes(4)).await;
    let found = status::check(&store).await.unwrap();
    assert_eq!(found, raised(&["NO_WORKER", "NODE_LOST"]));
    hooks.pass(TimeDelta::minutes(10)).await;
    let found = status::check(&store).await.unwrap();
    assert_eq!(found.raised, ["DELIVERIES_LATE", "ENDPOINT_FAILING"]);
    hooks.receiver.answer(Reply::status(204));
    hooks.work().await;
    hooks.pass(TimeDelta::minutes(5)).await;
    let found = status::check(&store).await.unwrap();
    assert_eq!(
        found,
        cleared(&["DELIVERIES_LATE", "ENDPOINT_FAILING", "NO_WORKER"])
    );
    hooks.pass(TimeDelta::minutes(30)).await;
    let found = status::check(&store).await.unwrap();
    assert_eq!(found, cleared(&["NODE_LOST"]));
}

/// The schedule looks every minute, and the job may run again.
#[rstest]
#[tokio::test]
async fn the_job_looks_and_can_run_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let store = &operator.server.test.store;
    operator.enqueue(vec![named("a")]).await;
    store.clock.advance(TimeDelta::minutes(3));
    let look = || alphanode::queue::NewJob {
        kind: status::JOB_KIND,
        ..named("")
    };
    let handlers = || alphanode::jobs::handlers(store);
    let said = "SELECT COUNT(*) FROM job_log_line WHERE line LIKE '%is raised'";
    let raised = "SELECT COUNT(*) FROM alarm WHERE code = 'DEAD_JOBS'";
    let number = async |sql| crate::support::number(store.database.writer(), sql).await;
    let dying = alphanode::queue::Handler::new("note", "A note.", async |_| {
        Err(alphanode::queue::JobError::give_up("no use"))
    });
    operator.work(vec![dying]).await;
    for _ in 0..2 {
        operator.enqueue(vec![look()]).await;
        operator.work(handlers()).await;
        assert_eq!((number(said).await, number(raised).await), (1, 1));
    }
}
