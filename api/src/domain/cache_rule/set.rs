//! All the rules, as they are at a moment.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::condition::FixedCondition;
use super::decide::Reason;
use super::path::{fits, is_disguised, split};
use super::policy::Policy;
use super::read;
use super::rule::CacheRule;
use crate::domain::error::Result;
use crate::domain::perspective::Reader;

/// What kind of operation is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OperationKind {
    /// It reads.
    #[default]
    Query,
    /// It changes something.
    Mutation,
    /// It is told what happens.
    Subscription,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'request> {
    /// An operation of the API.
    Operation {
        /// What kind.
        kind: OperationKind,
        /// The fields at its root, by their names and not their aliases, fragments expanded.
        root_fields: &'request [String],
    },
    /// A page, a feed or a file.
    Page {
        /// Its path, with the query where there is one.
        path: &'request str,
    },
}

impl Target<'_> {
    /// What is fixed about it, whoever asks.
    pub(super) fn fixed(&self) -> Option<FixedCondition> {
        let Self::Operation { kind, root_fields } = self else {
            return None;
        };
        let is_introspection = |field: &String| field.starts_with("__") && field != TYPENAME;
        match kind {
            OperationKind::Mutation => Some(FixedCondition::Mutation),
            OperationKind::Subscription => Some(FixedCondition::Subscription),
            OperationKind::Query if root_fields.iter().any(is_introspection) => {
                Some(FixedCondition::Introspection)
            }
            OperationKind::Query => None,
        }
    }
}

/// The field that is everywhere and asks for nothing.
const TYPENAME: &str = "__typename";

/// All the rules, as they are at a moment. It does not change, and is cheap to share behind an `Arc`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleSet {
    rules: Vec<CacheRule>,
    /// Which of them name a field at the root.
    by_field: HashMap<String, Vec<usize>>,
}

impl RuleSet {
    /// The set of these rules.
    pub fn new(rules: Vec<CacheRule>) -> Self {
        let mut by_field: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            for field in &rule.root_fields {
                by_field.entry(field.clone()).or_default().push(index);
            }
        }
        Self { rules, by_field }
    }

    /// The rules as they are now.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn read(reader: &Reader) -> Result<Self> {
        Ok(Self::new(read::list(reader).await?))
    }

    /// The rules, by name.
    pub fn rules(&self) -> &[CacheRule] {
        &self.rules
    }

    /// How long answers to this may be kept, and what makes a request pass by.
    ///
    /// It does not know who asks: a request that is signed in, has another perspective than
    /// `published`, or asks for a fresh answer passes by as well ([`FixedCondition`]).
    ///
    /// # Errors
    ///
    /// Why they must not be kept at all.
    pub fn allow(&self, target: &Target<'_>) -> Result<Policy, Reason> {
        if let Some(condition) = target.fixed() {
            return Err(Reason::Fixed(condition));
        }
        let rules = self.rules_of(target)?;
        Policy::strictest(&rules, target).ok_or(Reason::AsksForNothing)
    }

    /// Whichever rules name something of the target, on or off, by name.
    pub(super) fn naming(&self, target: &Target<'_>) -> Vec<&CacheRule> {
        let mut found: Vec<usize> = match target {
            Target::Operation {
                kind: OperationKind::Query,
                root_fields,
            } => {
                let fields = root_fields.iter();
                let named = fields.filter_map(|field| self.by_field.get(field));
                named.flatten().copied().collect()
            }
            Target::Operation { .. } => Vec::new(),
            Target::Page { path } => {
                let (path, _) = split(path);
                let rules = self.rules.iter().enumerate();
                rules
                    .filter(|(_, rule)| rule.paths.iter().any(|pattern| fits(pattern, path)))
                    .map(|(index, _)| index)
                    .collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|index| &self.rules[index]).collect()
    }

    /// The rules that together let answers be kept, the strictest first, or why they are not.
    fn rules_of(&self, target: &Target<'_>) -> Result<Vec<&CacheRule>, Reason> {
        let mut found = self.naming(target);
        if let Some(never) = found.iter().find(|rule| !rule.store) {
            return Err(Reason::Never {
                rule: never.name.clone(),
            });
        }
        match target {
            Target::Operation { root_fields, .. } => {
                let mut asked = root_fields
                    .iter()
                    .filter(|field| *field != TYPENAME)
                    .peekable();
                if asked.peek().is_none() {
                    return Err(Reason::AsksForNothing);
                }
                if let Some(field) = asked.find(|field| !self.by_field.contains_key(*field)) {
                    return Err(Reason::NoRule {
                        what: format!("the root field `{field}`"),
                    });
                }
            }
            Target::Page { path } => {
                if is_disguised(split(path).0) {
                    return Err(Reason::Disguised);
                }
                if found.is_empty() {
                    return Err(Reason::NoRule {
                        what: "this path".to_owned(),
                    });
                }
            }
        }
        if let Some(off) = found.iter().find(|rule| !rule.enabled) {
            return Err(Reason::SwitchedOff {
                rule: off.name.clone(),
                reason: off.disabled_reason.clone(),
            });
        }
        found.sort_by_key(|rule| {
            (
                rule.shared_max_age,
                rule.max_age,
                rule.stale_while_revalidate,
            )
        });
        Ok(found)
    }
}
