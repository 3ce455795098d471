//! Cache rules, and what they come to.

use async_graphql::{Context, Object, Result};

use crate::domain::cache_rule::{self, CacheRequest, Named, RuleSet, Target};
use crate::domain::error::{self, Error};
use crate::domain::permission::Action;
use crate::graphql::context::{permit, reader};
use crate::graphql::document::parse;
use crate::graphql::error::OrGraphqlError;
use crate::graphql::perspective;
use crate::graphql::root_fields::RootFields;
use crate::graphql::types::cache_decision::{
    CacheDecision, CacheOperationInput, CacheRequestInput, CacheTargetInput,
};
use crate::graphql::types::cache_rule::{CacheRule, CacheRuleBy};

/// Cache rules, and what they come to.
#[derive(Default)]
pub struct CacheRuleQuery;

#[Object]
impl CacheRuleQuery {
    /// The cache rules, by name; there are 200 at most. For editors.
    #[graphql(complexity = "20 * child_complexity")]
    async fn cache_rules(&self, context: &Context<'_>) -> Result<Vec<CacheRule>> {
        permit(context, Action::ReadCacheRules)?;
        let rules = cache_rule::list(reader(context)).await;
        let rules = rules.or_graphql_error(context)?.into_iter();
        Ok(rules.map(CacheRule).collect())
    }

    /// One cache rule, or null when there is no such rule. For editors.
    async fn cache_rule(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which rule.")] by: CacheRuleBy,
    ) -> Result<Option<CacheRule>> {
        permit(context, Action::ReadCacheRules)?;
        let found = async {
            match by.into_domain()? {
                Named::Id(id) => Ok(cache_rule::find(reader(context), &[id]).await?.pop()),
                Named::Name(name) => cache_rule::find_by_name(reader(context), &name).await,
            }
        };
        Ok(found.await.or_graphql_error(context)?.map(CacheRule))
    }

    /// What caches do with a request, and why: which rule decides, what makes it pass by, what its answer
    /// says to caches. Nothing is run. For editors.
    async fn cache_decision(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The request to explain.")] request: CacheRequestInput,
    ) -> Result<CacheDecision> {
        permit(context, Action::ReadCacheRules)?;
        let decided = async {
            let rules = RuleSet::read(reader(context)).await?;
            decide(&rules, request)
        };
        decided.await.or_graphql_error(context)
    }
}

fn decide(rules: &RuleSet, request: CacheRequestInput) -> error::Result<CacheDecision> {
    let perspective = perspective::parse(request.perspective.trim())?;
    let headers: Vec<cache_rule::Header> = request.headers.into_iter().map(Into::into).collect();
    let of = |target: Target<'_>| {
        rules.decide(&CacheRequest {
            target,
            headers: &headers,
            signed_in: request.signed_in,
            perspective,
        })
    };
    match request.target {
        CacheTargetInput::Path(path) if !path.starts_with('/') => {
            let message = "a path begins with `/`; leave out the name of the host";
            Err(Error::BadArgument(message.into()))
        }
        CacheTargetInput::Path(path) => {
            let decision = of(Target::Page { path: &path });
            Ok(CacheDecision::of(decision, rules, None))
        }
        CacheTargetInput::Operation(operation) => {
            let RootFields { kind, names } = root_fields(&operation)?;
            let decision = of(Target::Operation {
                kind,
                root_fields: &names,
            });
            Ok(CacheDecision::of(decision, rules, Some(names)))
        }
    }
}

fn root_fields(operation: &CacheOperationInput) -> error::Result<RootFields> {
    let document = parse(&operation.document);
    let document = document.map_err(|error| {
        let message = format!("the document can't be read: {}", error.message);
        Error::BadArgument(message)
    })?;
    let name = operation.operation_name.as_deref();
    let found = RootFields::of(&document, name.filter(|name| !name.is_empty()));
    found.ok_or_else(|| {
        let message = "the document has no such operation, or several: name one by `operationName`";
        Error::BadArgument(message.into())
    })
}
