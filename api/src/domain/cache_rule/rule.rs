//! A rule.

use chrono::{DateTime, Utc};
use entity::cache_rule::{ActiveModel, Model};
use sea_orm::ActiveValue::Set;
use serde::Serialize;

use super::condition::BypassCondition;
use super::example::Example;
use crate::domain::error::{Error, Result};

/// What caches may keep, for how long, and why. Written down as JSON, it is what the audit log keeps.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheRule {
    /// The key.
    #[serde(skip)]
    pub id: i64,
    /// What it is called, in headers too, e.g. `published-content`.
    pub name: String,
    /// Why it exists.
    pub purpose: String,
    /// The fields it names at the root of a query.
    pub root_fields: Vec<String>,
    /// The paths of pages it names; `*` in one stands for anything.
    pub paths: Vec<String>,
    /// Whether anything may be kept; otherwise the rule says never.
    pub store: bool,
    /// For how many seconds a browser may keep an answer without asking.
    pub max_age: u32,
    /// For how many seconds a shared cache may: ours, and a CDN. 0 if and only if nothing is kept.
    pub shared_max_age: u32,
    /// For how many seconds after that an answer may be handed out while a newer one is fetched.
    pub stale_while_revalidate: u32,
    /// What makes a request pass by the cache.
    pub bypass: Vec<BypassCondition>,
    /// What must be kept, and what must not.
    pub examples: Vec<Example>,
    /// The user who answers for it.
    pub owner_id: Option<i64>,
    /// What is expected to come of it.
    pub expected_result: Option<String>,
    /// When and how to take it back.
    pub rollback_note: Option<String>,
    /// Whether it is on. What a rule names that is off is not kept.
    pub enabled: bool,
    /// Why it is off, where somebody said.
    pub disabled_reason: Option<String>,
    /// Grows with every change.
    #[serde(skip)]
    pub version: i64,
    /// When it was made.
    #[serde(skip)]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(skip)]
    pub updated_at: DateTime<Utc>,
}

impl CacheRule {
    /// A rule about nothing, to be filled in.
    pub(super) fn blank(owner_id: Option<i64>, now: DateTime<Utc>) -> Self {
        Self {
            id: 0,
            name: String::new(),
            purpose: String::new(),
            root_fields: Vec::new(),
            paths: Vec::new(),
            store: true,
            max_age: 0,
            shared_max_age: 0,
            stale_while_revalidate: 0,
            bypass: Vec::new(),
            examples: Vec::new(),
            owner_id,
            expected_result: None,
            rollback_note: None,
            enabled: true,
            disabled_reason: None,
            version: 0,
            created_at: now,
            updated_at: now,
        }
    }

    /// The columns that hold it, but for the key.
    pub(super) fn to_row(&self) -> Result<ActiveModel> {
        Ok(ActiveModel {
            name: Set(self.name.clone()),
            purpose: Set(self.purpose.clone()),
            root_fields: Set(serde_json::to_value(&self.root_fields)?),
            paths: Set(serde_json::to_value(&self.paths)?),
            store: Set(self.store),
            max_age: Set(self.max_age.into()),
            shared_max_age: Set(self.shared_max_age.into()),
            stale_while_revalidate: Set(self.stale_while_revalidate.into()),
            bypass: Set(serde_json::to_value(&self.bypass)?),
            examples: Set(serde_json::to_value(&self.examples)?),
            owner_id: Set(self.owner_id),
            expected_result: Set(self.expected_result.clone()),
            rollback_note: Set(self.rollback_note.clone()),
            enabled: Set(self.enabled),
            disabled_reason: Set(self.disabled_reason.clone()),
            version: Set(self.version),
            created_at: Set(self.created_at),
            updated_at: Set(self.updated_at),
            ..ActiveModel::default()
        })
    }
}

impl TryFrom<Model> for CacheRule {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        let name = &row.name;
        let seconds = |column: i64| {
            let bad = |_| Error::Internal(format!("the cache rule `{name}` has a strange age"));
            u32::try_from(column).map_err(bad)
        };
        Ok(Self {
            max_age: seconds(row.max_age)?,
            shared_max_age: seconds(row.shared_max_age)?,
            stale_while_revalidate: seconds(row.stale_while_revalidate)?,
            id: row.id,
            name: row.name,
            purpose: row.purpose,
            root_fields: serde_json::from_value(row.root_fields)?,
            paths: serde_json::from_value(row.paths)?,
            store: row.store,
            bypass: serde_json::from_value(row.bypass)?,
            examples: serde_json::from_value(row.examples)?,
            owner_id: row.owner_id,
            expected_result: row.expected_result,
            rollback_note: row.rollback_note,
            enabled: row.enabled,
            disabled_reason: row.disabled_reason,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}
