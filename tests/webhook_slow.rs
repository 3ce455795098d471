//! An endpoint that takes its time, beside one that does not.

use std::time::Duration;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::webhook::{Hooks, Receiver, Reply};

async fn test_endpoint(hooks: &Hooks, id: &Value) {
    let selection = "webhookDelivery { id }";
    hooks
        .done("testWebhookEndpoint", selection, json!({ "id": id }))
        .await;
}

#[rstest]
#[tokio::test]
async fn a_slow_endpoint_does_not_keep_another_one_waiting(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const EVENTS: usize = 4;

    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let slow = json!(hooks.endpoint(json!(null)).await.0);
    let other = Receiver::start().await;
    let payload = hooks
        .done(
            "createWebhookEndpoint",
            "webhookEndpoint { id }",
            json!({ "url": other.url }),
        )
        .await;
    let fast = &payload["webhookEndpoint"]["id"];
    hooks.receiver.answer(Reply {
        delay: Duration::from_secs(600),
        ..Reply::status(204)
    });
    for _ in 0..EVENTS {
        test_endpoint(&hooks, &slow).await;
    }
    for _ in 0..EVENTS {
        test_endpoint(&hooks, fast).await;
    }

    // The first worker is held by the slow endpoint; the second one puts back what else is for it.
    let worker = |name| {
        let handlers = alphanode::jobs::handlers(&hooks.server.test.store);
        hooks.server.test.worker(name, handlers)
    };
    let mut first = worker("first");
    let held = tokio::spawn(async move { first.run_until_idle().await });
    let mut to_slow = Vec::new();
    while to_slow.is_empty() {
        tokio::task::yield_now().await;
        to_slow.extend(hooks.receiver.take());
    }
    worker("second").run_until_idle().await.unwrap();
    assert_eq!(other.take().len(), EVENTS);
    assert_eq!(hooks.receiver.take().len(), 0);
    held.abort();

    // Nothing was tried meanwhile, and nothing is lost.
    let waiting = hooks.deliveries(json!({ "statuses": ["PENDING"] })).await;
    assert_eq!(waiting.len(), EVENTS);
    for delivery in waiting {
        assert_eq!(delivery["attempts"], json!([]));
    }
    hooks.receiver.answer(Reply::status(204));
    hooks.pass(TimeDelta::minutes(2)).await;
    assert_eq!(hooks.deliver().await.len(), EVENTS);
    let left = hooks.deliveries(json!({ "statuses": ["PENDING"] })).await;
    assert_eq!(left.len(), 0);
}
