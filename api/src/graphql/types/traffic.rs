//! What was answered in some time.

use std::time::Duration;

use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};

use crate::domain::status::{Recent, Side};
use crate::domain::traffic::{Point, Totals};

/// What all servers answered in some time: requests to `/graphql`, feeds and sitemaps. Health checks,
/// uploads, downloads and WebSockets are not counted.
#[derive(Clone, Debug, SimpleObject)]
pub struct RequestStatistics {
    /// When the time begins.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub to: DateTime<Utc>,
    /// Requests that were answered, well or not.
    pub requests: u64,
    /// Requests that failed by the server's fault.
    pub failed: u64,
    /// Requests that were refused, or asked for what there is not.
    pub refused: u64,
    /// The share of requests that failed by the server's fault, from 0 to 1; null without requests.
    pub failure_rate: Option<f64>,
    /// How long a request took on average; null without requests.
    pub average_milliseconds: Option<f64>,
    /// The time within which half of the requests were answered; null without requests. Like the
    /// next two it is worked out from classes of times, and up to a half off.
    pub p50_milliseconds: Option<f64>,
    /// The time within which 95 of 100 requests were answered; null without requests.
    pub p95_milliseconds: Option<f64>,
    /// The time within which 99 of 100 requests were answered; null without requests.
    pub p99_milliseconds: Option<f64>,
    /// Answers that came from the cache.
    pub cache_hits: u64,
    /// Answers that were worked out and put into the cache.
    pub cache_misses: u64,
    /// Answers that were not to be cached.
    pub cache_bypasses: u64,
    /// The share of answers that came from the cache, among those that could have; from 0 to 1, null
    /// when none could have.
    pub cache_hit_rate: Option<f64>,
    /// Database statements a request; null without requests.
    pub statements_per_request: Option<f64>,
    /// How long a request waited for the database on average; null without requests.
    pub database_milliseconds_per_request: Option<f64>,
}

impl RequestStatistics {
    fn new(from: DateTime<Utc>, to: DateTime<Utc>, totals: &Totals) -> Self {
        let quantile = |share| totals.quantile(share).map(milliseconds);
        Self {
            from,
            to,
            requests: totals.requests(),
            failed: totals.failed,
            refused: totals.refused,
            failure_rate: totals.failure_rate(),
            average_milliseconds: totals.average().map(milliseconds),
            p50_milliseconds: quantile(0.5),
            p95_milliseconds: quantile(0.95),
            p99_milliseconds: quantile(0.99),
            cache_hits: totals.cache_hits + totals.cache_stale,
            cache_misses: totals.cache_misses,
            cache_bypasses: totals.cache_bypasses,
            cache_hit_rate: totals.hit_rate(),
            statements_per_request: totals.statements_each(),
            database_milliseconds_per_request: totals.database_time_each().map(milliseconds),
        }
    }
}

/// Milliseconds to the microsecond.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

impl From<Point> for RequestStatistics {
    fn from(point: Point) -> Self {
        Self::new(point.from.start(), point.to.start(), &point.totals)
    }
}

impl From<Recent> for RequestStatistics {
    fn from(recent: Recent) -> Self {
        Self::new(recent.from, recent.to, &recent.totals)
    }
}

impl From<Side> for RequestStatistics {
    fn from(side: Side) -> Self {
        Self::new(side.from, side.to, &side.totals)
    }
}
