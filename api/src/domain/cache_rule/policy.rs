//! What the rules come to for one kind of request.

use std::fmt::Write;
use std::sync::Arc;

use super::condition::BypassCondition;
use super::rule::CacheRule;
use super::set::Target;

/// What the rules that name something of a request come to, the strictest of them: for how long an
/// answer may be kept, and when a request passes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The names of the rules, the strictest first, joined by `+`, e.g. `search+published-content`.
    pub rules: Arc<str>,
    /// For how many seconds a browser may keep it without asking.
    pub max_age: u32,
    /// For how many seconds a shared cache may. Never 0.
    pub shared_max_age: u32,
    /// For how many seconds after that it may be handed out while a newer one is fetched.
    pub stale_while_revalidate: u32,
    /// What makes a request pass by. Of those on a parameter there are only those that hold.
    pub bypass: Vec<BypassCondition>,
    /// The same for caches in front, as the header `Cache-Control`.
    pub cache_control: String,
}

impl Policy {
    /// The strictest of these rules, for which that is the order to come in. None of none.
    pub(super) fn strictest(rules: &[&CacheRule], target: &Target<'_>) -> Option<Self> {
        let least = |age: fn(&CacheRule) -> u32| rules.iter().map(|rule| age(rule)).min();
        let max_age = least(|rule| rule.max_age)?;
        let shared_max_age = least(|rule| rule.shared_max_age)?;
        let stale_while_revalidate = least(|rule| rule.stale_while_revalidate)?;
        let mut cache_control = format!("public, max-age={max_age}, s-maxage={shared_max_age}");
        if stale_while_revalidate > 0 {
            // Writing to a string can't fail.
            let _ = write!(
                cache_control,
                ", stale-while-revalidate={stale_while_revalidate}"
            );
        }
        let mut bypass: Vec<BypassCondition> = Vec::new();
        for condition in rules.iter().flat_map(|rule| &rule.bypass) {
            if condition.concerns(target) && !bypass.contains(condition) {
                bypass.push(condition.clone());
            }
        }
        let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
        Some(Self {
            rules: names.join("+").into(),
            max_age,
            shared_max_age,
            stale_while_revalidate,
            bypass,
            cache_control,
        })
    }

    /// The first condition that makes a request with these headers pass by. Without conditions
    /// nothing is looked at.
    ///
    /// `header` answers the value of a header by its name in lower case or any other. Cookies that
    /// came in several headers have to be joined by `; ` first.
    pub fn bypass<'policy, 'header>(
        &'policy self,
        header: impl Fn(&str) -> Option<&'header str>,
    ) -> Option<&'policy BypassCondition> {
        self.bypass
            .iter()
            .find(|condition| condition.holds(&header))
    }
}
