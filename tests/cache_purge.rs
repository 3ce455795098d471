//! What is kept is not handed out any more: it was purged, or its rule changed.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;

use crate::support::Backend;
use crate::support::cache_rule::{done, id_of, problems};
use crate::support::operator::Operator;

#[rstest]
#[tokio::test]
async fn answers_are_forgotten_by_their_tags(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    operator.server.cache.trust(Duration::from_secs(3_600));
    let x_cache = async || {
        let answer = operator
            .server
            .ask("{ posts { totalCount } }", json!({}))
            .await;
        answer.headers["x-cache"].to_str().unwrap()[..4].to_owned()
    };
    assert_eq!(x_cache().await, "MISS");
    for (tags, purged, expected) in [
        (
            json!(["post:17", "list:tools"]),
            json!(["post:17", "list:tools"]),
            "HIT;",
        ),
        (
            json!(["list:posts", " post:17", "tool:3", "post:17"]),
            json!(["post:17", "tool:3", "list:posts"]),
            "MISS",
        ),
        (json!(["*"]), json!(["*"]), "MISS"),
    ] {
        assert_eq!(x_cache().await, "HIT;");
        let payload = operator
            .change("purgeCache", json!({ "tags": tags }), "tags")
            .await;
        assert_eq!(payload["tags"], purged);
        assert_eq!(x_cache().await, expected, "{tags}");
    }

    let input = json!({ "tags": ["list:posts", "post:UG9zdDox", "post:-1", "list:everything", "post", ""] });
    assert_eq!(
        problems(&operator, "purgeCache", input).await,
        [
            "INVALID tags.1",
            "INVALID tags.2",
            "INVALID tags.3",
            "INVALID tags.4",
            "INVALID tags.5"
        ]
    );
    assert_eq!(
        problems(&operator, "purgeCache", json!({ "tags": [] })).await,
        ["INVALID tags"]
    );
    let many: Vec<String> = (0..1_001).map(|key| format!("post:{}", key + 1)).collect();
    assert_eq!(
        problems(&operator, "purgeCache", json!({ "tags": many })).await,
        ["INVALID tags"]
    );
    assert_eq!(x_cache().await, "HIT;", "what is refused purges nothing");
    let log =
        "{ auditEvents(filter: { actions: [\"purge\"] }) { nodes { subject subjectId after } } }";
    let log = operator.data(log, json!({})).await;
    let lines = log["auditEvents"]["nodes"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[0],
        json!({ "subject": "cache", "subjectId": null, "after": { "tags": ["*"] } })
    );
}

/// A rule that is switched off counts at once, also for what is kept already.
#[rstest]
#[tokio::test]
async fn what_is_kept_is_not_handed_out_once_its_rule_is_off(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    operator.server.cache.trust(Duration::from_secs(3_600));
    let said = async || {
        let answer = operator
            .server
            .ask("{ posts { totalCount } }", json!({}))
            .await;
        let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
        [header("x-cache"), header("cache-control")]
    };
    said().await;
    assert_eq!(said().await[0], "HIT; rule=published-content");
    let off = json!({ "rule": { "name": "published-content" }, "reason": "wrong figures" });
    done(&operator, "disableCacheRule", off).await;
    let bypass = "BYPASS; rule=published-content; reason=switched-off";
    assert_eq!(said().await, [bypass, "no-store"]);
    let on = json!({ "rule": { "name": "published-content" } });
    done(&operator, "enableCacheRule", on).await;
    said().await;
    assert_eq!(said().await[0], "HIT; rule=published-content");
    // Another age counts at once, too.
    let id = id_of(&operator, "published-content").await;
    let input = json!({ "id": id, "basedOn": 3, "sharedMaxAge": 7, "staleWhileRevalidate": 0 });
    done(&operator, "updateCacheRule", input).await;
    assert_eq!(said().await[1], "public, max-age=0, s-maxage=7");
}
