//! Waiting for SQLite's only write lock while other processes have it.
//!
//! SQLite itself waits too, but looks less and less often, in the end every 100 ms. A process that
//! writes again and again leaves the lock free for a tiny part of that time, so another one would
//! wait for seconds and then give up.

use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr, sqlx};
use tokio::time::{Instant, sleep};

/// Has SQLite itself wait for so many milliseconds, which is for two looks.
pub(super) const SHORT: &str = "PRAGMA busy_timeout = 3";

/// How long somebody waits for the lock before it is an error.
const LONGEST: Duration = Duration::from_secs(10);

/// Since when somebody waits.
pub(super) struct Waiting(Instant);

impl Waiting {
    pub(super) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Waits a little when it was the lock that was not to be had; otherwise, and after too long, the
    /// error is one.
    pub(super) async fn for_the_lock(&self, error: DbErr) -> Result<(), DbErr> {
        if !is_busy(&error) || self.0.elapsed() > LONGEST {
            return Err(error);
        }
        sleep(Duration::from_millis(1)).await;
        Ok(())
    }
}

/// Whether another process has the lock (`SQLITE_BUSY`, also in its extended forms).
fn is_busy(error: &DbErr) -> bool {
    const BUSY: u32 = 5;
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = &**error else {
        return false;
    };
    let code = error.code().and_then(|code| code.parse::<u32>().ok());
    // The lower byte is the code, what is above says more about it.
    code.is_some_and(|code| code & 0xff == BUSY)
}
