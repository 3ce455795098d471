//! The loop that claims jobs, runs them and lets go of them.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt};
use sea_orm::DbErr;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::attempt::attempt;
use super::claim::{Claim, Claimant};
use super::finish::{Ending, LostAttempt, finish, take_back_lost};
use super::handler::Handler;
use super::heartbeat::Heartbeat;
use super::job::{Job, Notes};
use super::outcome::Outcome;
use super::status::Status;
use super::wake::Wake;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, Dialect};

/// How long to leave a database alone that did not answer.
const AFTER_AN_ERROR: Duration = Duration::from_secs(1);

/// Runs jobs, one at a time. Several of them, in one process or in many, share a queue.
pub struct Worker {
    /// Its name in the history of attempts.
    pub name: String,
    /// For how long it claims a job; while the handler runs, it renews that. When it dies, another
    /// takes over after so long.
    pub lease: Duration,
    /// How often it renews the lease of a running job, writes down what the handler said, and looks
    /// whether somebody called the job off. Well below the lease.
    pub heartbeat: Duration,
    /// How often it looks for jobs that nobody woke it for, and for those whose worker died.
    pub poll: Duration,
    /// How long a running job may go on after the worker was told to stop, and is then given back;
    /// or after the job was called off, and is then stopped.
    pub grace: Duration,
    /// Of which kind a job `{"jobId": …}` is enqueued when one is dead, in the transaction that
    /// makes it so. None announces nothing.
    pub announce_dead: Option<&'static str>,
    database: Database,
    clock: Clock,
    wake: Wake,
    handlers: Vec<Handler>,
    claimant: Claimant,
    random: Box<dyn Rng + Send + Sync>,
    last_look_for_lost: Option<Instant>,
}

impl Worker {
    /// A worker with a lease of a minute and a heartbeat of two seconds, that looks every second and
    /// stops within ten. It claims only jobs that `handlers` are for; `random` spreads retries.
    pub fn new(
        name: impl Into<String>,
        database: Database,
        clock: Clock,
        wake: Wake,
        handlers: Vec<Handler>,
        random: impl Rng + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            lease: Duration::from_secs(60),
            heartbeat: Duration::from_secs(2),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(10),
            announce_dead: None,
            claimant: Claimant::new(database.dialect(), &handlers),
            database,
            clock,
            wake,
            handlers,
            random: Box::new(random),
            last_look_for_lost: None,
        }
    }

    /// Runs jobs until `stop`, and then finishes or gives back the one it holds. A database that
    /// does not answer is tried again.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut listener = self.wake.listen();
        let mut answers = true;
        while !stop.is_cancelled() {
            listener.about_to_look();
            let (wait, may_be_woken) = match self.run_due(&stop).await {
                Ok(wait) => {
                    if !answers {
                        answers = true;
                        info!(worker = self.name, "the queue can be reached again");
                    }
                    (wait, true)
                }
                Err(error) => {
                    if answers {
                        answers = false;
                        warn!(worker = self.name, %error, "the queue can't be reached");
                    }
                    (AFTER_AN_ERROR, false)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = listener.woken(), if may_be_woken => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Runs jobs until none is due, and answers how many attempts that took.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn run_until_idle(&mut self) -> Result<usize, DbErr> {
        let never = CancellationToken::new();
        let mut attempts = 0;
        self.last_look_for_lost = None;
        while self.run_next(&never).await? {
            attempts += 1;
        }
        Ok(attempts)
    }

    /// Runs what is due, and answers after how long to look again. To look costs only a read, so
    /// workers that are woken for one job do not all ask to write.
    async fn run_due(&mut self, stop: &CancellationToken) -> Result<Duration, DbErr> {
        /// Until somebody lets go of a job that is due.
        const LOCKED: Duration = Duration::from_millis(100);

        self.look_for_lost().await?;
        let next_due = self.claimant.next_due(&self.database, &self.clock);
        let next_due = self.patiently(next_due).await?.unwrap_or(self.poll);
        if !next_due.is_zero() {
            return Ok(next_due.min(self.poll));
        }
        let mut wait = LOCKED.min(self.poll);
        while !stop.is_cancelled() && self.run_next(stop).await? {
            wait = Duration::ZERO;
        }
        Ok(wait)
    }

    /// Runs the job whose turn it is, and answers whether there was one.
    async fn run_next(&mut self, stop: &CancellationToken) -> Result<bool, DbErr> {
        self.look_for_lost().await?;
        let started = tokio::time::Instant::now();
        let claim = self
            .claimant
            .claim(&self.database, &self.clock, &self.name, self.lease);
        let Some(claim) = self.patiently(claim).await? else {
            return Ok(false);
        };
        let handler = self.handlers.iter().find(|one| one.kind == claim.kind);
        let Some(handler) = handler.cloned() else {
            return Ok(false); // Only kinds with a handler are claimed.
        };
        let job = Job {
            id: claim.id,
            attempt: claim.attempt,
            payload: claim.payload.clone(),
            cancelled: CancellationToken::new(),
            notes: Notes::new(claim.started_at),
        };
        let jitter = self.random.random();
        let heartbeat = Heartbeat {
            database: &self.database,
            clock: &self.clock,
            claim: &claim,
            lease: self.lease,
            every: self.heartbeat,
            claimed: started,
        };
        let outcome = attempt(&handler, &job, &heartbeat, stop, self.grace, jitter).await;
        let status = match &outcome {
            Some(outcome) => {
                let ending = Ending {
                    id: claim.id,
                    lease: claim.lease,
                    outcome,
                    said: job.notes.unwritten(),
                    announce: handler.announced_by(self.announce_dead),
                };
                self.finish(&ending, stop).await
            }
            None => None,
        };
        self.log(&claim, outcome.as_ref(), status, started.elapsed());
        Ok(true)
    }

    /// Lets go of a job, and tries that again until the database answers: what was done is not to
    /// be done again. Answers `None` when the job is not the worker's any more, or the worker has to
    /// stop before the database is back.
    async fn finish(&self, ending: &Ending<'_>, stop: &CancellationToken) -> Option<Status> {
        let mut answers = true;
        loop {
            let finish = finish(&self.database, &self.clock, ending);
            match self.patiently(finish).await {
                Ok(status) => return status,
                Err(_) if stop.is_cancelled() => return None,
                Err(error) if answers => {
                    answers = false;
                    warn!(job = ending.id, %error, "the job can't be finished yet");
                }
                Err(_) => {}
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(AFTER_AN_ERROR) => {}
            }
        }
    }

    /// Takes back what dead workers held, at most as often as it polls.
    async fn look_for_lost(&mut self) -> Result<(), DbErr> {
        let looked = self.last_look_for_lost;
        if looked.is_some_and(|looked| looked.elapsed() < self.poll) {
            return Ok(());
        }
        self.last_look_for_lost = Some(Instant::now());
        let lost = take_back_lost(
            &self.database,
            &self.clock,
            &self.handlers,
            self.announce_dead,
        );
        for lost in self.patiently(lost).await? {
            let LostAttempt {
                claim,
                outcome,
                status,
            } = lost;
            self.log(&claim, Some(&outcome), Some(status), Duration::ZERO);
        }
        Ok(())
    }

    /// Waits for the database only so long. A server that is cut off without a word would otherwise
    /// keep the worker for many minutes. SQLite gives up by itself.
    async fn patiently<T>(
        &self,
        answer: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        const PATIENCE: Duration = Duration::from_secs(10);
        match self.database.dialect() {
            Dialect::Sqlite => answer.await,
            Dialect::Postgres => timeout(PATIENCE, answer)
                .await
                .unwrap_or_else(|_| Err(DbErr::Custom(format!("no answer within {PATIENCE:?}")))),
        }
    }

    /// One line for each attempt. Without an outcome or a status, the job is not the worker's any
    /// more.
    fn log(
        &self,
        claim: &Claim,
        outcome: Option<&Outcome>,
        status: Option<Status>,
        took: Duration,
    ) {
        let (kind, job, attempt, worker) = (&claim.kind, claim.id, claim.attempt, &self.name);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let error = outcome.and_then(Outcome::error);
        let outcome = match (outcome, status) {
            (Some(outcome), Some(_)) => outcome.name(),
            _ => "lease lost",
        };
        if status == Some(Status::Dead) {
            // Whoever runs the announcement may be asleep.
            self.wake.workers();
            error!(
                kind,
                job, attempt, worker, outcome, duration_ms, error, "job is dead"
            );
        } else if error.is_some() {
            warn!(
                kind,
                job, attempt, worker, outcome, duration_ms, error, "job attempt"
            );
        } else {
            info!(
                kind,
                job, attempt, worker, outcome, duration_ms, "job attempt"
            );
        }
    }
}
