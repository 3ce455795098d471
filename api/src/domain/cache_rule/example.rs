//! Examples: requests that must be kept, and requests that must not.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::decide::{CacheRequest, Reason};
use super::set::{OperationKind, RuleSet, Target};
use crate::domain::perspective::Perspective;

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name, the same in upper and lower case.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request, and whether its answer must be kept: of the public and in the perspective `published`
/// unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Example {
    /// What happens, in words.
    pub name: String,
    /// The kind of its operation.
    #[serde(default)]
    pub operation: OperationKind,
    /// The fields at the root of its operation; none when it is for a page.
    #[serde(default)]
    pub root_fields: Vec<String>,
    /// The path of its page, with the query where there is one; absent when it is an operation.
    #[serde(default)]
    pub path: Option<String>,
    /// Its headers.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// Whether it brings a credential.
    #[serde(default)]
    pub signed_in: bool,
    /// Whether it must be kept; otherwise it must not.
    pub cached: bool,
}

impl Example {
    /// The request.
    pub fn request(&self) -> CacheRequest<'_> {
        let target = match &self.path {
            Some(path) => Target::Page { path },
            None => Target::Operation {
                kind: self.operation,
                root_fields: &self.root_fields,
            },
        };
        CacheRequest {
            target,
            headers: &self.headers,
            signed_in: self.signed_in,
            perspective: Perspective::Published,
        }
    }
}

/// An example that the rules contradict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The key of the rule that has the example.
    pub rule_id: i64,
    /// Its name.
    pub rule: String,
    /// Which of its examples, from 0.
    pub index: usize,
    /// The name of the example.
    pub example: String,
    /// Whether it must be kept.
    pub cached: bool,
    /// Why it is not, or is.
    pub reason: Reason,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (must, is) = match self.cached {
            true => ("must be kept", "is not"),
            false => ("must not be kept", "is"),
        };
        write!(
            formatter,
            "the example “{}” of the rule `{}` {must}, and {is}: {}",
            self.example, self.rule, self.reason
        )
    }
}

/// Tries the examples of every rule that is on, and answers those that the rules contradict.
///
/// What must be kept, and is not because a rule is switched off, contradicts nothing: that is what
/// the switch is for.
pub fn check_examples(rules: &RuleSet) -> Vec<Contradiction> {
    let mut found = Vec::new();
    for rule in rules.rules().iter().filter(|rule| rule.enabled) {
        for (index, example) in rule.examples.iter().enumerate() {
            let decision = rules.decide(&example.request());
            let is_off = matches!(decision.reason, Reason::SwitchedOff { .. });
            if decision.policy.is_some() != example.cached && !is_off {
                found.push(Contradiction {
                    rule_id: rule.id,
                    rule: rule.name.clone(),
                    index,
                    example: example.name.clone(),
                    cached: example.cached,
                    reason: decision.reason,
                });
            }
        }
    }
    found
}
