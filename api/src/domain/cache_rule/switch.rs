//! Switching rules on and off.

use serde_json::json;

use super::change::{lock, position, refuse_contradictions, save, tell};
use super::check;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;

/// Switches a rule on.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule, or an example
/// would not hold, of this rule or another.
pub async fn enable(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let mut rules = lock(transaction).await?;
    let index = position(&rules, id)?;
    if rules[index].enabled {
        return Ok(());
    }
    let reason = rules[index].disabled_reason.take();
    rules[index].enabled = true;
    let mut rule = rules[index].clone();
    refuse_contradictions(rules, id, "id")?;
    save(transaction, &mut rule).await?;
    let before = json!({ "enabled": false, "disabledReason": reason });
    let after = json!({ "enabled": true });
    tell(transaction, "enable", id, Some(before), Some(after));
    Ok(())
}

/// Switches a rule off: nothing that it names is kept from then on, whatever other rules say. This is
/// for when something is wrong, so no example stands in its way.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule, or the reason
/// can't be used.
pub async fn disable(
    transaction: &mut Transaction<'_>,
    id: i64,
    reason: Option<String>,
) -> Result<()> {
    let reason = reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    let too_long = reason
        .as_ref()
        .and_then(|reason| check::line("reason", reason, false));
    let mut problems: Vec<Problem> = too_long.into_iter().collect();
    let mut rules = lock(transaction).await?;
    let Ok(index) = position(&rules, id) else {
        problems.push(Problem::not_found("id", "cache rule"));
        return Err(problems.into());
    };
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let mut rule = rules.swap_remove(index);
    if !rule.enabled {
        return Ok(());
    }
    rule.enabled = false;
    rule.disabled_reason.clone_from(&reason);
    save(transaction, &mut rule).await?;
    tracing::warn!(rule = rule.name, reason, "a cache rule is switched off");
    let before = json!({ "enabled": true });
    let after = json!({ "enabled": false, "disabledReason": reason });
    tell(transaction, "disable", id, Some(before), Some(after));
    Ok(())
}
