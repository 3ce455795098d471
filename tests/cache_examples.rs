//! Examples of cache rules: a change that one of them contradicts is refused.

use alphanode::domain::cache_rule::{RuleSet, check_examples};
use alphanode::domain::perspective::{Perspective, Reader};
use rstest::rstest;
use serde_json::json;

use crate::support::Backend;
use crate::support::cache_rule::{done, id_of, outcome, problems, rule, shop};
use crate::support::operator::Operator;

#[rstest]
#[tokio::test]
async fn a_rule_that_contradicts_an_example_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    // Its own example.
    let mut input = shop();
    input["examples"][1]["path"] = json!("/shop/pay");
    let (code, path, message) = operator.problem("createCacheRule", input).await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "examples"));
    assert!(message.contains("“somebody pays”"), "{message}");
    assert!(message.contains("must not be kept, and is"), "{message}");

    // That of another one.
    let never = json!({ "name": "paywall", "purpose": "Posts are for subscribers.", "store": false,
        "paths": ["/posts/*"],
        "examples": [{ "name": "a post", "path": "/posts/retries", "cached": false }] });
    let (code, path, message) = operator.problem("createCacheRule", never.clone()).await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "name"));
    assert_eq!(
        message,
        "the example “a reader opens a post” of the rule `site-pages` must be kept, and is not: the \
         rule `paywall` says never"
    );
    assert_eq!(rule(&operator, "paywall").await, json!(null));

    // Taking away what another one's example stands on.
    let published = id_of(&operator, "published-content").await;
    let (code, path, message) = operator
        .problem("deleteCacheRule", json!({ "id": published }))
        .await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "id"));
    assert!(
        message.contains("“a search beside a post” of the rule `search`"),
        "{message}"
    );
    let fields = json!({ "id": published, "basedOn": 1, "rootFields": ["posts"] });
    let payload = operator
        .change("updateCacheRule", fields, "__typename")
        .await;
    let errors = payload["userErrors"].as_array().unwrap();
    assert_eq!(
        errors.len(),
        3,
        "two examples of its own, and one of search: {payload:#}"
    );

    // While the rule is off whose example stands in the way, it does not; switching it on does.
    let pages = id_of(&operator, "site-pages").await;
    done(
        &operator,
        "disableCacheRule",
        json!({ "rule": { "id": pages } }),
    )
    .await;
    done(&operator, "createCacheRule", never).await;
    let (code, path, message) = operator
        .problem("enableCacheRule", json!({ "rule": { "id": pages } }))
        .await;
    assert_eq!((code.as_str(), path.as_str()), ("CONFLICT", "examples"));
    assert!(message.contains("`paywall` says never"), "{message}");
    assert_eq!(rule(&operator, "site-pages").await["enabled"], false);
}

/// Nothing stands in the way of the switch, and others can be changed while something is off.
#[rstest]
#[tokio::test]
async fn a_rule_is_switched_off_whatever_examples_say(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    // A rule of everything keeps pages of the shop as well.
    let everything = json!({ "name": "everything", "purpose": "The site is static.", "paths": ["/*"],
        "sharedMaxAge": 3_600,
        "examples": [{ "name": "any page", "path": "/imprint", "cached": true },
            { "name": "the shop", "path": "/shop/tea", "cached": true }] });
    let refused = problems(&operator, "createCacheRule", everything.clone()).await;
    assert_eq!(
        refused,
        ["CONFLICT name"],
        "/account must not be kept, says another rule"
    );
    let pages = id_of(&operator, "site-pages").await;
    let examples = json!([{ "name": "the front page", "path": "/", "cached": true }]);
    let input = json!({ "id": pages, "basedOn": 1, "examples": examples });
    done(&operator, "updateCacheRule", input).await;
    done(&operator, "createCacheRule", everything).await;
    let shop = done(&operator, "createCacheRule", shop()).await;
    assert_eq!(shop["sharedMaxAge"], 120);
    let id = shop["id"].as_str().unwrap();
    done(
        &operator,
        "disableCacheRule",
        json!({ "rule": { "id": id } }),
    )
    .await;
    let (what, why) = outcome(&operator, "/shop/tea").await;
    assert_eq!(what, "BYPASS", "not even by the rule of everything: {why}");
    assert_eq!(outcome(&operator, "/imprint").await.0, "STORE");
    let feeds = id_of(&operator, "feeds").await;
    let input = json!({ "id": feeds, "basedOn": 1, "purpose": "Others." });
    done(&operator, "updateCacheRule", input).await;
    // Deleted, it says nothing any more.
    operator
        .change("deleteCacheRule", json!({ "id": id }), "deletedId")
        .await;
    assert_eq!(outcome(&operator, "/shop/tea").await.0, "STORE");
}

/// Rules are changed one after the other, each against what the others have left.
#[rstest]
#[tokio::test]
async fn two_who_make_rules_at_once_wait_for_each_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let closed = json!({ "name": "closed", "purpose": "The shop is closed.", "store": false,
        "paths": ["/shop/*"],
        "examples": [{ "name": "the shop", "path": "/shop/tea", "cached": false }] });
    let (open, closed) = tokio::join!(
        operator.change("createCacheRule", shop(), "cacheRule { name }"),
        operator.change("createCacheRule", closed, "cacheRule { name }"),
    );
    let made = [&open, &closed].map(|payload| payload["cacheRule"]["name"].is_string());
    assert_ne!(made[0], made[1], "{open:#} {closed:#}");
    let database = operator.server.test.store.database.clone();
    let reader = Reader::new(database, Perspective::Published);
    assert_eq!(check_examples(&RuleSet::read(&reader).await.unwrap()), []);
}
