//! Whether cache rules do what they were made for.

use super::{Finding, some_of};
use crate::domain::cache_rule::{RuleSet, check_examples};
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
