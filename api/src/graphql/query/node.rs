//! Anything by its id.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, Result};

use crate::domain::cache_rule;
use crate::domain::error::Error;
use crate::domain::export;
use crate::domain::import;
use crate::domain::job;
use crate::domain::page::PAGE_LIMIT;
use crate::domain::permission::{self, Action};
use crate::domain::post::{self, NumberField, PostFilter, Test};
use crate::domain::release;
use crate::domain::schedule;
use crate::domain::taxonomy::{self, Taxonomy};
use crate::foundation::cache_tag::CacheTag;
use crate::graphql::context::{reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::{self, NodeType};
use crate::graphql::types::cache_rule::CacheRule;
use crate::graphql::types::export_run::ExportRun;
use crate::graphql::types::import_run::ImportRun;
use crate::graphql::types::job::Job;
use crate::graphql::types::node::Node;
use crate::graphql::types::post::selection_of;
use crate::graphql::types::release::Release;
use crate::graphql::types::revision::Revision;
use crate::graphql::types::schedule::JobSchedule;
use crate::graphql::types::term::{Entity, Stack, Tool};

/// Anything by its id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Whatever has this id, or null when there is nothing in sight.
    async fn node(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Node>> {
        Ok(find(context, &[id]).await?.pop().flatten())
    }

    /// Whatever has these ids, in their order, null where there is nothing in sight.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Their ids, up to 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if u32::try_from(ids.len()).map_or(true, |count| count > PAGE_LIMIT) {
            let text = format!("`ids` has {} items; {PAGE_LIMIT} are the most", ids.len());
            return Err(Error::BadArgument(text)).or_graphql_error(context);
        }
        find(context, &ids).await
    }
}

/// Looks up ids of all types, with a statement a type.
async fn find(context: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let parsed: Vec<Option<(NodeType, i64)>> = ids.iter().map(node_id::parse).collect();
    let keys_of = |node: NodeType| -> Vec<i64> {
        let parsed = parsed.iter().flatten();
        parsed
            .filter(|(found, _)| *found == node)
            .map(|(_, key)| *key)
            .collect()
    };
    let reader = reader(context);
    let mut found: HashMap<(NodeType, i64), Node> = HashMap::new();
    let posts = keys_of(NodeType::Post);
    if !posts.is_empty() {
        // Also of those that are not in sight, for that is an answer too.
        reader.note_all(posts.iter().map(|key| CacheTag::Row("post", *key)));
        let filter = PostFilter::Number(NumberField::Id, Test::In(posts));
        let posts = post::find(reader, filter, selection_of(context.look_ahead())).await;
        for post in posts.or_graphql_error(context)? {
            found.insert((NodeType::Post, post.id), Node::Post(post.into()));
        }
    }
    let revisions = keys_of(NodeType::Revision);
    if !revisions.is_empty() {
        let revisions = post::find_revisions(reader, &revisions).await;
        for revision in revisions.or_graphql_error(context)? {
            let key = (NodeType::Revision, revision.id);
            found.insert(key, Node::Revision(Revision(revision)));
        }
    }
    for (node, taxonomy) in [
        (NodeType::Tool, Taxonomy::Tool),
        (NodeType::Stack, Taxonomy::Stack),
        (NodeType::Entity, Taxonomy::Entity),
    ] {
        let keys = keys_of(node);
        if keys.is_empty() {
            continue;
        }
        let terms = taxonomy::find(reader, taxonomy, &keys).await;
        for term in terms.or_graphql_error(context)? {
            let key = (node, term.id);
            let term = match taxonomy {
                Taxonomy::Tool => Node::Tool(Tool(term)),
                Taxonomy::Stack => Node::Stack(Stack(term)),
                Taxonomy::Entity => Node::Entity(Entity(term)),
            };
            found.insert(key, term);
        }
    }
    let releases = keys_of(NodeType::Release);
    let may_see = permission::check(request(context).caller.actor, Action::ReadDrafts).is_ok();
    if !releases.is_empty() && may_see {
        let releases = release::find(reader, &releases).await;
        for release in releases.or_graphql_error(context)? {
            let key = (NodeType::Release, release.id);
            found.insert(key, Node::Release(Release(release)));
        }
    }
    let (jobs, schedules) = (keys_of(NodeType::Job), keys_of(NodeType::JobSchedule));
    let may_see = permission::check(request(context).caller.actor, Action::ReadJobs).is_ok();
    if !jobs.is_empty() && may_see {
        let jobs = job::find(reader, &jobs).await;
        for job in jobs.or_graphql_error(context)? {
            found.insert((NodeType::Job, job.id), Node::Job(Job(job)));
        }
    }
    if !schedules.is_empty() && may_see {
        let schedules = schedule::find(reader, &schedules).await;
        for schedule in schedules.or_graphql_error(context)? {
            let key = (NodeType::JobSchedule, schedule.id);
            found.insert(key, Node::JobSchedule(JobSchedule(schedule)));
        }
    }
    let runs = keys_of(NodeType::ImportRun);
    let may_see = permission::check(request(context).caller.actor, Action::ReadImports).is_ok();
    if !runs.is_empty() && may_see {
        let runs = import::find(reader, &runs).await;
        for run in runs.or_graphql_error(context)? {
            found.insert(
                (NodeType::ImportRun, run.id),
                Node::ImportRun(ImportRun(run)),
            );
        }
    }
    let exports = keys_of(NodeType::ExportRun);
    let may_see = permission::check(request(context).caller.actor, Action::Export).is_ok();
    if !exports.is_empty() && may_see {
        let exports = export::find(reader, &exports).await;
        for run in exports.or_graphql_error(context)? {
            found.insert(
                (NodeType::ExportRun, run.id),
                Node::ExportRun(ExportRun(run)),
            );
        }
    }
    let rules = keys_of(NodeType::CacheRule);
    let may_see = permission::check(request(context).caller.actor, Action::ReadCacheRules).is_ok();
    if !rules.is_empty() && may_see {
        let rules = cache_rule::find(reader, &rules).await;
        for rule in rules.or_graphql_error(context)? {
            found.insert(
                (NodeType::CacheRule, rule.id),
                Node::CacheRule(CacheRule(rule)),
            );
        }
    }
    // An id that is asked for twice is answered twice, the second time by a look-up of its own.
    let mut nodes = Vec::with_capacity(parsed.len());
    for key in parsed {
        nodes.push(key.and_then(|key| found.remove(&key)));
    }
    Ok(nodes)
}
