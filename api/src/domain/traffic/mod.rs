//! What was answered, how fast, and from where: counted in memory while requests are answered, and
//! written once a minute.
//!
//! [`Traffic::record`] adds a request to a few counters. Once a minute [`Traffic::flush`] writes what
//! they counted as a row of the process and the minute. A row is replaced as a whole, so that
//! writing it again changes nothing. [`totals`] and [`series`] add the rows of all processes up.

mod count;
mod purge;
mod read;
mod record;

pub use count::Totals;
pub use purge::{KEPT_FOR, purge};
pub use read::{MOST_POINTS, Node, Point, nodes, series, totals};
pub use record::Traffic;

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

/// The columns that tell rows apart.
const KEY: [&str; 3] = ["minute", "node", "started_at"];

/// A minute, by how many there were since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minute(i64);

impl Minute {
    /// The minute that a time is in.
    pub fn of(time: DateTime<Utc>) -> Self {
        Self(time.timestamp().div_euclid(60))
    }

    /// When it begins.
    pub fn start(self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.saturating_mul(60), 0).unwrap_or_default()
    }

    /// The one so many minutes later, or earlier.
    #[must_use]
    pub fn plus(self, minutes: i64) -> Self {
        Self(self.0.saturating_add(minutes))
    }

    /// Minutes from another one to this one.
    pub fn since(self, other: Self) -> i64 {
        self.0.saturating_sub(other.0)
    }
}

/// The minutes that are whole between two times: from the first that begins no earlier to the last
/// that ends no later.
pub fn whole_minutes(from: DateTime<Utc>, to: DateTime<Utc>) -> Range<Minute> {
    Minute::of(from + TimeDelta::microseconds(59_999_999))..Minute::of(to)
}
