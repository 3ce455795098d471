//! Cache rules: made, changed, switched and thrown away through the API.

use alphanode::domain::cache_rule::{RuleSet, check_examples};
use alphanode::domain::permission::Role;
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::foundation::cache_tag::CacheTag;
use migration::{Migrator, MigratorTrait};
use rstest::rstest;
use serde_json::json;

use crate::support::Backend;
use crate::support::cache_rule::{done, id_of, outcome, problems, rule, shop};
use crate::support::operator::Operator;

#[rstest]
#[tokio::test]
async fn a_site_begins_with_rules_that_hold_their_examples(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let editor = operator.server.sign_in_as(Role::Editor).await;
    let document = "{ cacheRules { name enabled version purpose examples { cached } } }";
    let answer = operator
        .server
        .ask_as(&editor.token, document, json!({}))
        .await;
    assert_eq!(answer.statements(), 2, "one to see who asks");
    let rules = answer.data()["cacheRules"].as_array().unwrap();
    let names: Vec<&str> = rules
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "admin",
            "feeds",
            "previews",
            "published-content",
            "search",
            "site-pages"
        ]
    );
    for rule in rules {
        assert_eq!(rule["enabled"], true);
        let examples = rule["examples"].as_array().unwrap();
        assert!(examples.iter().any(|example| example["cached"] == false));
        assert!(rule["purpose"].as_str().unwrap().len() > 40);
    }
    let database = operator.server.test.store.database.clone();
    let reader = Reader::new(database, Perspective::Published);
    let rules = RuleSet::read(&reader).await.unwrap();
    assert!(reader.tags().contains(&CacheTag::List("cache_rule")));
    assert_eq!(check_examples(&rules), []);

    // Whatever the public can ask of what is published is named by a rule.
    let table = std::fs::read_to_string("../docs/permissions.md").unwrap();
    let queries = table.split("\n## Queries").nth(1).unwrap();
    let rows = queries.lines().filter(|line| line.contains("| anyone |"));
    for field in rows.map(|line| line.split('`').nth(1).unwrap()) {
        let mut named = rules.rules().iter().flat_map(|rule| &rule.root_fields);
        assert!(named.any(|named| named == field), "{field}");
    }
}

#[rstest]
#[tokio::test]
async fn a_rule_is_made_changed_switched_and_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    assert_eq!(outcome(&operator, "/shop/tea").await.0, "BYPASS");
    let made = done(&operator, "createCacheRule", shop()).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!(outcome(&operator, "/shop/tea").await.0, "STORE");
    assert_eq!(made["enabled"], true);
    assert_eq!(made["version"], 1);
    assert_eq!(made["owner"]["name"].as_str().unwrap(), {
        let me = operator.data("{ me { name } }", json!({})).await;
        me["me"]["name"].as_str().unwrap().to_owned()
    });
    assert_eq!(made["examples"][0]["operation"], "QUERY");

    let change = json!({ "id": id, "basedOn": 1, "sharedMaxAge": 60, "expectedResult": " less work ",
        "rootFields": ["posts", " posts "], "bypass": [{ "kind": "COOKIE", "name": "basket", "reason": "theirs" }] });
    let changed = done(&operator, "updateCacheRule", change.clone()).await;
    assert_eq!(changed["sharedMaxAge"], 60);
    assert_eq!(changed["maxAge"], 30, "left out");
    assert_eq!(changed["expectedResult"], "less work");
    assert_eq!(changed["rootFields"], json!(["posts"]));
    assert_eq!(changed["version"], 2);
    // Somebody else had the first version on their screen.
    let late = problems(&operator, "updateCacheRule", change).await;
    assert_eq!(late, ["CONFLICT basedOn"]);
    // Null empties, and what changes nothing is no change.
    let change =
        json!({ "id": id, "basedOn": 2, "expectedResult": null, "owner": null, "bypass": null });
    let changed = done(&operator, "updateCacheRule", change).await;
    assert_eq!(changed["expectedResult"], json!(null));
    assert_eq!(changed["owner"], json!(null));
    assert_eq!(changed["bypass"], json!([]));
    let same = json!({ "id": id, "basedOn": 3, "sharedMaxAge": 60 });
    assert_eq!(done(&operator, "updateCacheRule", same).await["version"], 3);

    let off = json!({ "rule": { "name": "shop" }, "reason": "prices are wrong" });
    let disabled = done(&operator, "disableCacheRule", off.clone()).await;
    assert_eq!(disabled["enabled"], false);
    assert_eq!(disabled["disabledReason"], "prices are wrong");
    let (what, why) = outcome(&operator, "/shop/tea").await;
    assert_eq!(what, "BYPASS");
    assert!(
        why.contains("`shop`") && why.contains("prices are wrong"),
        "{why}"
    );
    assert_eq!(done(&operator, "disableCacheRule", off).await["version"], 4);
    let on = done(
        &operator,
        "enableCacheRule",
        json!({ "rule": { "id": id } }),
    )
    .await;
    assert_eq!(
        (&on["enabled"], &on["disabledReason"]),
        (&json!(true), &json!(null))
    );
    assert_eq!(outcome(&operator, "/shop/tea").await.0, "STORE");

    // Saying never drops the ages.
    let never = json!({ "id": id, "basedOn": 5, "store": false, "rootFields": [], "examples": [
        { "name": "somebody looks around", "path": "/shop/tea", "cached": false }] });
    let never = done(&operator, "updateCacheRule", never).await;
    assert_eq!(
        (&never["store"], &never["sharedMaxAge"]),
        (&json!(false), &json!(0))
    );
    assert!(
        outcome(&operator, "/shop/tea")
            .await
            .1
            .contains("says never")
    );

    let node = "query($id: ID!) { node(id: $id) { id ... on CacheRule { name } } }";
    let found = operator.data(node, json!({ "id": id })).await;
    assert_eq!(found["node"], json!({ "id": id, "name": "shop" }));
    let public = operator.server.ask(node, json!({ "id": id })).await;
    assert_eq!(public.data()["node"], json!(null));

    let deleted = operator
        .change("deleteCacheRule", json!({ "id": id }), "deletedId")
        .await;
    assert_eq!(deleted["deletedId"], id);
    assert_eq!(rule(&operator, "shop").await, json!(null));
    let found = problems(&operator, "deleteCacheRule", json!({ "id": id })).await;
    assert_eq!(found, ["NOT_FOUND id"]);
    for field in ["enableCacheRule", "disableCacheRule"] {
        for (by, value) in [("id", id), ("name", "shop")] {
            let found = problems(&operator, field, json!({ "rule": { by: value } })).await;
            assert_eq!(found, [format!("NOT_FOUND rule.{by}")], "{field}");
        }
    }
    let problems = problems(
        &operator,
        "updateCacheRule",
        json!({ "id": id, "basedOn": 1 }),
    )
    .await;
    assert_eq!(problems, ["NOT_FOUND id"]);

    assert_eq!(
        operator.audited(id).await,
        [
            "delete", "update", "enable", "disable", "update", "update", "create"
        ]
    );
    let log = "query($id: ID!) { auditEvents(filter: { subject: $id }) { nodes { action before after } } }";
    let log = operator.data(log, json!({ "id": id })).await;
    let lines = log["auditEvents"]["nodes"].as_array().unwrap();
    assert_eq!(lines[6]["before"], json!(null));
    assert_eq!(lines[6]["after"]["sharedMaxAge"], 120);
    assert_eq!(lines[5]["before"]["sharedMaxAge"], 120);
    assert_eq!(lines[5]["after"]["sharedMaxAge"], 60);
    assert_eq!(lines[3]["after"]["disabledReason"], "prices are wrong");
    assert_eq!(lines[0]["before"]["paths"], json!(["/shop/*"]));
    assert_eq!(lines[0]["after"], json!(null));
}

#[rstest]
#[tokio::test]
async fn every_problem_of_a_rule_is_named_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let input = json!({
        "name": "The shop", "purpose": " ", "maxAge": -1, "staleWhileRevalidate": 31_536_001,
        "rootFields": ["posts", "pots", "__schema"],
        "paths": ["shop", "/a b", "/a?b=1", "/".to_owned() + &"x".repeat(500)],
        "bypass": [
            { "kind": "HEADER", "name": "a b", "reason": "" },
            { "kind": "PARAMETER", "name": "", "value": "a\nb", "reason": "x".repeat(201) },
        ],
        "examples": [
            { "name": "", "rootFields": [], "cached": true },
            { "name": "both", "rootFields": ["post"], "path": "/", "cached": true },
            { "name": "unknown", "rootFields": ["pots"], "cached": true,
                "headers": [{ "name": "", "value": "a\nb" }] },
            { "name": "of a host", "path": "example.org/", "cached": false },
        ],
        "owner": crate::support::perspective::id("User", 4_711),
        "expectedResult": "x".repeat(2_001),
    });
    assert_eq!(
        problems(&operator, "createCacheRule", input).await,
        [
            "INVALID maxAge",
            "INVALID name",
            "INVALID purpose",
            "INVALID expectedResult",
            "INVALID rootFields.1",
            "INVALID rootFields.2",
            "INVALID paths.0",
            "INVALID paths.1",
            "INVALID paths.2",
            "INVALID paths.3",
            "INVALID staleWhileRevalidate",
            "INVALID sharedMaxAge",
            "INVALID bypass.0.name",
            "INVALID bypass.0.reason",
            "INVALID bypass.1.name",
            "INVALID bypass.1.value",
            "INVALID bypass.1.reason",
            "INVALID examples.0.name",
            "INVALID examples.0.rootFields",
            "INVALID examples.1.path",
            "INVALID examples.2.rootFields.0",
            "INVALID examples.2.headers.0.name",
            "INVALID examples.2.headers.0.value",
            "INVALID examples.3.path",
            "NOT_FOUND owner",
        ]
    );
    let empty = json!({ "name": "search", "purpose": "None.", "store": false, "sharedMaxAge": 10,
        "bypass": [{ "kind": "PARAMETER", "name": "preview", "reason": "a preview" }], "examples": [] });
    assert_eq!(
        problems(&operator, "createCacheRule", empty).await,
        [
            "INVALID store",
            "TAKEN name",
            "INVALID rootFields",
            "INVALID bypass.0.kind",
            "INVALID examples",
        ]
    );
    let mut browsers = shop();
    browsers["maxAge"] = json!(121);
    assert_eq!(
        problems(&operator, "createCacheRule", browsers).await,
        ["INVALID maxAge"]
    );
    let mut many = shop();
    many["paths"] = (0..101).map(|number| json!(format!("/{number}"))).collect();
    assert_eq!(
        problems(&operator, "createCacheRule", many).await,
        ["INVALID paths"]
    );
    let id = id_of(&operator, "feeds").await;
    let input = json!({ "rule": { "id": id }, "reason": "x".repeat(201) });
    assert_eq!(
        problems(&operator, "disableCacheRule", input).await,
        ["INVALID reason"]
    );
    assert_eq!(rule(&operator, "feeds").await["enabled"], true);
    // Emptying what a rule needs.
    let input = json!({ "id": id, "basedOn": 1, "name": null, "purpose": null, "paths": null,
        "examples": null, "sharedMaxAge": null });
    assert_eq!(
        problems(&operator, "updateCacheRule", input).await,
        [
            "INVALID name",
            "INVALID purpose",
            "INVALID rootFields",
            "INVALID sharedMaxAge",
            "INVALID examples",
        ]
    );
}

#[rstest]
#[tokio::test]
async fn a_rule_that_was_deleted_does_not_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let id = id_of(&operator, "search").await;
    operator
        .change("deleteCacheRule", json!({ "id": id }), "deletedId")
        .await;
    let writer = operator.server.test.store.database.writer();
    Migrator::up(writer, None).await.unwrap();
    assert_eq!(rule(&operator, "search").await, json!(null));
}
