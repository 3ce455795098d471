//! Making an answer once for all who ask for it at the same time.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{Entry, Key};

/// The answers that are being made.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Key, Waiting>>>);

/// What those who wait listen to. Nothing comes of an answer that may not be shared.
type Waiting = watch::Receiver<Option<Arc<Entry>>>;

/// Somebody's part in making an answer.
#[derive(Debug)]
pub enum Flight {
    /// The answer is theirs to make.
    First(Landing),
    /// It is being made.
    Follower(Follower),
}

/// Whoever makes the answer. Those who wait are told when it is dropped, whatever became of it.
#[derive(Debug)]
pub struct Landing {
    flights: Flights,
    key: Key,
    landed: watch::Sender<Option<Arc<Entry>>>,
}

/// Whoever waits for it.
#[derive(Debug)]
pub struct Follower(Waiting);

impl Flights {
    pub(super) fn join(&self, key: &Key) -> Flight {
        match self.lock().entry(Arc::clone(key)) {
            Place::Occupied(place) => Flight::Follower(Follower(place.get().clone())),
            Place::Vacant(place) => {
                let (landed, waiting) = watch::channel(None);
                place.insert(waiting);
                Flight::First(Landing {
                    flights: self.clone(),
                    key: Arc::clone(key),
                    landed,
                })
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Landing {
    /// Hands the answer to those who wait for it.
    pub fn land(self, entry: &Arc<Entry>) {
        self.landed.send_replace(Some(Arc::clone(entry)));
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl Follower {
    /// The answer; none when it may not be shared.
    pub async fn landed(mut self) -> Option<Arc<Entry>> {
        // An error says that whoever made it has gone without one.
        let _ = self.0.changed().await;
        self.0.borrow().clone()
    }
}
