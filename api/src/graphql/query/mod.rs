//! What can be asked, one file a noun.

mod audit_event;
mod cache_rule;
mod export_run;
mod import_run;
mod job;
mod node;
mod post;
mod redirect;
mod release;
mod revision;
mod schedule;
mod scheduled_post;
mod search;
mod status;
mod term;
mod traffic;
mod user;
mod webhook;

use async_graphql::MergedObject;

pub use audit_event::AuditEventQuery;
pub use cache_rule::CacheRuleQuery;
pub use export_run::ExportRunQuery;
pub use import_run::ImportRunQuery;
pub use job::JobQuery;
pub use node::NodeQuery;
pub use post::PostQuery;
pub use redirect::RedirectQuery;
pub use release::ReleaseQuery;
pub use revision::RevisionQuery;
pub use schedule::ScheduleQuery;
pub use scheduled_post::ScheduledPostQuery;
pub use search::SearchQuery;
pub use status::StatusQuery;
pub use term::TermQuery;
pub use traffic::TrafficQuery;
pub use user::UserQuery;
pub use webhook::WebhookQuery;

/// Everything that can be asked. Anonymous requests see what is published, and nothing else.
#[derive(Default, MergedObject)]
pub struct Query(
    PostQuery,
    RevisionQuery,
    ScheduledPostQuery,
    SearchQuery,
    TermQuery,
    RedirectQuery,
    ReleaseQuery,
    NodeQuery,
    UserQuery,
    AuditEventQuery,
    JobQuery,
    ScheduleQuery,
    StatusQuery,
    TrafficQuery,
    WebhookQuery,
    ImportRunQuery,
    ExportRunQuery,
    CacheRuleQuery,
);
