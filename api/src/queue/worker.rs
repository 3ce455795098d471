//! The loop that claims jobs, runs them and lets go of them.

use std::any::Any;
use std::pin::pin;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};
use sea_orm::DbErr;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, info, warn};

use super::claim::{self, Claim};
use super::finish::{LostAttempt, finish, take_back_lost};
use super::handler::{Handler, Job, JobError};
use super::outcome::Outcome;
use super::wake::Wake;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// Runs jobs, one at a time. Several of them, in one process or in many, share a queue.
pub struct Worker {
    /// Its name in the history of attempts.
    pub name: String,
    /// For how long it claims a job; while the handler runs, it renews that three times as often.
    /// When it dies, another takes over after so long.
    pub lease: Duration,
    /// How often it looks for jobs that nobody woke it for: delayed ones, retries, those of other
    /// processes, and those whose worker died.
    pub poll: Duration,
    /// How long a running job may go on after the worker was told to stop. Then it is given back.
    pub grace: Duration,
    database: Database,
    clock: Clock,
    wake: Wake,
    handlers: Vec<Handler>,
    random: Box<dyn Rng + Send>,
    last_look_for_lost: Option<Instant>,
}

/// Why a handler was stopped before it ended by itself.
#[derive(Clone, Copy)]
enum Stopped {
    TookTooLong,
    LeaseLost,
    WorkerStops,
}

impl Worker {
    /// A worker with a lease of a minute, that looks every second and stops within ten. It claims
    /// only jobs that `handlers` are for; `random` spreads retries.
    pub fn new(
        name: impl Into<String>,
        database: Database,
        clock: Clock,
        wake: Wake,
        handlers: Vec<Handler>,
        random: impl Rng + Send + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            lease: Duration::from_secs(60),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(10),
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
        while !stop.is_cancelled() {
            listener.about_to_look();
            let woken = match self.run_next(&stop).await {
                Ok(true) => continue,
                Ok(false) => true,
                Err(error) => {
                    warn!(worker = self.name, %error, "the queue can't be reached");
                    false
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = listener.woken(), if woken => {}
                () = sleep(self.poll) => {}
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

    /// Runs the job whose turn it is, and answers whether there was one.
    async fn run_next(&mut self, stop: &CancellationToken) -> Result<bool, DbErr> {
        self.look_for_lost().await?;
        let kinds = self.handlers.iter().map(|handler| handler.kind);
        let claim = claim::claim(&self.database, &self.clock, &self.name, self.lease, kinds);
        let Some(claim) = claim.await? else {
            return Ok(false);
        };
        let handler = self.handlers.iter().find(|one| one.kind == claim.kind);
        let Some(handler) = handler.cloned() else {
            return Ok(false); // Only kinds with a handler are claimed.
        };
        let started = Instant::now();
        let outcome = self.attempt(&handler, &claim, stop).await;
        let took = started.elapsed();
        let Some(outcome) = outcome else {
            self.log(&claim, "lease lost", None, false, took);
            return Ok(true);
        };
        if finish(&self.database, &self.clock, claim.id, claim.lease, &outcome).await? {
            self.log(
                &claim,
                outcome.name(),
                outcome.error(),
                outcome.is_last(),
                took,
            );
        } else {
            self.log(&claim, "lease lost", outcome.error(), false, took);
        }
        Ok(true)
    }

    /// Runs the handler in a task of its own, so that its panic ends there and its waiting does
    /// not keep the lease from being renewed. The lease is renewed until the handler has really
    /// stopped, so that no other worker begins before. Answers `None` when the lease was lost.
    async fn attempt(
        &mut self,
        handler: &Handler,
        claim: &Claim,
        stop: &CancellationToken,
    ) -> Option<Outcome> {
        let job = Job {
            id: claim.id,
            attempt: claim.attempt,
            payload: claim.payload.clone(),
        };
        let mut task = AbortOnDropHandle::new(tokio::spawn(handler.run(job)));
        let mut time_limit = pin!(sleep(handler.time_limit));
        let grace = self.grace;
        let mut grace = pin!(async move {
            stop.cancelled().await;
            sleep(grace).await;
        });
        let mut renewals = interval(self.lease / 3);
        renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renewals.reset(); // The first tick is due a third of a lease from now.
        let mut stopped = None;
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut task => break ended,
                () = &mut time_limit, if stopped.is_none() => {
                    stopped = Some(Stopped::TookTooLong);
                    task.abort();
                }
                () = &mut grace, if stopped.is_none() => {
                    stopped = Some(Stopped::WorkerStops);
                    task.abort();
                }
                _ = renewals.tick() => {
                    match claim::renew(&self.database, &self.clock, claim, self.lease).await {
                        Ok(true) => {}
                        Ok(false) => {
                            stopped = Some(Stopped::LeaseLost);
                            task.abort();
                        }
                        Err(error) => {
                            warn!(job = claim.id, %error, "the lease can't be renewed");
                        }
                    }
                }
            }
        };
        let error = match (ended, stopped) {
            (Ok(Ok(())), _) => return Some(Outcome::Done),
            (Ok(Err(error)), _) => error,
            (Err(join), _) if join.is_panic() => {
                JobError::new(format!("panicked: {}", panic_text(&*join.into_panic())))
            }
            (Err(_), Some(Stopped::TookTooLong)) => JobError::new(format!(
                "took longer than its limit of {:?}",
                handler.time_limit
            )),
            (Err(_), Some(Stopped::LeaseLost)) => return None,
            (Err(_), Some(Stopped::WorkerStops) | None) => return Some(Outcome::Released),
        };
        let jitter = self.random.random();
        Some(Outcome::failed(error, claim.attempt, handler, jitter))
    }

    /// Takes back what dead workers held, at most as often as it polls.
    async fn look_for_lost(&mut self) -> Result<(), DbErr> {
        let looked = self.last_look_for_lost;
        if looked.is_some_and(|looked| looked.elapsed() < self.poll) {
            return Ok(());
        }
        self.last_look_for_lost = Some(Instant::now());
        let lost = take_back_lost(&self.database, &self.clock, &self.handlers).await?;
        for LostAttempt { claim, outcome } in lost {
            let last = outcome.is_last();
            self.log(
                &claim,
                outcome.name(),
                outcome.error(),
                last,
                Duration::ZERO,
            );
        }
        Ok(())
    }

    /// One line for each attempt.
    fn log(&self, claim: &Claim, outcome: &str, error: Option<&str>, dead: bool, took: Duration) {
        let (kind, job, attempt, worker) = (&claim.kind, claim.id, claim.attempt, &self.name);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if dead {
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

/// What a panic says, when it says it in words.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "without a message"
    }
}
