//! What caches do with a request, explained.

use alphanode::domain::cache_rule::FixedCondition;
use alphanode::domain::permission::Role;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::operator::Operator;
use crate::support::{Backend, TestServer};

const DECISION: &str = "query($request: CacheRequestInput!) { cacheDecision(request: $request) {
    outcome reason decidedBy rootFields maxAge sharedMaxAge staleWhileRevalidate
    rules { name } condition { kind name reason } headers { name value }
    fixedConditions { condition reason holds } } }";

async fn decide(operator: &Operator, request: Value) -> Value {
    let data = operator.data(DECISION, json!({ "request": request }));
    data.await["cacheDecision"].clone()
}

/// What the answer would say to caches.
fn headers(decision: &Value) -> [&str; 2] {
    assert_eq!(decision["headers"][0]["name"], "Cache-Control");
    assert_eq!(decision["headers"][1]["name"], "X-Cache");
    [0, 1].map(|index| decision["headers"][index]["value"].as_str().unwrap())
}

/// Which fixed conditions hold.
fn fixed(decision: &Value) -> Vec<&str> {
    let all = decision["fixedConditions"].as_array().unwrap();
    assert_eq!(all.len(), FixedCondition::ALL.len());
    assert_eq!(all.iter().filter(|one| one["holds"].is_null()).count(), 1);
    let holding = all.iter().filter(|one| one["holds"] == true);
    holding
        .map(|one| one["condition"].as_str().unwrap())
        .collect()
}

#[rstest]
#[tokio::test]
async fn operations_are_explained(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let published = "public, max-age=0, s-maxage=300, stale-while-revalidate=60";
    let search = "public, max-age=0, s-maxage=60, stale-while-revalidate=30";
    let strictest = "MISS; rule=search+published-content";
    for (document, root_fields, cache_control, x_cache) in [
        (
            "{ posts { nodes { title } } }",
            vec!["posts"],
            published,
            "MISS; rule=published-content",
        ),
        (
            "{ a: post(by: {slug: \"x\"}) { id } b: post(by: {slug: \"y\"}) { id } __typename }",
            vec!["post", "__typename"],
            published,
            "MISS; rule=published-content",
        ),
        (
            "query A { ...F } fragment F on Query { tools { nodes { id } } ...G }
            fragment G on Query { ... on Query { search(query: \"x\") { totalCount } } }",
            vec!["tools", "search"],
            search,
            strictest,
        ),
        (
            "query($x: Boolean!) { posts { totalCount } search(query: \"x\") @include(if: $x) { totalCount } }",
            vec!["posts", "search"],
            search,
            strictest,
        ),
        (
            "{ me { id } }",
            vec!["me"],
            "no-store",
            "BYPASS; reason=no-rule",
        ),
        (
            "{ posts { totalCount } webhookEndpoints { id } }",
            vec!["posts", "webhookEndpoints"],
            "no-store",
            "BYPASS; reason=no-rule",
        ),
        (
            "{ __typename }",
            vec!["__typename"],
            "no-store",
            "BYPASS; reason=no-rule",
        ),
        (
            "{ __schema { types { name } } }",
            vec!["__schema"],
            "no-store",
            "BYPASS; reason=introspection",
        ),
        (
            "{ posts { totalCount } __type(name: \"Post\") { name } }",
            vec!["posts", "__type"],
            "no-store",
            "BYPASS; reason=introspection",
        ),
        (
            "mutation { publishPost(input: {}) { post { id } } }",
            vec!["publishPost"],
            "no-store",
            "BYPASS; reason=not-a-query",
        ),
        (
            "mutation { posts { totalCount } }",
            vec!["posts"],
            "no-store",
            "BYPASS; reason=not-a-query",
        ),
        (
            "subscription { postChanged { id } }",
            vec!["postChanged"],
            "no-store",
            "BYPASS; reason=not-a-query",
        ),
    ] {
        let request = json!({ "target": { "operation": { "document": document } } });
        let decision = decide(&operator, request).await;
        assert_eq!(decision["rootFields"], json!(root_fields), "{document}");
        assert_eq!(headers(&decision), [cache_control, x_cache], "{document}");
        let is_kept = x_cache.starts_with("MISS");
        assert_eq!(
            decision["outcome"],
            if is_kept { "STORE" } else { "BYPASS" }
        );
        assert_eq!(decision["sharedMaxAge"].is_null(), !is_kept);
    }

    let two = "query A { posts { totalCount } } query B { me { id } }";
    let named = |name: Value| json!({ "target": { "operation": { "document": two, "operationName": name } } });
    assert_eq!(
        decide(&operator, named(json!("A"))).await["outcome"],
        "STORE"
    );
    let decision = decide(&operator, named(json!("B"))).await;
    assert_eq!(decision["outcome"], "BYPASS");
    let reason = "no rule names the root field `me`, and what no rule names is never kept";
    assert_eq!(decision["reason"], reason);

    // What can't be explained is said.
    for (target, word) in [
        (named(json!(null))["target"].clone(), "operationName"),
        (named(json!("C"))["target"].clone(), "operationName"),
        (json!({ "operation": { "document": "{" } }), "can't be read"),
        (
            json!({ "operation": { "document": "{ ...F } fragment F on Query { ...F }" } }),
            "spreads itself",
        ),
        (json!({ "path": "example.org/posts" }), "host"),
    ] {
        let variables = json!({ "request": { "target": target } });
        let answer = operator
            .server
            .ask_as(&operator.admin.token, DECISION, variables)
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(word), "{message}");
    }
}

#[rstest]
#[tokio::test]
async fn what_no_rule_can_undo_is_told(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let draft = "draft";
    let ages = "public, max-age=0, s-maxage=300, stale-while-revalidate=60";
    for (more, conditions, cache_control, word) in [
        (
            json!({ "signedIn": true }),
            vec!["SIGNED_IN"],
            "private, no-store",
            "signed-in",
        ),
        (
            json!({ "headers": [{ "name": "authorization", "value": "Bearer x" }] }),
            vec!["SIGNED_IN"],
            "private, no-store",
            "signed-in",
        ),
        (
            json!({ "perspective": draft }),
            vec!["NOT_PUBLISHED"],
            "private, no-store",
            "perspective",
        ),
        (
            json!({ "headers": [{ "name": "x-alphanode-perspective", "value": draft }] }),
            vec!["NOT_PUBLISHED"],
            "private, no-store",
            "perspective",
        ),
        (
            json!({ "headers": [{ "name": "X-Alphanode-Perspective", "value": "published" }] }),
            vec![],
            ages,
            "",
        ),
        (
            json!({ "headers": [{ "name": "Cache-Control", "value": "max-age=0, No-Cache" }] }),
            vec!["FRESH_ASKED"],
            "no-store",
            "new-wanted",
        ),
        (
            json!({ "headers": [{ "name": "Cache-Control", "value": "max-age=0" }] }),
            vec![],
            ages,
            "",
        ),
        (
            json!({ "signedIn": true, "perspective": "at:2026-01-01T00:00:00Z",
            "headers": [{ "name": "cache-control", "value": "no-store" }] }),
            vec!["SIGNED_IN", "NOT_PUBLISHED", "FRESH_ASKED"],
            "private, no-store",
            "signed-in",
        ),
    ] {
        for (rule, target) in [
            (
                "published-content",
                json!({ "operation": { "document": "{ posts { totalCount } }" } }),
            ),
            ("site-pages", json!({ "path": "/posts/retries" })),
        ] {
            let mut request = more.clone();
            request["target"] = target;
            let decision = decide(&operator, request).await;
            assert_eq!(fixed(&decision), conditions, "{more}");
            let x_cache = match word {
                "" => format!("MISS; rule={rule}"),
                "new-wanted" => format!("BYPASS; rule={rule}; reason={word}"),
                _ => format!("BYPASS; reason={word}"),
            };
            assert_eq!(headers(&decision), [cache_control, &x_cache], "{more}");
            assert_eq!(
                decision["rules"],
                json!([{ "name": rule }]),
                "named all the same"
            );
        }
    }
    let request = json!({ "target": { "path": "/" }, "perspective": "tomorrow" });
    let variables = json!({ "request": request });
    let answer = operator
        .server
        .ask_as(&operator.admin.token, DECISION, variables)
        .await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
}

#[rstest]
#[tokio::test]
async fn pages_are_explained(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let feeds = "public, max-age=600, s-maxage=600, stale-while-revalidate=600";
    for (path, x_cache) in [
        ("/", "MISS; rule=site-pages"),
        ("/posts/retries?utm_source=x", "MISS; rule=site-pages"),
        ("/posts/%C3%BCber", "MISS; rule=site-pages"),
        ("/feed.xml", "MISS; rule=feeds"),
        ("/sitemap-12.xml", "MISS; rule=feeds"),
        ("/admin", "BYPASS; rule=admin; reason=never"),
        ("/admin/posts?x=1", "BYPASS; rule=admin; reason=never"),
        ("/preview/abc", "BYPASS; rule=previews; reason=never"),
        ("/account", "BYPASS; reason=no-rule"),
        ("/administration", "BYPASS; reason=no-rule"),
        ("/posts/../admin", "BYPASS; reason=path"),
        ("/posts//x", "BYPASS; reason=path"),
        ("/posts/%2e%2e/admin", "BYPASS; reason=path"),
    ] {
        let decision = decide(&operator, json!({ "target": { "path": path } })).await;
        let [cache_control, found] = headers(&decision);
        assert_eq!(found, x_cache, "{path}: {decision:#}");
        assert_eq!(decision["rootFields"], json!(null));
        if x_cache.ends_with("feeds") {
            assert_eq!(cache_control, feeds);
        }
    }
    let cookies = |value: &str| {
        json!({ "target": { "path": "/" }, "headers": [
            { "name": "cookie", "value": "theme=dark" }, { "name": "Cookie", "value": value }] })
    };
    let decision = decide(&operator, cookies("a=b;__prerender_bypass=1")).await;
    assert_eq!(
        headers(&decision),
        ["no-store", "BYPASS; rule=site-pages; reason=condition"]
    );
    assert_eq!(decision["condition"]["kind"], "COOKIE");
    assert!(
        decision["reason"]
            .as_str()
            .unwrap()
            .contains("draft mode of Next.js")
    );
    let decision = decide(&operator, cookies("a__prerender_bypass=1")).await;
    assert_eq!(decision["outcome"], "STORE");
}

/// What is explained is what is done.
#[rstest]
#[tokio::test]
async fn the_server_does_as_it_explains(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let bearer = format!("Bearer {}", operator.admin.token);
    let off = json!({ "rule": { "name": "search" } });
    for is_off in [false, true] {
        if is_off {
            operator
                .change("disableCacheRule", off.clone(), "__typename")
                .await;
        }
        for (document, header) in [
            ("{ posts { totalCount } }", ("x-a", "b")),
            (
                "{ posts { totalCount } search(query: \"x\") { totalCount } }",
                ("x-a", "b"),
            ),
            ("{ tools { totalCount } }", ("cache-control", "no-cache")),
            ("{ me { id } }", ("cache-control", "no-cache")),
            ("{ posts { totalCount } me { id } }", ("x-a", "b")),
            ("{ __typename }", ("x-a", "b")),
            ("{ __schema { queryType { name } } }", ("x-a", "b")),
            ("{ stacks { totalCount } }", ("authorization", &bearer)),
            (
                "mutation { purgeCache(input: { tags: [\"*\"] }) { tags } }",
                ("x-a", "b"),
            ),
        ] {
            let (name, value) = header;
            let request = json!({
                "target": { "operation": { "document": document } },
                "headers": [{ "name": name, "value": value }],
            });
            let decision = decide(&operator, request).await;
            let answer = operator
                .server
                .ask_with(&[header], document, json!({}))
                .await;
            let said =
                ["cache-control", "x-cache"].map(|name| answer.headers[name].to_str().unwrap());
            let said = said.map(|text| text.replace("HIT", "MISS"));
            assert_eq!(said, headers(&decision), "{document} {header:?}");
        }
    }
}

/// The conditions of a rule: by name, by value, by parameter.
#[rstest]
#[tokio::test]
async fn conditions_of_a_rule_make_requests_pass_by(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(operator) = Operator::create(backend).await else {
        return;
    };
    let input = json!({
        "name": "shop", "purpose": "The shop.", "paths": ["/shop/*"], "sharedMaxAge": 60,
        "bypass": [
            { "kind": "PARAMETER", "name": "preview", "reason": "a preview" },
            { "kind": "PARAMETER", "name": "page", "value": "über 1", "reason": "odd pages" },
            { "kind": "HEADER", "name": "X-Country", "value": "CH", "reason": "other prices" },
            { "kind": "COOKIE", "name": "basket", "reason": "theirs" },
        ],
        "examples": [
            { "name": "the shop", "path": "/shop/tea", "cached": true },
            { "name": "a preview", "path": "/shop/tea?preview", "cached": false },
            { "name": "abroad", "path": "/shop/tea", "headers": [{ "name": "x-country", "value": "CH" }],
                "cached": false },
        ],
    });
    let payload = operator
        .change("createCacheRule", input, "cacheRule { id }")
        .await;
    assert_eq!(payload["userErrors"], json!([]));
    for (path, name, value, reason) in [
        ("/shop/tea?preview=1", "a", "", Some("a preview")),
        ("/shop/tea?page=%C3%BCber+1", "a", "", Some("odd pages")),
        ("/shop/tea?page=2&previews=1", "a", "", None),
        ("/shop/tea#?preview=1", "a", "", None),
        ("/shop/tea", "x-country", "CH", Some("other prices")),
        ("/shop/tea", "x-country", "DE", None),
        ("/shop/tea", "cookie", "basket", Some("theirs")),
        ("/shop/tea", "cookie", "basket=; a=b", Some("theirs")),
    ] {
        let request =
            json!({ "target": { "path": path }, "headers": [{ "name": name, "value": value }] });
        let decision = decide(&operator, request).await;
        let expected = reason.map_or(Value::Null, Value::from);
        assert_eq!(
            decision["condition"]["reason"], expected,
            "{path} {name}: {value}"
        );
    }
}

#[tokio::test]
async fn rules_and_decisions_are_for_editors() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let author = server.sign_in_as(Role::Author).await;
    let request = json!({ "request": { "target": { "path": "/" } } });
    let answer = server
        .ask_as(&author.token, DECISION, request.clone())
        .await;
    assert_eq!(answer.code(), "FORBIDDEN");
    assert_eq!(
        server.ask(DECISION, request).await.code(),
        "UNAUTHENTICATED"
    );
    let editor = server.sign_in_as(Role::Editor).await;
    let document = "mutation { purgeCache(input: { tags: [\"*\"] }) { tags } }";
    let answer = server.ask_as(&editor.token, document, json!({})).await;
    assert_eq!(answer.code(), "FORBIDDEN");
}
