//! Cache rules.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::user::User;
use super::user_error::UserError;
use crate::domain::cache_rule::{self, Named};
use crate::domain::error;
use crate::graphql::context::reader;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cache_rule::OperationKind")]
pub enum OperationKind {
    /// It reads.
    Query,
    /// It changes something. Never kept.
    Mutation,
    /// It is told what happens. Never kept.
    Subscription,
}

/// What a bypass condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "crate::domain::cache_rule::ConditionKind")]
pub enum CacheConditionKind {
    /// A header of the request; its name is the same in upper and lower case.
    Header,
    /// A cookie of the request; its name is as it is written.
    Cookie,
    /// A parameter in the query of a page's address, e.g. `preview` in `/posts/retries?preview=1`. It
    /// means nothing to operations of the API.
    Parameter,
}

/// What caches may keep, for how long, and why. Of all the rules that name something of a request the
/// strictest counts; what no rule names is never kept. `docs/caching.md` tells the whole of it.
pub struct CacheRule(pub cache_rule::CacheRule);

/// What caches may keep, for how long, and why. Of all the rules that name something of a request the
/// strictest counts; what no rule names is never kept. `docs/caching.md` tells the whole of it.
#[Object]
impl CacheRule {
    /// Unique among everything that has an id.
    pub(super) async fn id(&self) -> ID {
        NodeType::CacheRule.id(self.0.id)
    }

    /// What it is called, in the header `X-Cache` too, e.g. `published-content`.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Why it exists.
    async fn purpose(&self) -> &str {
        &self.0.purpose
    }

    /// The fields it names at the root of a query, e.g. `posts`. An operation is kept when every one of
    /// its root fields is named by a rule.
    async fn root_fields(&self) -> &[String] {
        &self.0.root_fields
    }

    /// The paths of pages it names, e.g. `/posts/*`, where `*` stands for anything.
    async fn paths(&self) -> &[String] {
        &self.0.paths
    }

    /// Whether anything may be kept. False is a rule that says never, whatever other rules say.
    async fn store(&self) -> bool {
        self.0.store
    }

    /// For how many seconds a browser may keep an answer without asking: `max-age`. A browser can't be
    /// purged.
    async fn max_age(&self) -> u32 {
        self.0.max_age
    }

    /// For how many seconds a shared cache, ours or a CDN, may keep an answer: `s-maxage`. Ours drops it
    /// the moment that something it is made from changes.
    async fn shared_max_age(&self) -> u32 {
        self.0.shared_max_age
    }

    /// For how many seconds after that an answer may be handed out while a newer one is fetched. It
    /// stretches the age; what has changed is not handed out by us all the same.
    async fn stale_while_revalidate(&self) -> u32 {
        self.0.stale_while_revalidate
    }

    /// What makes a request pass by the cache. Beside these there is what no rule can undo: see
    /// `fixedConditions` of a `cacheDecision`.
    async fn bypass(&self) -> Vec<CacheBypassCondition> {
        let conditions = self.0.bypass.iter().cloned();
        conditions.map(CacheBypassCondition::from).collect()
    }

    /// Requests that must be kept, and requests that must not. They are tried whenever a rule changes,
    /// and by `alphanode doctor`.
    async fn examples(&self) -> Vec<CacheRuleExample> {
        let examples = self.0.examples.iter().cloned();
        examples.map(CacheRuleExample::from).collect()
    }

    /// The user who answers for it; null for a rule that came with the program.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<User>> {
        User::load(context, self.0.owner_id).await
    }

    /// What is expected to come of it.
    async fn expected_result(&self) -> Option<&str> {
        self.0.expected_result.as_deref()
    }

    /// When and how to take it back.
    async fn rollback_note(&self) -> Option<&str> {
        self.0.rollback_note.as_deref()
    }

    /// Whether it is on. What a rule names that is off is not kept, whatever other rules say.
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// Why it is off; null while it is on, and when nobody said.
    async fn disabled_reason(&self) -> Option<&str> {
        self.0.disabled_reason.as_deref()
    }

    /// Grows with every change. Pass it as `basedOn` when you change the rule.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it was last changed, or switched on or off. The audit log has who did, and what it was
    /// before.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}

impl CacheRule {
    /// The rule with this key, as it is now.
    pub(in crate::graphql) async fn find(context: &Context<'_>, id: i64) -> Result<Option<Self>> {
        let found = cache_rule::find(reader(context), &[id]).await;
        Ok(found.or_graphql_error(context)?.pop().map(Self))
    }
}

/// Something about a request that makes it pass by the cache.
#[derive(Clone, Debug, SimpleObject, InputObject)]
#[graphql(input_name = "CacheBypassConditionInput")]
pub struct CacheBypassCondition {
    /// What is looked at.
    pub kind: CacheConditionKind,
    /// The name of the header, the cookie or the parameter.
    pub name: String,
    /// The value it must have; any when null.
    pub value: Option<String>,
    /// Why it makes a request pass by, in a sentence.
    pub reason: String,
}

impl From<cache_rule::BypassCondition> for CacheBypassCondition {
    fn from(condition: cache_rule::BypassCondition) -> Self {
        Self {
            kind: condition.kind.into(),
            name: condition.name,
            value: condition.value,
            reason: condition.reason,
        }
    }
}

impl From<CacheBypassCondition> for cache_rule::BypassCondition {
    fn from(condition: CacheBypassCondition) -> Self {
        Self {
            kind: condition.kind.into(),
            name: condition.name.trim().to_owned(),
            value: condition.value,
            reason: condition.reason.trim().to_owned(),
        }
    }
}

/// A header of a request or an answer.
#[derive(Clone, Debug, SimpleObject, InputObject)]
#[graphql(input_name = "HttpHeaderInput")]
pub struct HttpHeader {
    /// Its name; upper and lower case are the same.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl From<HttpHeader> for cache_rule::Header {
    fn from(header: HttpHeader) -> Self {
        Self {
            name: header.name.trim().to_owned(),
            value: header.value.trim().to_owned(),
        }
    }
}

impl From<cache_rule::Header> for HttpHeader {
    fn from(header: cache_rule::Header) -> Self {
        Self {
            name: header.name,
            value: header.value,
        }
    }
}

/// A request, and whether its answer must be kept.
#[derive(Clone, Debug, SimpleObject, InputObject)]
#[graphql(input_name = "CacheRuleExampleInput")]
pub struct CacheRuleExample {
    /// What happens, in words, e.g. `a reader opens a post`.
    pub name: String,
    /// The kind of its operation; of no meaning when it is for a page.
    #[graphql(default_with = "OperationKind::Query")]
    pub operation: OperationKind,
    /// The fields at the root of its operation, e.g. `["post", "tools"]`; empty when it is for a page.
    #[graphql(default)]
    pub root_fields: Vec<String>,
    /// The path of its page, e.g. `/posts/retries` or `/posts/retries?preview=1`; null when it is an
    /// operation.
    pub path: Option<String>,
    /// Its headers.
    #[graphql(default)]
    pub headers: Vec<HttpHeader>,
    /// Whether it brings a credential.
    #[graphql(default)]
    pub signed_in: bool,
    /// Whether its answer must be kept; otherwise it must not.
    pub cached: bool,
}

impl From<cache_rule::Example> for CacheRuleExample {
    fn from(example: cache_rule::Example) -> Self {
        Self {
            name: example.name,
            operation: example.operation.into(),
            root_fields: example.root_fields,
            path: example.path,
            headers: example.headers.into_iter().map(Into::into).collect(),
            signed_in: example.signed_in,
            cached: example.cached,
        }
    }
}

impl From<CacheRuleExample> for cache_rule::Example {
    fn from(example: CacheRuleExample) -> Self {
        Self {
            name: example.name.trim().to_owned(),
            operation: example.operation.into(),
            root_fields: example.root_fields,
            path: example.path,
            headers: example.headers.into_iter().map(Into::into).collect(),
            signed_in: example.signed_in,
            cached: example.cached,
        }
    }
}

/// Which cache rule is meant.
#[derive(Clone, Debug, OneofObject)]
pub enum CacheRuleBy {
    /// The one with this id.
    Id(ID),
    /// The one with this name.
    Name(String),
}

impl CacheRuleBy {
    /// The same in the words of the domain.
    ///
    /// # Errors
    ///
    /// A bad argument when the id is of something else.
    pub fn into_domain(self) -> error::Result<Named> {
        Ok(match self {
            Self::Id(id) => Named::Id(NodeType::CacheRule.key(&id)?),
            Self::Name(name) => Named::Name(name),
        })
    }
}

/// The cache rule that was changed, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct CacheRulePayload {
    /// The rule as it is now; null when nothing was changed.
    pub cache_rule: Option<CacheRule>,
    /// What has to be put right; empty when the change was made.
    pub user_errors: Vec<UserError>,
}

/// The cache rule that was deleted, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct DeleteCacheRulePayload {
    /// The id that it had; null when nothing was deleted.
    pub deleted_id: Option<ID>,
    /// What has to be put right; empty when it was deleted.
    pub user_errors: Vec<UserError>,
}

/// What was purged, or what has to be put right.
#[derive(Default, SimpleObject)]
pub struct PurgeCachePayload {
    /// The tags that were purged, each once; null when nothing was.
    pub tags: Option<Vec<String>>,
    /// What has to be put right; empty when they were purged.
    pub user_errors: Vec<UserError>,
}
