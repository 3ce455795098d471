//! Background jobs, and their kinds.

use async_graphql::{Context, ID, Object, Result};

use crate::domain::error::Error;
use crate::domain::job::{self, JobFilter};
use crate::domain::page::PageRequest;
use crate::domain::permission::Action;
use crate::graphql::context::{job_kinds, permit, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::pagination::rows;
use crate::graphql::types::job::{Job, JobConnection, JobFilterInput};
use crate::graphql::types::job_kind::JobKind;

/// Background jobs, and their kinds.
#[derive(Default)]
pub struct JobQuery;

#[Object]
impl JobQuery {
    /// One job, or null when there is no such job, or it is over and was purged since. For editors.
    async fn job(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Its id.")] id: ID,
    ) -> Result<Option<Job>> {
        permit(context, Action::ReadJobs)?;
        let id = NodeType::Job.key(&id).or_graphql_error(context)?;
        Job::load(context, Some(id)).await
    }

    /// Jobs, those enqueued last first. For editors.
    #[graphql(complexity = "1 + rows(first, last) * child_complexity")]
    #[allow(
        clippy::too_many_arguments,
        reason = "they are the arguments of the field"
    )]
    async fn jobs(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which jobs; all of them when absent.")] filter: Option<JobFilterInput>,
        #[graphql(desc = "The first so many, 20 when nothing is said.")] first: Option<i32>,
        #[graphql(desc = "Those after this place.")] after: Option<String>,
        #[graphql(desc = "The last so many.")] last: Option<i32>,
        #[graphql(desc = "Those before this place.")] before: Option<String>,
    ) -> Result<JobConnection> {
        permit(context, Action::ReadJobs)?;
        let page = async {
            let filter = into_domain(filter.unwrap_or_default());
            let request = PageRequest::new(first, after, last, before, None)?;
            let page = job::list(reader(context), &filter, &request).await?;
            Ok::<_, Error>((page, filter))
        };
        let (page, filter) = page.await.or_graphql_error(context)?;
        Ok(JobConnection::new(page, filter))
    }

    /// Every kind of job that this server knows, has jobs of, or that is paused, by name. For
    /// editors.
    #[graphql(complexity = "20 * child_complexity")]
    async fn job_kinds(&self, context: &Context<'_>) -> Result<Vec<JobKind>> {
        permit(context, Action::ReadJobs)?;
        let clock = &request(context).store.clock;
        let kinds = job::kinds(reader(context), clock, job_kinds(context)).await;
        let kinds = kinds.or_graphql_error(context)?.into_iter();
        let now = clock.now();
        Ok(kinds.map(|standing| JobKind { standing, now }).collect())
    }
}

fn into_domain(input: JobFilterInput) -> JobFilter {
    let statuses = input.statuses.into_iter().flatten();
    JobFilter {
        kinds: input.kinds.unwrap_or_default(),
        statuses: statuses.map(Into::into).collect(),
        unique_key: input.unique_key,
        created_from: input.created_from,
        created_before: input.created_until,
        finished_from: input.finished_from,
        finished_before: input.finished_until,
    }
}
