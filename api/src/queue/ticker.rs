//! The loop that enqueues the jobs of schedules when their time has come.

use std::time::Duration;

use sea_orm::DbErr;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::schedule;
use super::wake::Wake;
use crate::foundation::clock::Clock;
use crate::foundation::database::Database;

/// Watches the calendar. Every process with workers has one; they need not know of each other.
#[derive(Clone, Debug)]
pub struct Ticker {
    /// How long it sleeps at most, so that it notices a schedule that was changed meanwhile.
    pub poll: Duration,
    database: Database,
    clock: Clock,
    wake: Wake,
}

/// What a look at the calendar came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticked {
    /// How many schedules this ticker ran.
    pub ran: usize,
    /// How long until the next one is due; none when there is no schedule that runs.
    pub next_in: Option<Duration>,
}

impl Ticker {
    /// A ticker that looks every five seconds, and at each time of a schedule.
    pub fn new(database: Database, clock: Clock, wake: Wake) -> Self {
        Self {
            poll: Duration::from_secs(5),
            database,
            clock,
            wake,
        }
    }

    /// Ticks until `stop`. A database that does not answer is tried again.
    pub async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let wait = match self.tick().await {
                Ok(ticked) => ticked.next_in.unwrap_or(self.poll).min(self.poll),
                Err(error) => {
                    warn!(%error, "the schedules can't be reached");
                    self.poll
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Runs every schedule whose time has come.
    ///
    /// # Errors
    ///
    /// Those of the database when it is asked what is due. A schedule that can't be run is logged,
    /// and is in the way of no other.
    pub async fn tick(&self) -> Result<Ticked, DbErr> {
        let mut ticked = Ticked {
            ran: 0,
            next_in: None,
        };
        for (until, due) in schedule::upcoming(self.database.reader(), &self.clock).await? {
            if until > 0 {
                // They come in the order of their times.
                let until = Duration::from_micros(until.unsigned_abs());
                ticked.next_in = Some(until);
                break;
            }
            match schedule::tick(&self.database, &self.clock, &due).await {
                Ok(Some(job)) => {
                    ticked.ran += 1;
                    info!(schedule = due.name, job, "a schedule's time has come");
                }
                Ok(None) => {}
                Err(error) => error!(schedule = due.name, %error, "a schedule can't be run"),
            }
        }
        if ticked.ran > 0 {
            self.wake.workers();
        }
        Ok(ticked)
    }
}
