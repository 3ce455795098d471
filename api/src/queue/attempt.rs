//! One attempt at a job: its handler runs, and is stopped when it has to be.

use std::any::Any;
use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::handler::{Handler, JobError};
use super::heartbeat::Heartbeat;
use super::job::Job;
use super::outcome::Outcome;

/// Why a handler was stopped before it ended by itself.
#[derive(Clone, Copy)]
enum Stopped {
    TookTooLong,
    LeaseLost,
    WorkerStops,
    Cancelled,
}

/// Runs the handler in a task of its own, so that its panic ends there and its waiting does not
/// keep the lease from being renewed. The lease is renewed until the handler has really stopped, so
/// that no other worker begins before. Answers `None` when the lease was lost.
///
/// `grace` is how long the handler may go on after `stop`, or after the job was called off; `jitter`
/// (0 to 1) spreads retries.
pub(super) async fn attempt(
    handler: &Handler,
    job: &Job,
    heartbeat: &Heartbeat<'_>,
    stop: &CancellationToken,
    grace: Duration,
    jitter: f64,
) -> Option<Outcome> {
    let mut task = AbortOnDropHandle::new(tokio::spawn(handler.run(job.clone())));
    let mut time_limit = pin!(sleep(handler.time_limit));
    let mut worker_stops = pin!(after(stop, grace));
    let mut cancelled = pin!(after(&job.cancelled, grace));
    let mut lease_lost = pin!(heartbeat.run(job));
    let mut stopped = None;
    let ended = loop {
        let why = tokio::select! {
            biased;
            ended = &mut task => break ended,
            () = &mut lease_lost, if !matches!(stopped, Some(Stopped::LeaseLost)) => {
                Stopped::LeaseLost
            }
            () = &mut cancelled, if stopped.is_none() => Stopped::Cancelled,
            () = &mut time_limit, if stopped.is_none() => Stopped::TookTooLong,
            () = &mut worker_stops, if stopped.is_none() => Stopped::WorkerStops,
        };
        stopped = Some(why);
        task.abort();
    };
    let error = match (ended, stopped) {
        (Err(join), Some(Stopped::LeaseLost)) if !join.is_panic() => return None,
        // It was told to end, and has: whether it says so by an error or not.
        (Ok(_), _) if job.cancelled.is_cancelled() => return Some(Outcome::Cancelled),
        (Ok(Ok(())), _) => return Some(Outcome::Done),
        (Ok(Err(error)), _) => error,
        (Err(join), _) if join.is_panic() => {
            JobError::new(format!("panicked: {}", panic_text(&*join.into_panic())))
        }
        (Err(_), Some(Stopped::TookTooLong)) => JobError::new(format!(
            "took longer than its limit of {:?}",
            handler.time_limit
        )),
        (Err(_), Some(Stopped::Cancelled)) => return Some(Outcome::Cancelled),
        (Err(_), _) => return Some(Outcome::Released),
    };
    Some(Outcome::failed(error, job.attempt, handler, jitter))
}

async fn after(token: &CancellationToken, grace: Duration) {
    token.cancelled().await;
    sleep(grace).await;
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
