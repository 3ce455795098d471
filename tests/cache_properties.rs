//! What holds of cache rules and tags whatever they are.

use alphanode::domain::cache_rule::{
    BypassCondition, CacheRequest, CacheRule, ConditionKind, Header, OperationKind, RuleSet,
    Target, asks_for_fresh,
};
use alphanode::domain::perspective::Perspective;
use alphanode::foundation::cache_tag::CacheTag;
use chrono::DateTime;
use proptest::prelude::*;

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
        let policy = set.allow(&request.target).ok();
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
        let policy = RuleSet::new(vec![rule]).allow(&Target::Page { path: &path }).ok();
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
