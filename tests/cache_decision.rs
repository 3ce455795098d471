//! What caches do with a request, explained.

use alphanode::domain::cache_rule::{
    BypassCondition, CacheRequest, CacheRule, ConditionKind, FixedCondition, Header, OperationKind,
    RuleSet, Target, asks_for_fresh,
};
use alphanode::domain::permission::Role;
use alphanode::domain::perspective::Perspective;
use alphanode::foundation::cache_tag::CacheTag;
use chrono::DateTime;
use proptest::prelude::*;
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
        ("{ me { id } }", vec!["me"], "no-store", "BYPASS"),
        (
            "{ posts { totalCount } webhookEndpoints { id } }",
            vec!["posts", "webhookEndpoints"],
            "no-store",
            "BYPASS",
        ),
        ("{ __typename }", vec!["__typename"], "no-store", "BYPASS"),
        (
            "{ __schema { types { name } } }",
            vec!["__schema"],
            "no-store",
            "BYPASS",
        ),
        (
            "{ posts { totalCount } __type(name: \"Post\") { name } }",
            vec!["posts", "__type"],
            "no-store",
            "BYPASS",
        ),
        (
            "mutation { publishPost(input: {}) { post { id } } }",
            vec!["publishPost"],
            "no-store",
            "BYPASS",
        ),
        (
            "mutation { posts { totalCount } }",
            vec!["posts"],
            "no-store",
            "BYPASS",
        ),
        (
            "subscription { postChanged { id } }",
            vec!["postChanged"],
            "no-store",
            "BYPASS",
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
    for (more, conditions, cache_control) in [
        (
            json!({ "signedIn": true }),
            vec!["SIGNED_IN"],
            "private, no-store",
        ),
        (
            json!({ "headers": [{ "name": "authorization", "value": "Bearer x" }] }),
            vec!["SIGNED_IN"],
            "private, no-store",
        ),
        (
            json!({ "perspective": draft }),
            vec!["NOT_PUBLISHED"],
            "private, no-store",
        ),
        (
            json!({ "headers": [{ "name": "x-alphanode-perspective", "value": draft }] }),
            vec!["NOT_PUBLISHED"],
            "private, no-store",
        ),
        (
            json!({ "headers": [{ "name": "X-Alphanode-Perspective", "value": "published" }] }),
            vec![],
            "",
        ),
        (
            json!({ "headers": [{ "name": "Cache-Control", "value": "max-age=0, No-Cache" }] }),
            vec!["FRESH_ASKED"],
            "no-store",
        ),
        (
            json!({ "headers": [{ "name": "Cache-Control", "value": "max-age=0" }] }),
            vec![],
            "",
        ),
        (
            json!({ "signedIn": true, "perspective": "at:2026-01-01T00:00:00Z",
            "headers": [{ "name": "cache-control", "value": "no-store" }] }),
            vec!["SIGNED_IN", "NOT_PUBLISHED", "FRESH_ASKED"],
            "private, no-store",
        ),
    ] {
        for target in [
            json!({ "operation": { "document": "{ posts { totalCount } }" } }),
            json!({ "path": "/posts/retries" }),
        ] {
            let mut request = more.clone();
            request["target"] = target;
            let decision = decide(&operator, request).await;
            assert_eq!(fixed(&decision), conditions, "{more}");
            if conditions.is_empty() {
                assert_eq!(decision["outcome"], "STORE");
                continue;
            }
            assert_eq!(headers(&decision), [cache_control, "BYPASS"], "{more}");
            assert_eq!(decision["decidedBy"], json!(null));
            assert_eq!(
                decision["rules"].as_array().unwrap().len(),
                1,
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
        ("/admin", "BYPASS; rule=admin"),
        ("/admin/posts?x=1", "BYPASS; rule=admin"),
        ("/preview/abc", "BYPASS; rule=previews"),
        ("/account", "BYPASS"),
        ("/administration", "BYPASS"),
        ("/posts/../admin", "BYPASS"),
        ("/posts//x", "BYPASS"),
        ("/posts/%2e%2e/admin", "BYPASS"),
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
    assert_eq!(headers(&decision), ["no-store", "BYPASS; rule=site-pages"]);
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

/// Fields and paths are few, so that rules and requests meet.
fn words(all: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let word = proptest::sample::select(all).prop_map(str::to_owned);
    proptest::collection::vec(word, 0..4)
}

const FIELDS: &[&str] = &[
    "post",
    "posts",
    "search",
    "me",
    "publishPost",
    "__typename",
    "__schema",
];
const PATTERNS: &[&str] = &[
    "/",
    "/*",
    "/posts/*",
    "*",
    "/posts/*/x",
    "/posts/a*b*c",
    "/feed.xml",
];
const PATHS: &[&str] = &[
    "/",
    "/posts/a",
    "/posts/a?x=1",
    "/posts/aXbXc",
    "/posts//x",
    "/feed.xml",
    "/../x",
];
const NAMES: &[&str] = &[
    "authorization",
    "cookie",
    "Cache-Control",
    "x-alphanode-perspective",
    "x-a",
];
const VALUES: &[&str] = &[
    "no-cache",
    "No-Store, max-age=1",
    "published",
    "draft",
    "x=1",
    "",
    "Bearer x",
];

fn any_rule() -> impl Strategy<Value = CacheRule> {
    let kind = proptest::sample::select(vec![
        ConditionKind::Header,
        ConditionKind::Cookie,
        ConditionKind::Parameter,
    ]);
    let condition = (
        kind,
        proptest::sample::select(&["x", "x-a"][..]),
        any::<bool>(),
    );
    let conditions = proptest::collection::vec(condition, 0..3);
    let ages = (0..99_u32, 1..99_u32, 0..99_u32);
    let flags = (any::<bool>(), any::<bool>());
    (words(FIELDS), words(PATTERNS), ages, flags, conditions).prop_map(
        |(root_fields, paths, (max_age, shared_max_age, stale), (store, enabled), conditions)| {
            CacheRule {
                name: format!("rule-{shared_max_age}"),
                root_fields,
                paths,
                store,
                max_age,
                shared_max_age,
                stale_while_revalidate: stale,
                bypass: conditions
                    .into_iter()
                    .map(|(kind, name, any_value)| BypassCondition {
                        kind,
                        name: name.to_owned(),
                        value: (!any_value).then(|| "1".to_owned()),
                        reason: String::new(),
                    })
                    .collect(),
                enabled,
                ..one_rule()
            }
        },
    )
}

#[derive(Clone, Debug)]
struct Asked {
    kind: OperationKind,
    root_fields: Vec<String>,
    path: Option<String>,
    headers: Vec<Header>,
    signed_in: bool,
    perspective: Perspective,
}

fn any_request() -> impl Strategy<Value = Asked> {
    let kind = proptest::sample::select(vec![
        OperationKind::Query,
        OperationKind::Query,
        OperationKind::Mutation,
        OperationKind::Subscription,
    ]);
    let path = proptest::option::of(proptest::sample::select(PATHS).prop_map(str::to_owned));
    let header = (
        proptest::sample::select(NAMES),
        proptest::sample::select(VALUES),
    );
    let header = header.prop_map(|(name, value)| Header {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    let perspective = proptest::sample::select(vec![
        Perspective::Published,
        Perspective::Published,
        Perspective::Draft,
        Perspective::Release(1),
    ]);
    let headers = proptest::collection::vec(header, 0..3);
    (
        kind,
        words(FIELDS),
        path,
        headers,
        any::<bool>(),
        perspective,
    )
        .prop_map(
            |(kind, root_fields, path, headers, signed_in, perspective)| Asked {
                kind,
                root_fields,
                path,
                headers,
                signed_in,
                perspective,
            },
        )
}

impl Asked {
    fn request(&self) -> CacheRequest<'_> {
        CacheRequest {
            target: match &self.path {
                Some(path) => Target::Page { path },
                None => Target::Operation {
                    kind: self.kind,
                    root_fields: &self.root_fields,
                },
            },
            headers: &self.headers,
            signed_in: self.signed_in,
            perspective: self.perspective,
        }
    }

    /// Whether no rule whatever may let it be kept.
    fn must_pass_by(&self) -> bool {
        let mut headers = self.headers.iter();
        let in_headers = headers.any(
            |Header { name, value }| match name.to_lowercase().as_str() {
                "authorization" => true,
                "x-alphanode-perspective" => value != "published",
                "cache-control" => asks_for_fresh(value),
                _ => false,
            },
        );
        let is_operation = self.path.is_none();
        in_headers
            || self.signed_in
            || self.perspective != Perspective::Published
            || (is_operation && self.kind != OperationKind::Query)
            || (is_operation && self.root_fields.iter().any(|field| field == "__schema"))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever the rules say: nobody's own answer is ever kept, and what is kept is by all the rules
    /// that name something of it, the strictest of them.
    #[test]
    fn no_rule_lets_be_kept_what_must_not(
        rules in proptest::collection::vec(any_rule(), 0..6),
        asked in any_request(),
    ) {
        let set = RuleSet::new(rules.clone());
        let request = asked.request();
        let decision = set.decide(&request);
        let policy = set.policy(&request.target);
        if asked.must_pass_by() {
            prop_assert_eq!(&decision.policy, &None);
        }
        let Some(kept) = decision.policy else {
            prop_assert!(decision.cache_control().ends_with("no-store"));
            return Ok(());
        };
        prop_assert_eq!(Some(&kept), policy.as_ref());
        prop_assert!(kept.shared_max_age > 0);
        // Rules that name nothing of it change nothing, and those that do can only shorten it.
        for rule in &rules {
            let alone = RuleSet::new(vec![rule.clone()]);
            if alone.decide(&request).rule_ids.is_empty() {
                continue;
            }
            prop_assert!(rule.enabled && rule.store);
            prop_assert!(kept.shared_max_age <= rule.shared_max_age);
            prop_assert!(kept.max_age <= rule.max_age);
            prop_assert!(kept.stale_while_revalidate <= rule.stale_while_revalidate);
        }
        // Switching any of them off never lets more be kept.
        for index in 0..rules.len() {
            let mut fewer = rules.clone();
            fewer[index].enabled = false;
            if let Some(policy) = RuleSet::new(fewer).decide(&request).policy {
                prop_assert_eq!(&policy, &kept);
            }
        }
    }

    /// Patterns mean what a regular expression with `.*` in place of `*` means.
    #[test]
    fn a_pattern_fits_as_one_would_think(pattern in "/[ab*]{0,6}", path in "/[ab]{0,8}") {
        fn fits(pattern: &[u8], path: &[u8]) -> bool {
            match (pattern, path) {
                ([], _) => path.is_empty(),
                ([b'*', rest @ ..], _) => (0..=path.len()).any(|at| fits(rest, &path[at..])),
                ([one, rest @ ..], [first, left @ ..]) => one == first && fits(rest, left),
                (_, []) => false,
            }
        }
        let rule = CacheRule { paths: vec![pattern.clone()], ..one_rule() };
        let policy = RuleSet::new(vec![rule]).policy(&Target::Page { path: &path });
        prop_assert_eq!(policy.is_some(), fits(pattern.as_bytes(), path.as_bytes()));
    }

    /// A tag is read as what it was written from, and nothing else is one.
    #[test]
    fn a_tag_is_read_as_it_is_written(text in "(list:|post:|entity:|tool:)?[a-z0-9+-]{0,8}|\\*") {
        if let Some(tag) = CacheTag::parse(&text) {
            prop_assert_eq!(tag.to_string(), text);
        }
    }
}

fn one_rule() -> CacheRule {
    CacheRule {
        id: 1,
        name: "one".into(),
        purpose: String::new(),
        root_fields: Vec::new(),
        paths: Vec::new(),
        store: true,
        max_age: 0,
        shared_max_age: 1,
        stale_while_revalidate: 0,
        bypass: Vec::new(),
        examples: Vec::new(),
        owner_id: None,
        expected_result: None,
        rollback_note: None,
        enabled: true,
        disabled_reason: None,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}

#[test]
fn every_tag_can_be_read_back() {
    for tag in [
        CacheTag::All,
        CacheTag::Row("post", 17),
        CacheTag::Row("cache_rule", 1),
        CacheTag::List("entity"),
        CacheTag::List("post"),
        CacheTag::List("redirect"),
    ] {
        assert_eq!(CacheTag::parse(&tag.to_string()), Some(tag));
    }
}
