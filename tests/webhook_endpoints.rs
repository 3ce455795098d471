//! Endpoints of webhooks, and the secrets that messages are signed by.

use alphanode::domain::webhook::{Secret, sign};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use crate::support::Backend;
use crate::support::webhook::Hooks;

const ENDPOINT: &str = "webhookEndpoint { id url description eventTypes enabled disabledReason }";

/// The example of the libraries of the Standard Webhooks specification.
#[test]
fn a_signature_is_that_of_the_specification() {
    let secret = Secret::from_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = r#"{"test": 2432232314}"#;
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let signed = sign(std::slice::from_ref(&secret), id, 1_614_265_330, body);
    assert_eq!(signed.unwrap(), signature);
    let two = sign(&[secret.clone(), secret.clone()], id, 1_614_265_330, body);
    assert_eq!(two.unwrap(), format!("{signature} {signature}"));
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    let strange = Secret::from_text("no secret".into());
    assert!(sign(&[strange], id, 1, body).is_err());
}

#[rstest]
#[tokio::test]
async fn an_endpoint_is_made_changed_and_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let input = json!({
        "url": "https://example.org/hook?token=hidden",
        "description": " the site ",
        "eventTypes": ["POST_UPDATED", "POST_PUBLISHED", "POST_UPDATED"],
    });
    let selection = format!("{ENDPOINT} secret");
    let payload = hooks.done("createWebhookEndpoint", &selection, input).await;
    let secret = payload["secret"].as_str().unwrap();
    assert_eq!(secret.len(), "whsec_".len() + 44);
    let id = payload["webhookEndpoint"]["id"].as_str().unwrap();
    assert_eq!(
        payload["webhookEndpoint"],
        json!({
            "id": id,
            "url": "https://example.org/hook?token=hidden",
            "description": "the site",
            "eventTypes": ["POST_PUBLISHED", "POST_UPDATED"],
            "enabled": true,
            "disabledReason": null,
        })
    );

    // What is left out stays, what is null is cleared.
    let input = json!({ "id": id, "url": "https://example.org/other" });
    let payload = hooks.done("updateWebhookEndpoint", ENDPOINT, input).await;
    assert_eq!(payload["webhookEndpoint"]["description"], "the site");
    assert_eq!(
        payload["webhookEndpoint"]["url"],
        "https://example.org/other"
    );
    let input = json!({ "id": id, "description": null, "eventTypes": null });
    let payload = hooks.done("updateWebhookEndpoint", ENDPOINT, input).await;
    assert_eq!(payload["webhookEndpoint"]["description"], "");
    assert_eq!(payload["webhookEndpoint"]["eventTypes"], json!(null));

    let input = json!({ "id": id, "reason": "on holiday" });
    let payload = hooks.done("disableWebhookEndpoint", ENDPOINT, input).await;
    assert_eq!(payload["webhookEndpoint"]["enabled"], false);
    assert_eq!(payload["webhookEndpoint"]["disabledReason"], "on holiday");
    let input = json!({ "id": id });
    let selection = "webhookDelivery { id }";
    let problems = hooks
        .problems("testWebhookEndpoint", selection, input.clone())
        .await;
    assert_eq!(problems, ["CONFLICT id"]);
    let payload = hooks
        .done("enableWebhookEndpoint", ENDPOINT, input.clone())
        .await;
    assert_eq!(payload["webhookEndpoint"]["enabled"], true);
    assert_eq!(payload["webhookEndpoint"]["disabledReason"], json!(null));

    let payload = hooks
        .done("deleteWebhookEndpoint", "deletedId", input.clone())
        .await;
    assert_eq!(payload["deletedId"], id);
    assert_eq!(hooks.find(id).await, json!(null));
    let problems = hooks
        .problems("deleteWebhookEndpoint", "deletedId", input)
        .await;
    assert_eq!(problems, ["NOT_FOUND id"]);

    // The log has it all, and no secret: neither ours nor that of the URL.
    let log = hooks.log().await;
    let actions: Vec<&str> = log
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        actions,
        ["create", "update", "update", "disable", "enable", "delete"]
    );
    let text = serde_json::to_string(&log).unwrap();
    assert!(
        !text.contains("whsec_") && !text.contains("hidden"),
        "{text}"
    );
    assert!(text.contains("https://example.org/hook"));
}

#[rstest]
#[tokio::test]
async fn every_problem_is_named_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let input = json!({
        "url": "ftp://example.org",
        "description": "x".repeat(201),
        "eventTypes": ["WEBHOOK_TEST"],
    });
    let problems = hooks
        .problems("createWebhookEndpoint", "secret", input)
        .await;
    assert_eq!(
        problems,
        ["INVALID url", "INVALID description", "INVALID eventTypes"]
    );
    let input = json!({ "url": "https://example.org", "description": "a\nb", "eventTypes": [] });
    let problems = hooks
        .problems("createWebhookEndpoint", "secret", input)
        .await;
    assert_eq!(problems, ["INVALID description", "INVALID eventTypes"]);
    let input = json!({ "url": format!("https://example.org/{}", "x".repeat(2_000)) });
    let problems = hooks
        .problems("createWebhookEndpoint", "secret", input)
        .await;
    assert_eq!(problems, ["INVALID url"]);

    let (id, _) = hooks.endpoint(json!(null)).await;
    let input = json!({ "id": id, "reason": "x".repeat(201) });
    let problems = hooks
        .problems("disableWebhookEndpoint", ENDPOINT, input)
        .await;
    assert_eq!(problems, ["INVALID reason"]);
    hooks
        .done("deleteWebhookEndpoint", "deletedId", json!({ "id": id }))
        .await;
    for field in [
        "updateWebhookEndpoint",
        "enableWebhookEndpoint",
        "disableWebhookEndpoint",
    ] {
        let problems = hooks.problems(field, ENDPOINT, json!({ "id": id })).await;
        assert_eq!(problems, ["NOT_FOUND id"], "{field}");
    }
    for _ in 0..50 {
        hooks.endpoint(json!(null)).await;
    }
    let input = json!({ "url": "https://example.org" });
    let problems = hooks
        .problems("createWebhookEndpoint", "secret", input)
        .await;
    assert_eq!(problems, ["CONFLICT url"]);
}

#[rstest]
#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one_for_a_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut hooks) = Hooks::create(backend).await else {
        return;
    };
    let (id, first) = hooks.endpoint(json!(null)).await;
    let input = json!({ "id": id });
    let selection = "webhookDelivery { id }";
    hooks
        .done("testWebhookEndpoint", selection, input.clone())
        .await;
    let message = hooks.deliver().await.remove(0);
    assert!(message.is_signed_by(&first));
    assert_eq!(message.signature.split(' ').count(), 1);

    let payload = hooks
        .done("rotateWebhookSecret", "secret", input.clone())
        .await;
    let second = payload["secret"].as_str().unwrap();
    assert_ne!(second, first);
    assert_eq!(
        hooks.find(&id).await["oldSecretUntil"],
        "2026-06-02T12:00:00+00:00"
    );
    hooks
        .done("testWebhookEndpoint", selection, input.clone())
        .await;
    let message = hooks.deliver().await.remove(0);
    assert!(message.is_signed_by(&first) && message.is_signed_by(second));
    assert!(!message.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));

    hooks.pass(TimeDelta::hours(24)).await;
    hooks.done("testWebhookEndpoint", selection, input).await;
    let message = hooks.deliver().await.remove(0);
    assert!(!message.is_signed_by(&first) && message.is_signed_by(second));
}

#[rstest]
#[tokio::test]
async fn a_url_is_kept_as_it_is_used(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(hooks) = Hooks::create(backend).await else {
        return;
    };
    let input = json!({ "url": " https://example.org/hook\r\n" });
    let payload = hooks.done("createWebhookEndpoint", ENDPOINT, input).await;
    assert_eq!(
        payload["webhookEndpoint"]["url"],
        "https://example.org/hook"
    );
    let id = payload["webhookEndpoint"]["id"].as_str().unwrap();
    for url in [
        "https://exa\nmple.org/\r\nX: y",
        "https://example.org/a b",
        "https://example.org/\tb",
        "https://example.org/\u{2003}b",
        "https://example.org/\u{7f}b",
    ] {
        let input = json!({ "url": url });
        let problems = hooks
            .problems("createWebhookEndpoint", ENDPOINT, input)
            .await;
        assert_eq!(problems, ["INVALID url"], "{url:?}");
        let input = json!({ "id": id, "url": url });
        let problems = hooks
            .problems("updateWebhookEndpoint", ENDPOINT, input)
            .await;
        assert_eq!(problems, ["INVALID url"], "{url:?}");
    }
    assert_eq!(hooks.find(id).await["url"], "https://example.org/hook");
    let input = json!({ "id": id, "url": "\thttps://example.org/other " });
    let payload = hooks.done("updateWebhookEndpoint", ENDPOINT, input).await;
    assert_eq!(
        payload["webhookEndpoint"]["url"],
        "https://example.org/other"
    );
}
