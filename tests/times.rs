//! Times that clients give, in years that no database is asked about.

use alphanode::domain::permission::Role;
use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, TestServer};

const FIELDS: [&str; 13] = [
    r#"{ posts(filter: { publishedAt: { gte: "TIME" } }) { totalCount } }"#,
    r#"{ webhookDeliveries(filter: { since: "TIME" }) { totalCount } }"#,
    r#"{ auditEvents(filter: { from: "TIME" }) { totalCount } }"#,
    r#"{ auditEvents(filter: { until: "TIME" }) { totalCount } }"#,
    r#"{ jobs(filter: { createdFrom: "TIME" }) { totalCount } }"#,
    r#"{ jobs(filter: { finishedUntil: "TIME" }) { totalCount } }"#,
    r#"{ scheduledPosts(from: "TIME") { totalCount } }"#,
    r#"{ scheduledPosts(until: "TIME") { totalCount } }"#,
    r#"mutation { retryJobs(input: { kind: "purge", diedFrom: "TIME" }) {
        userErrors { message } } }"#,
    r#"mutation { redeliverWebhooks(input: { endpoint: "x", since: "TIME" }) {
        userErrors { message } } }"#,
    r#"mutation { createApiToken(input: { name: "x", scopes: [], expiresAt: "TIME" }) {
        userErrors { message } } }"#,
    r#"mutation { schedulePost(input: { id: "x", unpublishAt: "TIME" }) {
        userErrors { message } } }"#,
    r#"mutation { scheduleRelease(input: { id: "x", at: "TIME" }) {
        userErrors { message } } }"#,
];

#[rstest]
#[tokio::test]
async fn times_are_of_years_from_1_to_9999(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    for field in FIELDS {
        for (time, year) in [
            ("-262000-01-01T00:00:00Z", "-262000"),
            ("0000-12-31T23:59:59Z", "0"),
            ("+10000-01-01T00:00:00Z", "10000"),
        ] {
            let document = field.replace("TIME", time);
            let answer = server.ask_as(&admin.token, &document, json!({})).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{document}");
            let message = answer.body["errors"][0]["message"].as_str().unwrap();
            let expected = format!("is in the year {year}; give one from 1 to 9999");
            assert!(message.contains(&expected), "{document}: {message}");
        }
    }
    for field in FIELDS.iter().filter(|field| !field.starts_with("mutation")) {
        for time in ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"] {
            let document = field.replace("TIME", time);
            let answer = server.ask_as(&admin.token, &document, json!({})).await;
            answer.data();
        }
    }
}
