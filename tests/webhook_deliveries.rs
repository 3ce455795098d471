//! Deliveries of webhooks: tried again, given up, asked for again.

use std::collections::{BTreeMap, BTreeSet};

use alphanode::domain::purge::{self, Step};
use alphanode::domain::webhook;
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::editing::{publish, write};
use crate::support::webhook::{Hooks, Reply};

const ENDPOINT: &str = "webhookEndpoint { id }";
const DELIVERY: &str = "webhookDelivery { id status }";

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

async fn test_endpoint(hooks: &Hooks, id: &str) {
    hooks
        .done("testWebhookEndpoint", DELIVERY, json!({ "id": id }))
        .await;
}

#[rstest]
#[tokio::test]
async fn a_delivery_that_fails_is_tried_for_about_a_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, secret) = hooks.endpoint(json!(null)).await;
    hooks.receiver.answer(Reply {
        body: format!("no\0{}", "x".repeat(2_000)),
        ..Reply::status(500)
    });
    test_endpoint(&hooks, &id).await;
    let began = hooks.server.test.store.clock.now();
    let mut ids = BTreeSet::new();
    let mut timestamps = BTreeSet::new();
    let waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    for wait in waits {
        let received = hooks.deliver().await;
        assert_eq!(received.len(), 1);
        assert!(received[0].is_signed_by(&secret));
        ids.insert(received[0].id.clone());
        timestamps.insert(received[0].timestamp.clone());
        let delivery = hooks.deliveries(json!(null)).await.remove(0);
        assert_eq!(delivery["status"], "PENDING");
        let now = hooks.server.test.store.clock.now();
        let waiting = time(&delivery["nextAttemptAt"]) - now;
        let (least, most) = (TimeDelta::seconds(wait), TimeDelta::seconds(wait * 6 / 5));
        assert!((least..=most).contains(&waiting), "{waiting}");
        // Not a moment before.
        hooks.pass(waiting - TimeDelta::seconds(1)).await;
        assert_eq!(hooks.deliver().await.len(), 0);
        hooks.pass(TimeDelta::seconds(2)).await;
    }
    assert_eq!(hooks.deliver().await.len(), 1);
    let delivery = hooks.deliveries(json!(null)).await.remove(0);
    assert_eq!(delivery["status"], "FAILED");
    assert_eq!(delivery["nextAttemptAt"], json!(null));
    let took = time(&delivery["finishedAt"]) - began;
    assert!((24..36).contains(&took.num_hours()), "{took}");
    assert_eq!((ids.len(), timestamps.len()), (1, waits.len()));
    assert_eq!(delivery["messageId"], *ids.first().unwrap());

    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 8);
    for attempt in attempts {
        assert_eq!(attempt["statusCode"], 500);
        assert_eq!(attempt["error"], "answered with the status 500");
        let answer = attempt["answer"].as_str().unwrap();
        assert_eq!(answer, format!("no\u{fffd}{}", "x".repeat(1_021)));
        assert!(attempt["durationMs"].as_i64().unwrap() < 20_000);
    }
    // The endpoint is not switched off for a single day, and nothing else is tried.
    assert_eq!(hooks.find(&id).await["enabled"], true);
    assert_eq!(time(&hooks.find(&id).await["failingSince"]), began);
    hooks.pass(TimeDelta::days(2)).await;
    assert_eq!(hooks.deliver().await.len(), 0);

    // When it is well again it says so.
    hooks.receiver.answer(Reply::status(202));
    test_endpoint(&hooks, &id).await;
    assert_eq!(hooks.deliver().await.len(), 1);
    assert_eq!(hooks.find(&id).await["failingSince"], json!(null));
}

#[rstest]
#[tokio::test]
async fn an_endpoint_can_ask_for_patience_within_bounds(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    for (retry_after, seconds) in [
        ("120", 120),
        ("Mon, 01 Jun 2026 12:10:00 GMT", 600),
        ("1", 5),
        ("Mon, 01 Jun 2020 12:00:00 GMT", 5),
        ("99999999999", 36_000),
        ("99999999999999999999999", 5),
        ("-5", 5),
        ("soon", 5),
    ] {
        let reply = Reply::status(503).with("retry-after", retry_after);
        hooks.receiver.answer_next([reply]);
        test_endpoint(&hooks, &id).await;
        assert_eq!(hooks.deliver().await.len(), 1);
        let delivery = hooks.deliveries(json!(null)).await.remove(0);
        let waiting = time(&delivery["nextAttemptAt"]) - hooks.server.test.store.clock.now();
        let (least, most) = (
            TimeDelta::seconds(seconds),
            TimeDelta::seconds(seconds * 6 / 5),
        );
        assert!(
            (least..=most).contains(&waiting),
            "{retry_after}: {waiting}"
        );
    }
}

#[rstest]
#[tokio::test]
async fn an_endpoint_that_is_gone_is_switched_off_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    hooks.receiver.answer(Reply::status(410));
    for _ in 0..3 {
        test_endpoint(&hooks, &id).await;
    }
    assert_eq!(hooks.deliver().await.len(), 1);
    let endpoint = hooks.find(&id).await;
    assert_eq!(endpoint["enabled"], false);
    let reason = endpoint["disabledReason"].as_str().unwrap();
    assert!(reason.contains("410"), "{reason}");
    let mut statuses: Vec<String> = hooks
        .deliveries(json!(null))
        .await
        .iter()
        .map(|delivery| delivery["status"].as_str().unwrap().to_owned())
        .collect();
    statuses.sort();
    assert_eq!(statuses, ["CANCELLED", "CANCELLED", "FAILED"]);
    let line = hooks.log().await.pop().unwrap();
    assert_eq!(
        (&line["action"], &line["actor"]),
        (&json!("disable"), &json!("worker"))
    );
    assert_eq!(line["after"]["disabledReason"], reason);
}

#[rstest]
#[tokio::test]
async fn an_endpoint_that_fails_for_days_is_switched_off(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    let (other, _) = hooks.endpoint(json!(null)).await;
    let input = json!({ "id": other, "url": hooks.receiver.url.replace("/hook", "/other") });
    hooks.done("updateWebhookEndpoint", ENDPOINT, input).await;
    hooks.receiver.answer(Reply::status(500));
    let began = hooks.server.test.store.clock.now();
    let mut enabled_for = TimeDelta::zero();
    for _ in 0..60 {
        if hooks.find(&id).await["enabled"] == false {
            break;
        }
        test_endpoint(&hooks, &id).await;
        hooks.work().await;
        enabled_for = hooks.server.test.store.clock.now() - began;
        hooks.pass(TimeDelta::hours(4)).await;
    }
    let endpoint = hooks.find(&id).await;
    assert_eq!(endpoint["enabled"], false);
    assert!((5..7).contains(&enabled_for.num_days()), "{enabled_for}");
    let reason = endpoint["disabledReason"].as_str().unwrap();
    assert!(reason.contains("failed, for more than 5 days"), "{reason}");
    assert!(reason.contains("2026-06-01 12:00:00"), "{reason}");
    assert_eq!(hooks.find(&other).await["enabled"], true);
    let pending = hooks.deliveries(json!({ "statuses": ["PENDING"] })).await;
    assert_eq!(pending.len(), 0);
    hooks.pass(TimeDelta::days(2)).await;
    assert_eq!(hooks.deliver().await.len(), 0);

    // Switched on again it starts afresh, and what it missed can be sent.
    hooks.receiver.answer(Reply::status(200));
    hooks
        .done("enableWebhookEndpoint", ENDPOINT, json!({ "id": id }))
        .await;
    assert_eq!(hooks.find(&id).await["failingSince"], json!(null));
    let cancelled = hooks
        .deliveries(json!({ "statuses": ["CANCELLED", "FAILED"] }))
        .await
        .len();
    assert!(cancelled > 0);
    let input = json!({ "endpoint": id, "since": "2026-06-01T00:00:00Z" });
    let payload = hooks.done("redeliverWebhooks", "count more", input).await;
    assert_eq!(payload["count"], cancelled);
    assert_eq!(payload["more"], false);
    assert_eq!(hooks.deliver().await.len(), cancelled);
}

#[rstest]
#[tokio::test]
async fn what_was_delivered_can_be_sent_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    test_endpoint(&hooks, &id).await;
    let first = hooks.deliver().await.remove(0);
    let delivery = hooks.deliveries(json!(null)).await.remove(0);
    hooks.pass(TimeDelta::hours(1)).await;
    let input = json!({ "id": delivery["id"] });
    let payload = hooks
        .done("redeliverWebhook", DELIVERY, input.clone())
        .await;
    assert_eq!(payload["webhookDelivery"]["status"], "PENDING");
    let again = hooks.deliver().await;
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].id, &again[0].text), (&first.id, &first.text));
    assert_ne!(again[0].timestamp, first.timestamp);
    let found = hooks.deliveries(json!(null)).await.remove(0);
    assert_eq!(found["status"], "DELIVERED");
    assert_eq!(found["attempts"].as_array().unwrap().len(), 2);

    // One that waits does not wait any longer.
    hooks
        .receiver
        .answer_next([Reply::status(500), Reply::status(500)]);
    test_endpoint(&hooks, &id).await;
    hooks.work().await;
    hooks.pass(TimeDelta::seconds(10)).await;
    hooks.work().await;
    let waiting = hooks
        .deliveries(json!({ "statuses": ["PENDING"] }))
        .await
        .remove(0);
    let attempts = waiting["attempts"].as_array().unwrap().len();
    assert_eq!(attempts, 2);
    hooks
        .done("redeliverWebhook", DELIVERY, json!({ "id": waiting["id"] }))
        .await;
    hooks
        .done("redeliverWebhook", DELIVERY, json!({ "id": waiting["id"] }))
        .await;
    assert_eq!(hooks.deliver().await.len(), 1, "asked twice, sent once");

    // All since a time: those that the endpoint has only when it is asked for.
    let since = hooks.server.test.store.clock.now() - TimeDelta::minutes(5);
    let input = json!({ "endpoint": id, "since": since });
    let payload = hooks.done("redeliverWebhooks", "count", input).await;
    assert_eq!(payload["count"], 0);
    let input = json!({ "endpoint": id, "since": since, "includeDelivered": true });
    let payload = hooks.done("redeliverWebhooks", "count", input).await;
    assert_eq!(payload["count"], 1);
    assert_eq!(hooks.deliver().await.len(), 1);

    // Not to an endpoint that is off or not there.
    hooks
        .done("disableWebhookEndpoint", ENDPOINT, json!({ "id": id }))
        .await;
    let problems = hooks
        .problems(
            "redeliverWebhook",
            DELIVERY,
            json!({ "id": delivery["id"] }),
        )
        .await;
    assert_eq!(problems, ["CONFLICT id"]);
    let all = json!({ "endpoint": id, "since": since });
    let problems = hooks
        .problems("redeliverWebhooks", "count", all.clone())
        .await;
    assert_eq!(problems, ["CONFLICT endpoint"]);
    hooks
        .done("deleteWebhookEndpoint", "deletedId", json!({ "id": id }))
        .await;
    let problems = hooks
        .problems(
            "redeliverWebhook",
            DELIVERY,
            json!({ "id": delivery["id"] }),
        )
        .await;
    assert_eq!(problems, ["NOT_FOUND id"]);
    let problems = hooks.problems("redeliverWebhooks", "count", all).await;
    assert_eq!(problems, ["NOT_FOUND endpoint"]);
}

#[rstest]
#[tokio::test]
async fn a_worker_that_was_killed_sends_the_same_message_again(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    test_endpoint(&hooks, &id).await;
    let first = hooks.deliver().await.remove(0);
    let store = &hooks.server.test.store;
    let sql = async |sql: &str| {
        store
            .database
            .writer()
            .execute_unprepared(sql)
            .await
            .unwrap();
    };
    // It had sent the message and was gone before it could say so.
    sql("DELETE FROM webhook_attempt").await;
    sql(
        "UPDATE webhook_delivery SET status = 'pending', attempts = 0, finished_at = NULL,
         next_attempt_at = created_at",
    )
    .await;
    sql("UPDATE job SET status = 'waiting', finished_at = NULL WHERE kind = 'deliver_webhook'")
        .await;
    let again = hooks.deliver().await;
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].id, &again[0].text), (&first.id, &first.text));
    // It had said so, and was gone before its job was done.
    sql("UPDATE job SET status = 'waiting', finished_at = NULL WHERE kind = 'deliver_webhook'")
        .await;
    assert_eq!(hooks.deliver().await.len(), 0);
}

/// A receiver that fails at random has everything in the end, and knows what it has already.
#[rstest]
#[tokio::test]
async fn everything_arrives_at_a_receiver_that_fails_at_random(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    hooks.endpoint(json!(["POST_PUBLISHED"])).await;
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let replies = (0..120).map(|_| {
        Reply::status(
            *[200, 204, 500, 503, 404, 302]
                .get(random.random_range(0..6))
                .unwrap(),
        )
    });
    hooks.receiver.answer_next(replies.collect::<Vec<_>>());
    let mut posts = BTreeSet::new();
    for number in 0..20 {
        let content = json!({ "title": format!("Post {number}"), "body": "x" });
        let post = write(&hooks.server, &hooks.admin, content).await;
        publish(&hooks.server, &hooks.admin, &post).await;
        posts.insert(post.id);
    }
    let mut received: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut messages = 0;
    for _ in 0..40 {
        for message in hooks.deliver().await {
            let post = message.body["data"]["post"]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            received.entry(post).or_default().insert(message.id);
            messages += 1;
        }
        if hooks
            .deliveries(json!({ "statuses": ["PENDING"] }))
            .await
            .is_empty()
        {
            break;
        }
        hooks.pass(TimeDelta::hours(1)).await;
    }
    assert_eq!(
        hooks
            .deliveries(json!({ "statuses": ["DELIVERED"] }))
            .await
            .len(),
        20
    );
    assert_eq!(received.keys().cloned().collect::<BTreeSet<_>>(), posts);
    assert!(received.values().all(|ids| ids.len() == 1), "{received:?}");
    assert!(messages > 20);
}

#[rstest]
#[tokio::test]
async fn what_is_old_is_forgotten_unless_it_waits(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    for _ in 0..5 {
        test_endpoint(&hooks, &id).await;
    }
    hooks.work().await;
    test_endpoint(&hooks, &id).await; // It is never sent.
    hooks.pass(webhook::KEPT_FOR - TimeDelta::hours(1)).await;
    test_endpoint(&hooks, &id).await;
    let purge = async |hooks: &Hooks| {
        let step = Step::WebhookEvents;
        purge::purge(&hooks.server.test.store, step).await.unwrap()
    };
    assert_eq!(purge(&hooks).await, 0);
    hooks.pass(TimeDelta::hours(2)).await;
    assert_eq!(purge(&hooks).await, 5);
    assert_eq!(purge(&hooks).await, 0);
    let left = hooks.deliveries(json!(null)).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|delivery| delivery["status"] == "PENDING"));
}

#[rstest]
#[tokio::test]
async fn a_delivery_goes_with_its_job(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, _) = hooks.endpoint(json!(null)).await;
    test_endpoint(&hooks, &id).await;
    let jobs = "{ jobs(filter: { kinds: [\"deliver_webhook\"] }) { nodes { id } } }";
    let admin = hooks.admin.token.clone();
    let jobs = hooks.server.ask_as(&admin, jobs, json!({})).await;
    let job = jobs.data()["jobs"]["nodes"][0]["id"].clone();
    let step_in = async |field: &str, name: &str| {
        let document = format!(
            "mutation($input: {name}!) {{ {field}(input: $input) {{ userErrors {{ message }} }} }}"
        );
        let input = json!({ "input": { "id": job } });
        let answer = hooks.server.ask_as(&admin, &document, input).await;
        assert_eq!(answer.data()[field]["userErrors"], json!([]));
    };
    step_in("cancelJob", "CancelJobInput").await;
    let delivery = hooks.deliveries(json!(null)).await.remove(0);
    assert_eq!(delivery["status"], "CANCELLED");
    assert!(delivery["finishedAt"].is_string());
    assert_eq!(delivery["nextAttemptAt"], json!(null));
    assert_eq!(hooks.deliver().await.len(), 0);

    step_in("retryJob", "RetryJobInput").await;
    let delivery = hooks.deliveries(json!(null)).await.remove(0);
    assert_eq!(delivery["status"], "PENDING");
    hooks.pass(TimeDelta::seconds(1)).await;
    assert_eq!(hooks.deliver().await.len(), 1);
    let delivery = hooks.deliveries(json!(null)).await.remove(0);
    assert_eq!(delivery["status"], "DELIVERED");
}
