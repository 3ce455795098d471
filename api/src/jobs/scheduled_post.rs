//! Makes a post live, or takes it out of sight, at the time that was planned.
//!
//! **Safe to run again**: the job does something only while the plan has the time that the job
//! carries, and takes that time out of the plan in the same transaction. A second run, and one
//! whose plan was called off or moved meanwhile, finds nothing to do. A run that is cut off has
//! done nothing.

use crate::domain::actor::Actor;
use crate::domain::error::Error;
use crate::domain::permission::Action;
use crate::domain::post::{
    SCHEDULE_JOB_KIND, ScheduleJobPayload, carry_out_schedule, give_up_schedule,
};
use crate::domain::transaction::{Store, Transaction};
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    Handler::new(SCHEDULE_JOB_KIND, move |job| run(store.clone(), job))
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let payload: ScheduleJobPayload = job.read()?;
    let mut transaction = Transaction::begin(&store, Actor::Worker, Action::SchedulePost).await?;
    match carry_out_schedule(&mut transaction, payload).await {
        Ok(_) => Ok(transaction.commit().await?),
        Err(error @ Error::Refused(_)) => {
            transaction.roll_back().await?;
            let mut transaction =
                Transaction::begin(&store, Actor::Worker, Action::SchedulePost).await?;
            give_up_schedule(&mut transaction, payload.post_id, &error.to_string()).await?;
            transaction.commit().await?;
            Err(JobError::give_up(error.to_string()))
        }
        Err(error) => Err(error.into()),
    }
}
