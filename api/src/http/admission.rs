//! How much is done at once, so that a server that has too much to do says so instead of keeping
//! everybody waiting.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::ServerError;
use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::graphql::limits::refusal;

/// How long somebody waits for their turn.
const WAIT: Duration = Duration::from_secs(1);

/// Lets so many in at once, and has a few more wait for a moment.
#[derive(Debug)]
pub struct Admission {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

/// Somebody who was let in, until it is dropped.
#[derive(Debug)]
pub struct Permit(#[allow(dead_code, reason = "dropping it is its use")] OwnedSemaphorePermit);

/// There is too much to do; it is worth trying again in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overloaded;

impl Admission {
    /// Lets `at_once` in, and `waiting` more wait.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            waiting: Semaphore::new(waiting),
        }
    }

    /// Lets somebody in, at once or after a moment.
    ///
    /// # Errors
    ///
    /// When too many wait already, or the moment is over.
    pub async fn enter(&self) -> Result<Permit, Overloaded> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(Permit(permit));
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Overloaded)?;
        let turn = timeout(WAIT, Arc::clone(&self.running).acquire_owned()).await;
        match turn {
            Ok(Ok(permit)) => Ok(Permit(permit)),
            Ok(Err(_)) | Err(_) => Err(Overloaded),
        }
    }
}

impl From<Overloaded> for (StatusCode, ServerError) {
    fn from(_: Overloaded) -> Self {
        let message = "the server has more to do than it can; nothing was done, so send the request \
                       again in a second";
        (
            StatusCode::SERVICE_UNAVAILABLE,
            refusal("OVERLOADED", message),
        )
    }
}
