//! Making rules, changing them, throwing them away.

use std::collections::BTreeSet;

use entity::cache_rule::Entity;
use entity::user;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
};
use serde_json::Value;

use super::check;
use super::condition::BypassCondition;
use super::example::{Example, check_examples};
use super::read;
use super::rule::CacheRule;
use super::set::RuleSet;
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::patch::Patch;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::Dialect;

/// The most rules: all of them are read together.
const MOST_RULES: usize = 200;

/// A change of a rule, or all of a rule to be.
#[derive(Clone, Debug, Default)]
#[allow(
    missing_docs,
    reason = "each is the field of `CacheRule` of the same name"
)]
pub struct CacheRulePatch {
    pub name: Patch<String>,
    pub purpose: Patch<String>,
    pub root_fields: Patch<Vec<String>>,
    pub paths: Patch<Vec<String>>,
    pub store: Patch<bool>,
    pub max_age: Patch<i32>,
    pub shared_max_age: Patch<i32>,
    pub stale_while_revalidate: Patch<i32>,
    pub bypass: Patch<Vec<BypassCondition>>,
    pub examples: Patch<Vec<Example>>,
    pub owner_id: Patch<i64>,
    pub expected_result: Patch<String>,
    pub rollback_note: Patch<String>,
}

/// Makes a rule, switched on, owned by whoever makes it unless it says otherwise. `known` are the
/// fields at the root of queries. Answers its key.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) with everything that is wrong with it, or
/// with every example, of this rule or another, that would not hold any more.
pub async fn create(
    transaction: &mut Transaction<'_>,
    patch: CacheRulePatch,
    known: &BTreeSet<String>,
) -> Result<i64> {
    let mut rules = lock(transaction).await?;
    let blank = CacheRule::blank(transaction.actor().user_id(), transaction.now());
    let mut problems = Vec::new();
    let mut rule = blank.patched(patch, &mut problems);
    rule.version = 1;
    let others: Vec<&CacheRule> = rules.iter().collect();
    problems.extend(check::problems(&rule, &others, known));
    problems.extend(owner_problem(transaction, &rule, None).await?);
    if rules.len() >= MOST_RULES {
        let message = format!("there are {MOST_RULES} rules already; delete one first");
        problems.push(Problem::conflict("name", message));
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    rules.push(rule.clone());
    refuse_contradictions(rules, rule.id, "name")?;
    let row = rule.to_row()?.insert(transaction.connection()).await?;
    let after = serde_json::to_value(&rule)?;
    tell(transaction, "create", row.id, None, Some(after));
    Ok(row.id)
}

/// Changes the rule that was at `version`. `known` are the fields at the root of queries.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule or somebody
/// was faster, and as [`create`].
pub async fn update(
    transaction: &mut Transaction<'_>,
    id: i64,
    version: i64,
    patch: CacheRulePatch,
    known: &BTreeSet<String>,
) -> Result<()> {
    let mut rules = lock(transaction).await?;
    let index = position(&rules, id)?;
    let before = rules[index].clone();
    if before.version != version {
        let message = format!(
            "somebody changed the rule meanwhile: it is at version {}; read it again, and change that",
            before.version
        );
        return Err(Problem::conflict("basedOn", message).into());
    }
    let mut problems = Vec::new();
    let mut after = before.clone().patched(patch, &mut problems);
    let others: Vec<&CacheRule> = rules.iter().filter(|rule| rule.id != id).collect();
    problems.extend(check::problems(&after, &others, known));
    problems.extend(owner_problem(transaction, &after, before.owner_id).await?);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if after == before {
        return Ok(());
    }
    rules[index] = after.clone();
    refuse_contradictions(rules, id, "id")?;
    save(transaction, &mut after).await?;
    let (before, after) = (
        serde_json::to_value(&before)?,
        serde_json::to_value(&after)?,
    );
    tell(transaction, "update", id, Some(before), Some(after));
    Ok(())
}

/// Throws a rule away. What it named, and no other rule does, is not kept from then on.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such rule, or an example
/// of another one would not hold without it.
pub async fn delete(transaction: &mut Transaction<'_>, id: i64) -> Result<()> {
    let mut rules = lock(transaction).await?;
    let rule = rules.remove(position(&rules, id)?);
    refuse_contradictions(rules, id, "id")?;
    Entity::delete_by_id(id)
        .exec(transaction.connection())
        .await?;
    let before = serde_json::to_value(&rule)?;
    tell(transaction, "delete", id, Some(before), None);
    Ok(())
}

/// All the rules, which nobody else changes until the transaction ends: a change is tried against all
/// of them. They are read meanwhile as they were.
pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<Vec<CacheRule>> {
    // SQLite has one writer anyway.
    if transaction.dialect() == Dialect::Postgres {
        let lock = "LOCK TABLE cache_rule IN SHARE ROW EXCLUSIVE MODE";
        transaction.connection().execute_unprepared(lock).await?;
    }
    read::all_of(transaction).await
}

/// Where the rule with this key is among them.
fn position(rules: &[CacheRule], id: i64) -> Result<usize> {
    let found = rules.iter().position(|rule| rule.id == id);
    found.ok_or_else(|| Problem::not_found("id", "cache rule").into())
}

/// Refuses rules that an example contradicts. Those of the rule with the key `own` are fields of the
/// input, others are told at `field`.
pub(super) fn refuse_contradictions(rules: Vec<CacheRule>, own: i64, field: &str) -> Result<()> {
    let contradictions = check_examples(&RuleSet::new(rules));
    let problems = contradictions.iter().map(|contradiction| {
        let field = match contradiction.rule_id == own {
            true => format!("examples[{}]", contradiction.index),
            false => field.to_owned(),
        };
        Problem::conflict(field, contradiction.to_string())
    });
    let problems: Vec<Problem> = problems.collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into())
    }
}

/// Writes a rule that was changed.
pub(super) async fn save(transaction: &Transaction<'_>, rule: &mut CacheRule) -> Result<()> {
    rule.version += 1;
    rule.updated_at = transaction.now();
    let mut row = rule.to_row()?;
    row.id = Set(rule.id);
    row.update(transaction.connection()).await?;
    Ok(())
}

/// Writes the line of the log, and says that what was made from the rules is out of date.
pub(super) fn tell(
    transaction: &mut Transaction<'_>,
    action: &'static str,
    id: i64,
    before: Option<Value>,
    after: Option<Value>,
) {
    transaction.touch(CacheTag::Row("cache_rule", id));
    transaction.touch(CacheTag::List("cache_rule"));
    transaction.record(AuditEvent {
        action,
        subject: "cache_rule",
        subject_id: id,
        before,
        after,
    });
}

/// Who answers for the rule already may do so even if they have left since.
async fn owner_problem(
    transaction: &Transaction<'_>,
    rule: &CacheRule,
    owner_before: Option<i64>,
) -> Result<Option<Problem>> {
    let Some(owner_id) = rule.owner_id.filter(|_| rule.owner_id != owner_before) else {
        return Ok(None);
    };
    let owner = user::Entity::find_by_id(owner_id)
        .filter(user::Column::DisabledAt.is_null())
        .one(transaction.connection())
        .await?;
    Ok(owner.is_none().then(|| Problem::not_found("owner", "user")))
}

impl CacheRule {
    /// With a change made. What a rule that says never has of ages is dropped.
    fn patched(mut self, patch: CacheRulePatch, problems: &mut Vec<Problem>) -> Self {
        let trimmed = |items: Vec<String>| -> Vec<String> {
            let mut known = BTreeSet::new();
            let items = items.iter().map(|item| item.trim().to_owned());
            items.filter(|item| known.insert(item.clone())).collect()
        };
        let mut says_never_and_how_long = false;
        for (field, given, age) in [
            ("maxAge", &patch.max_age, &mut self.max_age),
            (
                "sharedMaxAge",
                &patch.shared_max_age,
                &mut self.shared_max_age,
            ),
            (
                "staleWhileRevalidate",
                &patch.stale_while_revalidate,
                &mut self.stale_while_revalidate,
            ),
        ] {
            match given {
                Patch::Keep => {}
                Patch::Clear => *age = 0,
                Patch::Set(seconds) => match u32::try_from(*seconds) {
                    Ok(seconds) => {
                        *age = seconds;
                        says_never_and_how_long |= seconds > 0;
                    }
                    Err(_) => {
                        let message = "is less than 0; give seconds";
                        problems.push(Problem::invalid(field, message));
                    }
                },
            }
        }
        text(patch.name).apply_to(&mut self.name);
        text(patch.purpose).apply_to(&mut self.purpose);
        patch
            .root_fields
            .map(trimmed)
            .apply_to(&mut self.root_fields);
        patch.paths.map(trimmed).apply_to(&mut self.paths);
        match patch.store {
            Patch::Keep => {}
            Patch::Clear => self.store = true,
            Patch::Set(store) => self.store = store,
        }
        if !self.store {
            if says_never_and_how_long {
                let message = "is false, so that nothing is kept, and an age says for how long; leave \
                               one of them out";
                problems.push(Problem::invalid("store", message));
            }
            (
                self.max_age,
                self.shared_max_age,
                self.stale_while_revalidate,
            ) = (0, 0, 0);
        }
        patch.bypass.apply_to(&mut self.bypass);
        patch.examples.apply_to(&mut self.examples);
        patch.owner_id.apply_to_option(&mut self.owner_id);
        text(patch.expected_result).apply_to_option(&mut self.expected_result);
        text(patch.rollback_note).apply_to_option(&mut self.rollback_note);
        self
    }
}

/// The change with texts that have no white space around them; one of nothing else empties.
fn text(patch: Patch<String>) -> Patch<String> {
    match patch {
        Patch::Set(text) => match text.trim() {
            "" => Patch::Clear,
            trimmed => Patch::Set(trimmed.to_owned()),
        },
        other => other,
    }
}
