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
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `time` until [`Clock::advance`] moves it.
    pub fn set_to(time: DateTime<Utc>) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(
            time.timestamp_micros(),
        ))))
    }

    /// The time now.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Source::System => Utc::now().timestamp_micros(),
            Source::Set(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Moves a clock made by [`Clock::set_to`]; the clock of the machine stays as it is.
    pub fn advance(&self, by: TimeDelta) {
        if let (Source::Set(micros), Some(by)) = (&self.0, by.num_microseconds()) {
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }
}
