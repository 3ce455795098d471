//! Whether cache rules do what they were made for, and all of them.

use super::{Finding, some_of};
use crate::domain::cache_rule::{self, CacheRule, RuleSet, check_examples};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;

/// Whether the examples of every rule that is on come out as they should.
///
/// # Errors
///
/// Those of the database.
pub async fn examples(reader: &Reader) -> Result<Finding> {
    let rules = RuleSet::read(reader).await?;
    let contradictions: Vec<String> = check_examples(&rules)
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(match contradictions.is_empty() {
        true => Finding::ok("every example comes out as it should"),
        false => Finding::fail(
            some_of(&contradictions),
            "ask `cacheDecision` why; change the rule, or switch it off",
        ),
    })
}

/// Whether rules were switched off.
///
/// # Errors
///
/// Those of the database.
pub async fn off(reader: &Reader) -> Result<Finding> {
    let rules = cache_rule::list(reader).await?;
    let said = |rule: &CacheRule| {
        let reason = rule.disabled_reason.as_deref().unwrap_or_default();
        format!("{}: {reason}", rule.name)
    };
    let off: Vec<String> = rules
        .iter()
        .filter(|rule| !rule.enabled)
        .map(said)
        .collect();
    Ok(match off.as_slice() {
        [] => Finding::ok("every rule is on"),
        off => Finding::warn(
            format!("what they name is kept nowhere: {}", some_of(off)),
            "`enableCacheRule` once the reason is gone",
        ),
    })
}
