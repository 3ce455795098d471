//! Everything that has an id.

use async_graphql::{ID, Interface};

use super::cache_rule::CacheRule;
use super::export_run::ExportRun;
use super::import_run::ImportRun;
use super::job::Job;
use super::post::Post;
use super::release::Release;
use super::revision::Revision;
use super::schedule::JobSchedule;
use super::term::{Entity, Stack, Tool};

/// Everything that has an id.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "ID",
    desc = "Unique among everything that has an id."
))]
#[allow(
    clippy::large_enum_variant,
    reason = "at most a hundred a request, and most are posts"
)]
pub enum Node {
    /// A post.
    Post(Post),
    /// A revision of a post.
    Revision(Revision),
    /// A tool.
    Tool(Tool),
    /// A stack.
    Stack(Stack),
    /// A named entity.
    Entity(Entity),
    /// A release.
    Release(Release),
    /// A background job.
    Job(Job),
    /// A schedule.
    JobSchedule(JobSchedule),
    /// A run of an import.
    ImportRun(ImportRun),
    /// An export.
    ExportRun(ExportRun),
    /// A cache rule.
    CacheRule(CacheRule),
}
