//! Makes a post live, or takes it out of sight, at the time that was planned.
//!
//! Where many are planned for the same time, the first of their jobs does it for all of them, a
//! hundred in a transaction, and the other jobs find it done.
//!
//! **Safe to run again**: a plan is carried out only while it has a time that has come, and that time
//! is taken out of the plan in the same transaction. A second run, and one whose plan was called off
//! or moved meanwhile, finds nothing to do. A run that is cut off has carried out some plans, each
//! in whole, and the jobs of the others do the rest.

use crate::domain::actor::Actor;
use crate::domain::error::{self, Error};
use crate::domain::permission::Action;
use crate::domain::post::{
    SCHEDULE_JOB_KIND, ScheduleJobPayload, carry_out_many, carry_out_schedule, due,
    give_up_schedule,
};
use crate::domain::transaction::{Store, Transaction};
use crate::queue::{Handler, Job, JobError};

pub(super) fn handler(store: Store) -> Handler {
    let mut handler = Handler::new(
        SCHEDULE_JOB_KIND,
        "Makes a post live, or takes it out of sight, at the time that was planned.",
        move |job| run(store.clone(), job),
    );
    // People rely on it: a database that is away for some hours must not end it.
    handler.max_attempts = 20;
    handler
}

async fn run(store: Store, job: Job) -> Result<(), JobError> {
    let payload: ScheduleJobPayload = job.read()?;
    let is_left = match together(&store, payload).await {
        Ok(Together { done, own_is_left }) => {
            if done > 0 {
                job.log(format!("carried out {done} plans that were due together"));
            }
            own_is_left
        }
        // Whatever it was: it must not keep those from being carried out that it has nothing to do
        // with.
        Err(error) => {
            job.log(format!(
                "each plan alone, for together they failed: {error}"
            ));
            due(&store, payload).await?.own
        }
    };
    if !is_left {
        return Ok(());
    }
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

/// What came of carrying out many plans together.
struct Together {
    /// How many were.
    done: usize,
    /// Whether the plan of the job still waits.
    own_is_left: bool,
}

/// Carries out everything that is due, where that is more than one plan.
async fn together(store: &Store, payload: ScheduleJobPayload) -> error::Result<Together> {
    let mut all = 0;
    loop {
        let due = due(store, payload).await?;
        let left = Together {
            done: all,
            own_is_left: due.own,
        };
        if due.post_ids.len() < 2 {
            return Ok(left);
        }
        let mut transaction =
            Transaction::begin(store, Actor::Worker, Action::SchedulePost).await?;
        let done = carry_out_many(&mut transaction, &due.post_ids, payload.time).await?;
        if done == 0 {
            return Ok(left); // Something stands in the way of each of them.
        }
        transaction.commit().await?;
        all += done;
    }
}
