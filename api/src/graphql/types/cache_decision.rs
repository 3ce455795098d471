//! Why a request is kept by caches, or is not.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};

use super::cache_rule::{CacheBypassCondition, CacheRule, HttpHeader};
use crate::domain::cache_rule::{self, CacheDecision as Decision, FixedCondition, Reason, RuleSet};

/// A request to be explained.
#[derive(Clone, Debug, InputObject)]
pub struct CacheRequestInput {
    /// What it is for.
    pub target: CacheTargetInput,
    /// Its headers. `Authorization`, `Cache-Control`, `Cookie` and `X-Alphanode-Perspective` mean what
    /// they do in a request.
    #[graphql(default)]
    pub headers: Vec<HttpHeader>,
    /// Whether it brings a credential.
    #[graphql(default)]
    pub signed_in: bool,
    /// What it sees, as in the header `X-Alphanode-Perspective`.
    #[graphql(default = "published")]
    pub perspective: String,
}

/// What a request is for.
#[derive(Clone, Debug, OneofObject)]
pub enum CacheTargetInput {
    /// A page, a feed or a file: its path, with the query where there is one, e.g.
    /// `/posts/retries?preview=1`.
    Path(String),
    /// An operation of the API.
    Operation(CacheOperationInput),
}

/// An operation of the API.
#[derive(Clone, Debug, InputObject)]
pub struct CacheOperationInput {
    /// The text of the document. It is read, not run; it need not fit the schema.
    pub document: String,
    /// Which of its operations, where it has several.
    pub operation_name: Option<String>,
}

/// What caches do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CacheOutcome {
    /// Its answer is kept, if it is one without errors, and is answered from the cache next time.
    Store,
    /// It passes by: its answer is made anew, and not kept.
    Bypass,
}

/// Why no rule can make a request be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cache_rule::FixedCondition")]
pub enum CacheFixedConditionKind {
    /// It is a mutation.
    Mutation,
    /// It is a subscription.
    Subscription,
    /// It asks for `__schema` or `__type`.
    Introspection,
    /// It brings a credential: of a user, a script, or a preview link.
    SignedIn,
    /// Its perspective is another than `published`.
    NotPublished,
    /// Its `Cache-Control` has `no-cache` or `no-store`.
    FreshAsked,
    /// Its answer has errors.
    Errors,
}

/// Something that no rule can undo.
#[derive(Clone, Debug, SimpleObject)]
pub struct CacheFixedCondition {
    /// Which it is.
    pub condition: CacheFixedConditionKind,
    /// What it is, and why such a request is not kept.
    pub reason: &'static str,
    /// Whether it holds for the request; null for `ERRORS`, which nobody knows before it is answered.
    pub holds: Option<bool>,
}

/// What caches do with a request, and why.
#[derive(SimpleObject)]
pub struct CacheDecision {
    /// What is done.
    pub outcome: CacheOutcome,
    /// Why, in words.
    pub reason: String,
    /// The name of the rule that decided, as in the header `X-Cache`; several are joined by `+`, the
    /// strictest first. Null when it was no rule.
    pub decided_by: Option<String>,
    /// The rules that name something of the request, on or off, by name.
    pub rules: Vec<CacheRule>,
    /// The condition of a rule that makes it pass by; null when that was not the reason.
    pub condition: Option<CacheBypassCondition>,
    /// The fields at the root of the operation, fragments expanded; null for a page.
    pub root_fields: Option<Vec<String>>,
    /// For how many seconds browsers keep the answer without asking; null when it is not kept.
    pub max_age: Option<u32>,
    /// For how many seconds shared caches keep it; null when it is not kept.
    pub shared_max_age: Option<u32>,
    /// For how many seconds after that it may be handed out while a newer one is fetched; null when it is
    /// not kept.
    pub stale_while_revalidate: Option<u32>,
    /// What the answer says to caches: `Cache-Control`, and `X-Cache`, which says `HIT` instead of `MISS`
    /// once the answer is kept. One that is kept also has `ETag`, `Surrogate-Key` and `Cache-Tag`, by
    /// what it was made from.
    pub headers: Vec<HttpHeader>,
    /// Everything that no rule can undo, and whether it holds for this request.
    pub fixed_conditions: Vec<CacheFixedCondition>,
}

impl CacheDecision {
    /// A decision of these rules, as the API tells it.
    pub(in crate::graphql) fn of(
        decision: Decision,
        rules: &RuleSet,
        root_fields: Option<Vec<String>>,
    ) -> Self {
        let named = rules.rules().iter();
        let named = named.filter(|rule| decision.rule_ids.contains(&rule.id));
        let policy = decision.policy.as_ref();
        let decided_by = decision.reason.rules().map(str::to_owned);
        let mut x_cache = match policy {
            Some(_) => "MISS".to_owned(),
            None => "BYPASS".to_owned(),
        };
        for (name, value) in [
            ("rule", decision.reason.rules()),
            ("reason", decision.reason.word()),
        ] {
            x_cache.extend(value.map(|value| format!("; {name}={value}")));
        }
        let header = |name: &str, value: String| HttpHeader {
            name: name.to_owned(),
            value,
        };
        Self {
            outcome: match policy {
                Some(_) => CacheOutcome::Store,
                None => CacheOutcome::Bypass,
            },
            reason: decision.reason.to_string(),
            rules: named.cloned().map(CacheRule).collect(),
            condition: match &decision.reason {
                Reason::Condition { condition, .. } => Some(condition.clone().into()),
                _ => None,
            },
            root_fields,
            max_age: policy.map(|policy| policy.max_age),
            shared_max_age: policy.map(|policy| policy.shared_max_age),
            stale_while_revalidate: policy.map(|policy| policy.stale_while_revalidate),
            headers: vec![
                header("Cache-Control", decision.cache_control().to_owned()),
                header("X-Cache", x_cache),
            ],
            fixed_conditions: fixed_conditions(&decision),
            decided_by,
        }
    }
}

fn fixed_conditions(decision: &cache_rule::CacheDecision) -> Vec<CacheFixedCondition> {
    let all = FixedCondition::ALL.into_iter();
    all.map(|condition| CacheFixedCondition {
        condition: condition.into(),
        reason: condition.words(),
        holds: (condition != FixedCondition::Errors).then(|| decision.fixed.contains(&condition)),
    })
    .collect()
}
