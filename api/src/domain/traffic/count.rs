//! Counting requests.

use std::array;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::foundation::latency::{CLASSES, Latencies, class_of, quantile};
use crate::foundation::served::{CacheOutcome, Fault, Served};

/// What was answered in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests that failed by our fault.
    pub failed: u64,
    /// Requests that were refused, or asked for what there is not.
    pub refused: u64,
    /// How long all requests took together, in microseconds.
    pub microseconds: u64,
    /// Answers from the cache.
    pub cache_hits: u64,
    /// Answers from the cache that were renewed meanwhile.
    pub cache_stale: u64,
    /// Answers that were worked out and put into the cache.
    pub cache_misses: u64,
    /// Answers that were not to be cached.
    pub cache_bypasses: u64,
    /// Statements that the database ran.
    pub statements: u64,
    /// How long requests waited for them, in microseconds.
    pub database_microseconds: u64,
    /// Requests by how long they took.
    pub latencies: Latencies,
}

impl Totals {
    /// Those of one request.
    fn of(served: &Served<'_>) -> Self {
        let fault = served.fault();
        let is = |outcome| u64::from(served.cache == Some(outcome));
        let micros = microseconds(served.duration);
        let mut totals = Self {
            failed: u64::from(fault == Some(Fault::Server)),
            refused: u64::from(fault == Some(Fault::Caller)),
            microseconds: micros,
            cache_hits: is(CacheOutcome::Hit),
            cache_stale: is(CacheOutcome::Stale),
            cache_misses: is(CacheOutcome::Miss),
            cache_bypasses: is(CacheOutcome::Bypass),
            statements: served.statements.into(),
            database_microseconds: microseconds(served.database_time),
            latencies: Latencies::default(),
        };
        totals.latencies[class_of(micros)] = 1;
        totals
    }

    /// Requests that were answered, well or not.
    pub fn requests(&self) -> u64 {
        self.latencies.iter().sum()
    }

    /// How long a request took on average; none without requests.
    pub fn average(&self) -> Option<Duration> {
        let micros = self.microseconds.checked_div(self.requests())?;
        Some(Duration::from_micros(micros))
    }

    /// The time within which `share` (from 0 to 1) of the requests were answered; none without
    /// requests.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        quantile(&self.latencies, share)
    }

    /// The share of requests that failed by our fault, from 0 to 1; none without requests.
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.failed, self.requests())
    }

    /// The share of answers that came from the cache, among those that could have; none without any.
    pub fn hit_rate(&self) -> Option<f64> {
        let hits = self.cache_hits + self.cache_stale;
        share(hits, hits + self.cache_misses)
    }

    /// Statements a request; none without requests.
    pub fn statements_each(&self) -> Option<f64> {
        share(self.statements, self.requests())
    }

    /// How long a request waited for the database on average; none without requests.
    pub fn database_time_each(&self) -> Option<Duration> {
        let micros = self.database_microseconds.checked_div(self.requests())?;
        Some(Duration::from_micros(micros))
    }

    /// The counts besides latencies, in the order of [`Totals::COUNTS`].
    pub(super) fn counts(&self) -> [u64; Self::COUNTS.len()] {
        [
            self.failed,
            self.refused,
            self.microseconds,
            self.cache_hits,
            self.cache_stale,
            self.cache_misses,
            self.cache_bypasses,
            self.statements,
            self.database_microseconds,
        ]
    }

    /// Puts counts and latencies together again.
    pub(super) fn from_counts(counts: [u64; Self::COUNTS.len()], latencies: Latencies) -> Self {
        let [
            failed,
            refused,
            microseconds,
            cache_hits,
            cache_stale,
            cache_misses,
            cache_bypasses,
            statements,
            database_microseconds,
        ] = counts;
        Self {
            failed,
            refused,
            microseconds,
            cache_hits,
            cache_stale,
            cache_misses,
            cache_bypasses,
            statements,
            database_microseconds,
            latencies,
        }
    }

    /// The columns of the counts besides latencies.
    pub(super) const COUNTS: [&'static str; 9] = [
        "failed",
        "refused",
        "microseconds",
        "cache_hits",
        "cache_stale",
        "cache_misses",
        "cache_bypasses",
        "statements",
        "database_microseconds",
    ];

    /// The columns of the latencies, in the order of their classes.
    pub(super) const LATENCIES: [&'static str; CLASSES] = [
        "up_to_100us",
        "up_to_250us",
        "up_to_500us",
        "up_to_1ms",
        "up_to_2500us",
        "up_to_5ms",
        "up_to_10ms",
        "up_to_25ms",
        "up_to_50ms",
        "up_to_100ms",
        "up_to_250ms",
        "up_to_500ms",
        "up_to_1s",
        "up_to_2500ms",
        "up_to_5s",
        "up_to_10s",
        "over_10s",
    ];
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        let (counts, others) = (self.counts(), other.counts());
        let latencies = array::from_fn(|class| self.latencies[class] + other.latencies[class]);
        *self = Self::from_counts(array::from_fn(|at| counts[at] + others[at]), latencies);
    }
}

/// Totals that requests add to while they are answered.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counts: [AtomicU64; Totals::COUNTS.len()],
    latencies: [AtomicU64; CLASSES],
}

impl Counters {
    /// Adds a request: three additions for an answer from the cache.
    pub(super) fn add(&self, served: &Served<'_>) {
        let one = Totals::of(served);
        let counters = self.counts.iter().chain(&self.latencies);
        let numbers = one.counts().into_iter().chain(one.latencies);
        for (counter, number) in counters.zip(numbers) {
            if number > 0 {
                counter.fetch_add(number, Ordering::Relaxed);
            }
        }
    }

    /// What was added since it was last taken.
    pub(super) fn take(&self) -> Totals {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Totals::from_counts(
            array::from_fn(|at| take(&self.counts[at])),
            array::from_fn(|class| take(&self.latencies[class])),
        )
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
