//! Why a request is kept, or is not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::condition::{BypassCondition, FixedCondition, asks_for_fresh};
use super::example::Header;
use super::policy::Policy;
use super::set::{RuleSet, Target};
use crate::domain::perspective::{self, Perspective};

/// A request, as far as caches care.
#[derive(Clone, Copy, Debug)]
pub struct CacheRequest<'request> {
    /// What it is for.
    pub target: Target<'request>,
    /// Its headers.
    pub headers: &'request [Header],
    /// Whether it brings a credential. One in the headers is seen there.
    pub signed_in: bool,
    /// What it sees. Another one in the headers is seen there.
    pub perspective: Perspective,
}

impl CacheRequest<'_> {
    /// The values of its headers by their names in lower case, those that come twice joined.
    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for Header { name, value } in self.headers {
            let name = name.to_ascii_lowercase();
            let between = if name == "cookie" { "; " } else { ", " };
            match headers.get_mut(&name) {
                Some(known) => known.extend([between, value]),
                None => {
                    headers.insert(name, value.clone());
                }
            }
        }
        headers
    }

    /// What about it no rule can undo, as far as that can be said before it is answered.
    fn fixed(&self, headers: &BTreeMap<String, String>) -> BTreeSet<FixedCondition> {
        let mut fixed: BTreeSet<FixedCondition> = self.target.fixed().into_iter().collect();
        if self.signed_in || headers.contains_key("authorization") {
            fixed.insert(FixedCondition::SignedIn);
        }
        let named = headers.get(perspective::HEADER);
        let sees_more = named.is_some_and(|named| named.trim() != perspective::PUBLISHED);
        if sees_more || self.perspective != Perspective::Published {
            fixed.insert(FixedCondition::NotPublished);
        }
        let cache_control = headers.get("cache-control");
        if cache_control.is_some_and(|value| asks_for_fresh(value)) {
            fixed.insert(FixedCondition::FreshAsked);
        }
        fixed
    }
}

/// What is done with a request, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDecision {
    /// Why.
    pub reason: Reason,
    /// What its answer may be kept by; none when the request passes by.
    pub policy: Option<Policy>,
    /// The keys of the rules that name something of it, whatever came of that.
    pub rule_ids: Vec<i64>,
    /// What about it no rule can undo, as far as that can be said before it is answered.
    pub fixed: BTreeSet<FixedCondition>,
}

/// Why a request is kept, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No rule could change it.
    Fixed(FixedCondition),
    /// The operation has no field but `__typename`.
    AsksForNothing,
    /// No rule names it.
    NoRule {
        /// What of it.
        what: String,
    },
    /// The path may be another spelling of a page that must not be kept.
    Disguised,
    /// A rule says never.
    Never {
        /// Which.
        rule: String,
    },
    /// A rule is off.
    SwitchedOff {
        /// Which.
        rule: String,
        /// Why, where somebody said.
        reason: Option<String>,
    },
    /// A condition of a rule holds.
    Condition {
        /// All the rules that name something of it, as a policy has them.
        rules: Arc<str>,
        /// Which of them has the condition.
        rule: String,
        /// The condition.
        condition: BypassCondition,
    },
    /// The request asks for a fresh answer.
    FreshAsked {
        /// The rules that would let it be kept, as a policy has them.
        rules: Arc<str>,
    },
    /// It is kept.
    Kept(Policy),
}

impl Reason {
    /// The rule that decided, or the rules, as the header `X-Cache` names them; none when it was no rule.
    pub fn rules(&self) -> Option<&str> {
        match self {
            Self::Never { rule } | Self::SwitchedOff { rule, .. } => Some(rule),
            Self::Condition { rules, .. } | Self::FreshAsked { rules } => Some(rules),
            Self::Kept(policy) => Some(&policy.rules),
            Self::Fixed(_) | Self::AsksForNothing | Self::NoRule { .. } | Self::Disguised => None,
        }
    }

    /// Why it is not kept, as a word in `X-Cache`; none when it is.
    pub fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Fixed(condition) => condition.word(),
            Self::AsksForNothing | Self::NoRule { .. } => "no-rule",
            Self::Disguised => "path",
            Self::Never { .. } => "never",
            Self::SwitchedOff { .. } => "switched-off",
            Self::Condition { .. } => "condition",
            Self::FreshAsked { .. } => FixedCondition::FreshAsked.word(),
            Self::Kept(_) => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(condition) => formatter.write_str(condition.words()),
            Self::AsksForNothing => formatter
                .write_str("it asks for nothing but `__typename`, so there is nothing to keep"),
            Self::NoRule { what } => write!(
                formatter,
                "no rule names {what}, and what no rule names is never kept"
            ),
            Self::Disguised => formatter.write_str(
                "the path holds `//`, `.`, `..`, a backslash or an escaped letter of ASCII: it may be \
                 another spelling of a page that must not be kept",
            ),
            Self::Never { rule } => write!(formatter, "the rule `{rule}` says never"),
            Self::SwitchedOff { rule, reason } => {
                write!(formatter, "the rule `{rule}` is switched off")?;
                if let Some(reason) = reason {
                    write!(formatter, " ({reason})")?;
                }
                formatter.write_str(", and nothing that it names is kept meanwhile")
            }
            Self::FreshAsked { .. } => formatter.write_str(FixedCondition::FreshAsked.words()),
            Self::Condition {
                rule, condition, ..
            } => write!(
                formatter,
                "{condition}, and the rule `{rule}` says why that passes by: {}",
                condition.reason
            ),
            Self::Kept(policy) => {
                let Policy {
                    rules,
                    max_age,
                    shared_max_age,
                    stale_while_revalidate,
                    ..
                } = policy;
                match rules.split_once('+') {
                    None => write!(formatter, "by the rule `{rules}`")?,
                    Some((_, _)) => write!(
                        formatter,
                        "by the strictest of the rules `{}`",
                        rules.replace('+', "`, `")
                    )?,
                }
                write!(
                    formatter,
                    " shared caches keep it for {shared_max_age} s, and may hand it out for \
                     {stale_while_revalidate} s more while a newer one is fetched; browsers keep it \
                     for {max_age} s"
                )
            }
        }
    }
}

impl RuleSet {
    /// What is done with a request, and why.
    pub fn decide(&self, request: &CacheRequest<'_>) -> CacheDecision {
        let headers = request.headers();
        let fixed = request.fixed(&headers);
        let target = &request.target;
        let mut sooner = fixed.iter().copied();
        let sooner = sooner.find(|condition| *condition != FixedCondition::FreshAsked);
        let reason = match (sooner, self.allow(target)) {
            (Some(condition), _) => Reason::Fixed(condition),
            (None, Err(reason)) => reason,
            (None, Ok(policy)) => {
                let header = |name: &str| {
                    let value = headers.get(&name.to_ascii_lowercase());
                    value.map(String::as_str)
                };
                match policy.bypass(header) {
                    Some(condition) => self.passes_by(target, &policy, condition),
                    None if fixed.contains(&FixedCondition::FreshAsked) => Reason::FreshAsked {
                        rules: policy.rules,
                    },
                    None => Reason::Kept(policy),
                }
            }
        };
        let policy = match &reason {
            Reason::Kept(policy) => Some(policy.clone()),
            _ => None,
        };
        let named = self.naming(target).into_iter();
        CacheDecision {
            reason,
            policy,
            rule_ids: named.map(|rule| rule.id).collect(),
            fixed,
        }
    }

    /// The reason of a condition that holds.
    fn passes_by(
        &self,
        target: &Target<'_>,
        policy: &Policy,
        condition: &BypassCondition,
    ) -> Reason {
        let mut rules = self.naming(target).into_iter();
        let having = rules.find(|rule| rule.bypass.contains(condition));
        Reason::Condition {
            rules: Arc::clone(&policy.rules),
            rule: having.map_or_else(String::new, |rule| rule.name.clone()),
            condition: condition.clone(),
        }
    }
}

impl CacheDecision {
    /// The header `Cache-Control` of the answer.
    pub fn cache_control(&self) -> &str {
        let is_private = |condition: &FixedCondition| {
            matches!(
                condition,
                FixedCondition::SignedIn | FixedCondition::NotPublished
            )
        };
        match &self.policy {
            Some(policy) => &policy.cache_control,
            None if self.fixed.iter().any(is_private) => "private, no-store",
            None => "no-store",
        }
    }
}
