//! What makes a request pass by the cache: what rules say, and what no rule can undo.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::path::split;
use super::set::Target;

/// Something about a request that makes it pass by the cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BypassCondition {
    /// What is looked at.
    pub kind: ConditionKind,
    /// The name of the header, the cookie or the parameter.
    pub name: String,
    /// The value it must have; any when absent.
    pub value: Option<String>,
    /// Why it makes the request pass by.
    pub reason: String,
}

/// What a condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConditionKind {
    /// A header of the request; its name is the same in upper and lower case.
    Header,
    /// A cookie of the request.
    Cookie,
    /// A parameter in the query of a page's address.
    Parameter,
}

impl BypassCondition {
    /// Whether it holds for a request with these headers. One on a parameter holds: it is only asked
    /// of a policy, which has those alone that hold.
    pub(super) fn holds<'header>(&self, header: &impl Fn(&str) -> Option<&'header str>) -> bool {
        match self.kind {
            ConditionKind::Header => header(&self.name).is_some_and(|value| self.is(value.trim())),
            ConditionKind::Cookie => header("cookie").is_some_and(|cookies| {
                let mut cookies = cookies.split(';').map(|cookie| {
                    let cookie = cookie.trim();
                    cookie.split_once('=').unwrap_or((cookie, ""))
                });
                cookies.any(|(name, value)| name == self.name && self.is(value))
            }),
            ConditionKind::Parameter => true,
        }
    }

    /// Whether it can hold for requests of this target: one on a parameter when the address has it,
    /// the others always.
    pub(super) fn concerns(&self, target: &Target<'_>) -> bool {
        match (self.kind, target) {
            (ConditionKind::Parameter, Target::Page { path }) => {
                let query = split(path).1.unwrap_or_default();
                let mut parameters = form_urlencoded::parse(query.as_bytes());
                parameters.any(|(name, value)| name == self.name && self.is(&value))
            }
            (ConditionKind::Parameter, Target::Operation { .. }) => false,
            (ConditionKind::Header | ConditionKind::Cookie, _) => true,
        }
    }

    fn is(&self, value: &str) -> bool {
        self.value.as_deref().is_none_or(|wanted| wanted == value)
    }
}

impl fmt::Display for BypassCondition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            ConditionKind::Header => "header",
            ConditionKind::Cookie => "cookie",
            ConditionKind::Parameter => "parameter",
        };
        match &self.value {
            Some(value) => write!(formatter, "the {kind} `{}` is `{value}`", self.name),
            None => write!(formatter, "there is a {kind} `{}`", self.name),
        }
    }
}

/// What is never kept, whatever rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "`words` says what each is")]
pub enum FixedCondition {
    Mutation,
    Subscription,
    Introspection,
    SignedIn,
    NotPublished,
    FreshAsked,
    Errors,
}

impl FixedCondition {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Mutation,
        Self::Subscription,
        Self::Introspection,
        Self::SignedIn,
        Self::NotPublished,
        Self::FreshAsked,
        Self::Errors,
    ];

    /// The word in `X-Cache`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mutation | Self::Subscription => "not-a-query",
            Self::Introspection => "introspection",
            Self::SignedIn => "signed-in",
            Self::NotPublished => "perspective",
            Self::FreshAsked => "new-wanted",
            Self::Errors => "errors",
        }
    }

    /// What it is, and why it is not kept.
    pub fn words(self) -> &'static str {
        match self {
            Self::Mutation => "a mutation changes something, and has to be run each time",
            Self::Subscription => "a subscription tells what happens, as it does",
            Self::Introspection => {
                "introspection is for tools, which want to see the schema that runs now"
            }
            Self::SignedIn => {
                "the request is signed in: what it is answered is for whoever asked, and for nobody \
                 else"
            }
            Self::NotPublished => {
                "the request has another perspective than `published`: it may see what the public \
                 must not"
            }
            Self::FreshAsked => "the request asks for a fresh answer, by `Cache-Control`",
            Self::Errors => {
                "an answer with errors is not kept: what went wrong now may go well next time"
            }
        }
    }
}

/// Whether a header `Cache-Control` of a request asks for an answer that no cache had: by `no-cache`
/// or `no-store`.
pub fn asks_for_fresh(cache_control: &str) -> bool {
    let mut directives = cache_control.split(',').map(str::trim);
    directives.any(|directive| {
        directive.eq_ignore_ascii_case("no-cache") || directive.eq_ignore_ascii_case("no-store")
    })
}
