//! Background jobs, and their kinds.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};

use super::{Outcome, change};
use crate::domain::error;
use crate::domain::job::{self, RetriedDead};
use crate::domain::permission::Action;
use crate::graphql::context::{job_kinds, reader, request};
use crate::graphql::error::OrGraphqlError;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::job::{Job, JobPayload, RetryJobsPayload};
use crate::graphql::types::job_kind::{JobKind, JobKindPayload};
use crate::graphql::types::time::check_time;

/// Background jobs, and their kinds.
#[derive(Default)]
pub struct JobMutation;

/// Which job is called off.
#[derive(InputObject)]
pub struct CancelJobInput {
    /// The job.
    pub id: ID,
}

/// Which job is tried again.
#[derive(InputObject)]
pub struct RetryJobInput {
    /// The job.
    pub id: ID,
}

/// Which dead jobs are tried again.
#[derive(InputObject)]
pub struct RetryJobsInput {
    /// Of this kind, e.g. `similar_posts`.
    pub kind: String,
    /// Those that died at this time or later; all of them when absent.
    #[graphql(validator(custom = "check_time"))]
    pub died_from: Option<DateTime<Utc>>,
}

/// Which kind of jobs is paused.
#[derive(InputObject)]
pub struct PauseJobKindInput {
    /// The kind, e.g. `similar_posts`.
    pub kind: String,
}

/// Which kind of jobs is resumed.
#[derive(InputObject)]
pub struct ResumeJobKindInput {
    /// The kind, e.g. `similar_posts`.
    pub kind: String,
}

#[Object]
impl JobMutation {
    /// Calls a job off. One that waits is cancelled at once; one that runs is told to end, and has the
    /// status `CANCELLED` when it has (`cancelRequestedAt` until then). A dead one is put aside: it
    /// raises no alarm any more. What a job has done already stays done. One that is cancelled stays
    /// as it is.
    async fn cancel_job(&self, context: &Context<'_>, input: CancelJobInput) -> Result<JobPayload> {
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::Job.key(&input.id)?;
            job::cancel(transaction, id).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Tries a job again now: one that is dead or cancelled, with all its attempts anew, or one that
    /// waits for its next attempt. Its history stays.
    async fn retry_job(&self, context: &Context<'_>, input: RetryJobInput) -> Result<JobPayload> {
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::Job.key(&input.id)?;
            job::retry(transaction, id).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Tries the dead jobs of a kind again now, with all their attempts anew: a thousand at a time,
    /// those that died first ahead. `left` says how many more there are.
    async fn retry_jobs(
        &self,
        context: &Context<'_>,
        input: RetryJobsInput,
    ) -> Result<RetryJobsPayload> {
        let known = job_kinds(context);
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let RetriedDead { retried, left } =
                job::retry_dead(transaction, known, &input.kind, input.died_from).await?;
            Ok((retried, left))
        });
        Ok(match outcome.await? {
            Ok((retried, left)) => RetryJobsPayload {
                retried,
                left,
                user_errors: Vec::new(),
            },
            Err(user_errors) => RetryJobsPayload {
                user_errors,
                ..RetryJobsPayload::default()
            },
        })
    }

    /// Turns a kind of jobs off: no worker begins one until it is resumed. Jobs of the kind are still
    /// enqueued and kept, and those that run go on. One that is paused stays as it is.
    async fn pause_job_kind(
        &self,
        context: &Context<'_>,
        input: PauseJobKindInput,
    ) -> Result<JobKindPayload> {
        let known = job_kinds(context);
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            job::pause_kind(transaction, known, &input.kind).await?;
            Ok(input.kind)
        });
        kind_payload(context, outcome.await?).await
    }

    /// Turns a kind of jobs on again: those that have waited run now. One that is not paused stays as
    /// it is.
    async fn resume_job_kind(
        &self,
        context: &Context<'_>,
        input: ResumeJobKindInput,
    ) -> Result<JobKindPayload> {
        let known = job_kinds(context);
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            job::resume_kind(transaction, known, &input.kind).await?;
            Ok(input.kind)
        });
        kind_payload(context, outcome.await?).await
    }
}

async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<JobPayload> {
    Ok(match outcome {
        Ok(id) => JobPayload {
            job: Job::load(context, Some(id)).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => JobPayload {
            user_errors,
            ..JobPayload::default()
        },
    })
}

async fn kind_payload(context: &Context<'_>, outcome: Outcome<String>) -> Result<JobKindPayload> {
    let name = match outcome {
        Ok(name) => name,
        Err(user_errors) => {
            return Ok(JobKindPayload {
                user_errors,
                ..JobKindPayload::default()
            });
        }
    };
    let clock = &request(context).store.clock;
    let kinds: error::Result<_> = job::kinds(reader(context), clock, job_kinds(context)).await;
    let mut kinds = kinds.or_graphql_error(context)?.into_iter();
    let now = clock.now();
    Ok(JobKindPayload {
        kind: kinds
            .find(|kind| kind.name == name)
            .map(|standing| JobKind { standing, now }),
        user_errors: Vec::new(),
    })
}
