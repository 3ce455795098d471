//! Cache rules, and forgetting answers by hand.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};

use super::{Outcome, change};
use crate::domain::cache_purge;
use crate::domain::cache_rule::{self, CacheRulePatch};
use crate::domain::error;
use crate::domain::patch::Patch;
use crate::domain::permission::Action;
use crate::graphql::definition;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::cache_rule::{
    CacheBypassCondition, CacheRule, CacheRuleBy, CacheRuleExample, CacheRulePayload,
    DeleteCacheRulePayload, PurgeCachePayload,
};

/// Cache rules, and forgetting answers by hand.
#[derive(Default)]
pub struct CacheRuleMutation;

/// A cache rule to be. It names root fields, paths, or both.
#[derive(InputObject)]
pub struct CreateCacheRuleInput {
    /// What it is called: letters a to z, digits and hyphens, at most 60 of them. Unique.
    pub name: String,
    /// Why it exists, in up to 2,000 characters.
    pub purpose: String,
    /// The fields it names at the root of a query, e.g. `posts`.
    #[graphql(default)]
    pub root_fields: Vec<String>,
    /// The paths of pages it names, e.g. `/posts/*`, where `*` stands for anything, slashes included.
    #[graphql(default)]
    pub paths: Vec<String>,
    /// Whether anything may be kept. False is a rule that says never, and has no ages.
    #[graphql(default = true)]
    pub store: bool,
    /// For how many seconds a browser may keep an answer without asking. A browser can't be purged; 0
    /// lets it ask each time, which is quick while nothing changed.
    #[graphql(default)]
    pub max_age: i32,
    /// For how many seconds shared caches may keep an answer: at least 1, at most a year, and no less
    /// than `maxAge`. Needed unless `store` is false.
    #[graphql(default)]
    pub shared_max_age: i32,
    /// For how many seconds after that it may be handed out while a newer one is fetched.
    #[graphql(default)]
    pub stale_while_revalidate: i32,
    /// What makes a request pass by the cache.
    #[graphql(default)]
    pub bypass: Vec<CacheBypassCondition>,
    /// Requests that must be kept, and requests that must not; at least one.
    pub examples: Vec<CacheRuleExample>,
    /// The id of the user who answers for it; whoever makes it when absent.
    pub owner: Option<ID>,
    /// What is expected to come of it.
    pub expected_result: Option<String>,
    /// When and how to take it back.
    pub rollback_note: Option<String>,
}

/// What changes about a cache rule. A field that is absent is left alone, null empties it.
#[derive(InputObject)]
pub struct UpdateCacheRuleInput {
    /// The rule.
    pub id: ID,
    /// The `version` of the rule as you saw it. When it has changed since, nothing is changed.
    pub based_on: i64,
    /// What it is called; can't be emptied.
    pub name: MaybeUndefined<String>,
    /// Why it exists; can't be emptied.
    pub purpose: MaybeUndefined<String>,
    /// The fields it names at the root of a query.
    pub root_fields: MaybeUndefined<Vec<String>>,
    /// The paths of pages it names.
    pub paths: MaybeUndefined<Vec<String>>,
    /// Whether anything may be kept; null is true. False drops the ages it has.
    pub store: MaybeUndefined<bool>,
    /// For how many seconds a browser may keep an answer without asking.
    pub max_age: MaybeUndefined<i32>,
    /// For how many seconds shared caches may keep an answer.
    pub shared_max_age: MaybeUndefined<i32>,
    /// For how many seconds after that it may be handed out while a newer one is fetched.
    pub stale_while_revalidate: MaybeUndefined<i32>,
    /// What makes a request pass by the cache.
    pub bypass: MaybeUndefined<Vec<CacheBypassCondition>>,
    /// Requests that must be kept, and requests that must not; can't be emptied.
    pub examples: MaybeUndefined<Vec<CacheRuleExample>>,
    /// The id of the user who answers for it.
    pub owner: MaybeUndefined<ID>,
    /// What is expected to come of it.
    pub expected_result: MaybeUndefined<String>,
    /// When and how to take it back.
    pub rollback_note: MaybeUndefined<String>,
}

/// The cache rule to delete.
#[derive(InputObject)]
pub struct DeleteCacheRuleInput {
    /// The rule.
    pub id: ID,
}

/// The cache rule to switch on.
#[derive(InputObject)]
pub struct EnableCacheRuleInput {
    /// The rule, by its id or its name.
    pub rule: CacheRuleBy,
}

/// The cache rule to switch off.
#[derive(InputObject)]
pub struct DisableCacheRuleInput {
    /// The rule, by its id or its name, which `X-Cache` has.
    pub rule: CacheRuleBy,
    /// Why, in up to 200 characters, for whoever wonders later.
    pub reason: Option<String>,
}

/// What to forget.
#[derive(InputObject)]
pub struct PurgeCacheInput {
    /// Tags as the header `Surrogate-Key` of answers has them: `post:17`, `tool:3`, `list:posts`, or `*`
    /// for everything. 1 to 1,000 of them.
    pub tags: Vec<String>,
}

#[Object]
impl CacheRuleMutation {
    /// Makes a cache rule, switched on. The examples of all rules are tried first; when one would not
    /// hold, nothing is made. For admins.
    async fn create_cache_rule(
        &self,
        context: &Context<'_>,
        input: CreateCacheRuleInput,
    ) -> Result<CacheRulePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            let patch = input.into_domain()?;
            cache_rule::create(transaction, patch, &ROOT_FIELDS).await
        });
        payload(context, outcome.await?).await
    }

    /// Changes a cache rule, from the next request on and on every node. The examples of all rules are
    /// tried first; when one would not hold, nothing is changed. For admins.
    async fn update_cache_rule(
        &self,
        context: &Context<'_>,
        input: UpdateCacheRuleInput,
    ) -> Result<CacheRulePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            let id = NodeType::CacheRule.key(&input.id)?;
            let version = input.based_on;
            let patch = input.into_domain()?;
            cache_rule::update(transaction, id, version, patch, &ROOT_FIELDS).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Deletes a cache rule. What it named and no other rule does is not kept any more. One that came with
    /// the program does not come back. For admins.
    async fn delete_cache_rule(
        &self,
        context: &Context<'_>,
        input: DeleteCacheRuleInput,
    ) -> Result<DeleteCacheRulePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            let id = NodeType::CacheRule.key(&input.id)?;
            cache_rule::delete(transaction, id).await?;
            Ok(id)
        });
        Ok(match outcome.await? {
            Ok(id) => DeleteCacheRulePayload {
                deleted_id: Some(NodeType::CacheRule.id(id)),
                user_errors: Vec::new(),
            },
            Err(user_errors) => DeleteCacheRulePayload {
                user_errors,
                ..DeleteCacheRulePayload::default()
            },
        })
    }

    /// Switches a cache rule on. The examples of all rules are tried first. One that is on stays as it is.
    /// For admins.
    async fn enable_cache_rule(
        &self,
        context: &Context<'_>,
        input: EnableCacheRuleInput,
    ) -> Result<CacheRulePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            cache_rule::enable(transaction, &input.rule.into_domain()?).await
        });
        payload(context, outcome.await?).await
    }

    /// Switches a cache rule off, at once and on every node: nothing that it names is kept, whatever other
    /// rules say, and its answers are `no-store`. No example stands in the way. What browsers and CDNs
    /// hold already they keep for as long as they were told. One that is off stays as it is. For admins.
    async fn disable_cache_rule(
        &self,
        context: &Context<'_>,
        input: DisableCacheRuleInput,
    ) -> Result<CacheRulePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            let rule = input.rule.into_domain()?;
            cache_rule::disable(transaction, &rule, input.reason).await
        });
        payload(context, outcome.await?).await
    }

    /// Makes every node forget the answers that were made from these. It is not needed after changes,
    /// which do the same by themselves; it is for when the database was written by other means, or in
    /// doubt. A CDN is not told: purge it by its own API. For admins.
    async fn purge_cache(
        &self,
        context: &Context<'_>,
        input: PurgeCacheInput,
    ) -> Result<PurgeCachePayload> {
        let outcome = change(context, Action::ManageCache, None, async |transaction| {
            cache_purge::purge(transaction, &input.tags)
        });
        Ok(match outcome.await? {
            Ok(tags) => PurgeCachePayload {
                tags: Some(tags),
                user_errors: Vec::new(),
            },
            Err(user_errors) => PurgeCachePayload {
                user_errors,
                ..PurgeCachePayload::default()
            },
        })
    }
}

/// The fields at the root of queries, which rules can name. They are read from the definition once.
static ROOT_FIELDS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let document = parse_schema(definition());
    let definitions = document.map_or_else(|_| Vec::new(), |document| document.definitions);
    let query = definitions.into_iter().find_map(|definition| {
        let TypeSystemDefinition::Type(definition) = definition else {
            return None;
        };
        match definition.node.kind {
            TypeKind::Object(object) if definition.node.name.node == "Query" => Some(object),
            _ => None,
        }
    });
    let fields = query.map_or_else(Vec::new, |query| query.fields);
    let names = fields
        .into_iter()
        .map(|field| field.node.name.node.to_string());
    names.collect()
});

impl CreateCacheRuleInput {
    fn into_domain(self) -> error::Result<CacheRulePatch> {
        let owner = self.owner.map(|id| NodeType::User.key(&id)).transpose()?;
        Ok(CacheRulePatch {
            name: Patch::Set(self.name),
            purpose: Patch::Set(self.purpose),
            root_fields: Patch::Set(self.root_fields),
            paths: Patch::Set(self.paths),
            store: Patch::Set(self.store),
            max_age: Patch::Set(self.max_age),
            shared_max_age: Patch::Set(self.shared_max_age),
            stale_while_revalidate: Patch::Set(self.stale_while_revalidate),
            bypass: Patch::Set(into_domain(self.bypass)),
            examples: Patch::Set(into_domain(self.examples)),
            owner_id: owner.map_or(Patch::Keep, Patch::Set),
            expected_result: self.expected_result.map_or(Patch::Keep, Patch::Set),
            rollback_note: self.rollback_note.map_or(Patch::Keep, Patch::Set),
        })
    }
}

impl UpdateCacheRuleInput {
    fn into_domain(self) -> error::Result<CacheRulePatch> {
        let owner = match self.owner {
            MaybeUndefined::Undefined => Patch::Keep,
            MaybeUndefined::Null => Patch::Clear,
            MaybeUndefined::Value(id) => Patch::Set(NodeType::User.key(&id)?),
        };
        Ok(CacheRulePatch {
            name: self.name.into(),
            purpose: self.purpose.into(),
            root_fields: self.root_fields.into(),
            paths: self.paths.into(),
            store: self.store.into(),
            max_age: self.max_age.into(),
            shared_max_age: self.shared_max_age.into(),
            stale_while_revalidate: self.stale_while_revalidate.into(),
            bypass: Patch::from(self.bypass).map(into_domain),
            examples: Patch::from(self.examples).map(into_domain),
            owner_id: owner,
            expected_result: self.expected_result.into(),
            rollback_note: self.rollback_note.into(),
        })
    }
}

fn into_domain<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(Into::into).collect()
}

async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<CacheRulePayload> {
    Ok(match outcome {
        Ok(id) => CacheRulePayload {
            cache_rule: CacheRule::find(context, id).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => CacheRulePayload {
            user_errors,
            ..CacheRulePayload::default()
        },
    })
}
