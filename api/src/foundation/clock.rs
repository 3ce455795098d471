//! The time, handed in, so that tests own it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time in UTC, to the microsecond: the precision both databases keep.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Set {
        start: i64,
        now: Arc<AtomicI64>,
    },
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `time` until [`Clock::advance`] moves it.
    pub fn set_to(time: DateTime<Utc>) -> Self {
        let start = time.timestamp_micros();
        Self(Source::Set {
            start,
            now: Arc::new(AtomicI64::new(start)),
        })
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Source::System => Utc::now().timestamp_micros(),
            Source::Set { now, .. } => now.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Moves a clock made by [`Clock::set_to`]; the clock of the machine stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let (Source::Set { now, .. }, Some(by)) = (&self.0, by.num_microseconds()) {
            now.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// How far [`Clock::advance`] has moved it. A time that the database tells is shifted by as
    /// much, so that tests own that too.
    pub fn advanced(&self) -> TimeDelta {
        match &self.0 {
            Source::System => TimeDelta::zero(),
            Source::Set { start, now } => {
                TimeDelta::microseconds(now.load(Ordering::SeqCst) - start)
            }
        }
    }
}
