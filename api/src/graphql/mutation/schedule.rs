//! Schedules.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};

use super::{Outcome, change};
use crate::domain::permission::Action;
use crate::domain::schedule::{self, ScheduleChange};
use crate::graphql::context::permit;
use crate::graphql::node_id::NodeType;
use crate::graphql::types::job::Job;
use crate::graphql::types::schedule::{JobSchedule, JobSchedulePayload, RunSchedulePayload};

/// Schedules.
#[derive(Default)]
pub struct ScheduleMutation;

/// Which schedule runs now.
#[derive(InputObject)]
pub struct RunScheduleInput {
    /// The schedule.
    pub id: ID,
}

/// Which schedule is paused.
#[derive(InputObject)]
pub struct PauseScheduleInput {
    /// The schedule.
    pub id: ID,
}

/// Which schedule is resumed.
#[derive(InputObject)]
pub struct ResumeScheduleInput {
    /// The schedule.
    pub id: ID,
}

/// When a schedule should run. A field that is left out stays as it is.
#[derive(InputObject)]
pub struct UpdateScheduleInput {
    /// The schedule.
    pub id: ID,
    /// Another line of cron: minute, hour, day of month, month and day of week, e.g. `30 3 * * 1`
    /// for half past three on Mondays, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
    /// At most 200 bytes; more than 48 times of a day are said with `*` or a step. Null goes back to the
    /// one that it comes with.
    pub cron: MaybeUndefined<String>,
    /// Another zone whose clocks that goes by: a name of the IANA database, e.g. `Europe/Berlin`.
    /// Null goes back to the one that it comes with.
    pub time_zone: MaybeUndefined<String>,
}

#[Object]
impl ScheduleMutation {
    /// Enqueues the job of a schedule now, also when it is paused; when it runs next stays as it is.
    /// Safe to send again: while a job of the schedule waits for its first run, there is no second.
    async fn run_schedule(
        &self,
        context: &Context<'_>,
        input: RunScheduleInput,
    ) -> Result<RunSchedulePayload> {
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::JobSchedule.key(&input.id)?;
            Ok((id, schedule::run(transaction, id).await?))
        });
        Ok(match outcome.await? {
            Ok((id, job_id)) => RunSchedulePayload {
                schedule: JobSchedule::find(context, id).await?,
                job: Job::load(context, Some(job_id)).await?,
                user_errors: Vec::new(),
            },
            Err(user_errors) => RunSchedulePayload {
                user_errors,
                ..RunSchedulePayload::default()
            },
        })
    }

    /// Stops a schedule: nothing happens at its times until it is resumed. A job that it has enqueued
    /// already still runs. One that is paused stays as it is.
    async fn pause_schedule(
        &self,
        context: &Context<'_>,
        input: PauseScheduleInput,
    ) -> Result<JobSchedulePayload> {
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::JobSchedule.key(&input.id)?;
            schedule::pause(transaction, id).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Lets a schedule run again, from its next time on. What it missed meanwhile is not made up for;
    /// `runSchedule` does that. One that is not paused stays as it is.
    async fn resume_schedule(
        &self,
        context: &Context<'_>,
        input: ResumeScheduleInput,
    ) -> Result<JobSchedulePayload> {
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::JobSchedule.key(&input.id)?;
            schedule::resume(transaction, id).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }

    /// Lets a schedule run at other times. That stays when the program is updated. A schedule that
    /// is paused stays paused.
    async fn update_schedule(
        &self,
        context: &Context<'_>,
        input: UpdateScheduleInput,
    ) -> Result<JobSchedulePayload> {
        permit(context, Action::ManageJobs)?;
        let wanted = ScheduleChange::read(input.cron.into(), input.time_zone.into());
        let outcome = change(context, Action::ManageJobs, None, async |transaction| {
            let id = NodeType::JobSchedule.key(&input.id)?;
            schedule::update(transaction, id, wanted?).await?;
            Ok(id)
        });
        payload(context, outcome.await?).await
    }
}

async fn payload(context: &Context<'_>, outcome: Outcome<i64>) -> Result<JobSchedulePayload> {
    Ok(match outcome {
        Ok(id) => JobSchedulePayload {
            schedule: JobSchedule::find(context, id).await?,
            user_errors: Vec::new(),
        },
        Err(user_errors) => JobSchedulePayload {
            user_errors,
            ..JobSchedulePayload::default()
        },
    })
}
