//! Switching rules on and off.

use serde_json::json;

use super::change::{lock, refuse_contradictions, save, tell};
use super::check;
use super::rule::CacheRule;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// Which rule is meant. Whoever comes to switch one off has its name, from a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// The one with this key.
    Id(i64),
    /// The one with this name.
    Name(String),
}

impl Named {
    fn find(&self, rules: &[CacheRule]) -> Result<usize, Problem> {
        let mut rules = rules.iter();
        let (found, field) = match self {
            Self::Id(id) => (rules.position(|rule| rule.id == *id), "rule.id"),
            Self::Name(name) => (rules.position(|rule| rule.name == *name), "rule.name"),
        };
        found.ok_or_else(|| Problem::not_found(field, "cache rule"))
    }
}

/// Switches a rule on, and answers its key.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule, or an example
/// would not hold, of this rule or another.
pub async fn enable(transaction: &mut Transaction<'_>, named: &Named) -> Result<i64> {
    let mut rules = lock(transaction).await?;
    let index = named.find(&rules)?;
    let id = rules[index].id;
    if rules[index].enabled {
        return Ok(id);
    }
    let reason = rules[index].disabled_reason.take();
    rules[index].enabled = true;
    let mut rule = rules[index].clone();
    refuse_contradictions(rules, id, "rule")?;
    save(transaction, &mut rule).await?;
    let before = json!({ "enabled": false, "disabledReason": reason });
    let after = json!({ "enabled": true });
    tell(transaction, "enable", id, Some(before), Some(after));
    Ok(id)
}

/// Switches a rule off, and answers its key: nothing that it names is kept from then on, whatever other
/// rules say. This is for when something is wrong, so no example stands in its way.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule, or the reason
/// can't be used.
pub async fn disable(
    transaction: &mut Transaction<'_>,
    named: &Named,
    reason: Option<String>,
) -> Result<i64> {
    let reason = reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    let mut rules = lock(transaction).await?;
    let found = named.find(&rules);
    let bad_reason = reason
        .as_ref()
        .and_then(|reason| check::line("reason", reason, false));
    let index = match (found, bad_reason) {
        (Ok(index), None) => index,
        (found, bad_reason) => {
            let problems: Vec<Problem> = found.err().into_iter().chain(bad_reason).collect();
            return Err(problems.into());
        }
    };
    let mut rule = rules.swap_remove(index);
    let id = rule.id;
    if !rule.enabled {
        return Ok(id);
    }
    rule.enabled = false;
    rule.disabled_reason.clone_from(&reason);
    save(transaction, &mut rule).await?;
    tracing::warn!(rule = rule.name, reason, "a cache rule is switched off");
    let before = json!({ "enabled": true });
    let after = json!({ "enabled": false, "disabledReason": reason });
    tell(transaction, "disable", id, Some(before), Some(after));
    Ok(id)
}
