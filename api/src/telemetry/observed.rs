//! Metrics for Prometheus that are looked at when they are read.

use std::time::Duration;

use prometheus::{Error, Gauge, GaugeVec, IntCounter, IntGaugeVec, Opts, Registry};

use super::log::dropped_lines;
use super::metrics::register;

/// What is looked at when metrics are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Whether the database answered just now; if not, only the pools are known.
    pub database_up: bool,
    /// The pools of connections.
    pub pools: Vec<PoolObserved>,
    /// Answers that are kept, and how many bytes they have.
    pub cache: (u64, u64),
    /// Jobs by kind.
    pub jobs: Vec<JobsObserved>,
    /// Deliveries that wait for an attempt.
    pub webhooks_pending: u64,
    /// Deliveries that were given up.
    pub webhooks_failed: u64,
    /// How long the one has been due that has been due longest.
    pub webhook_oldest_due: Option<Duration>,
    /// Endpoints that did not answer the last attempt as they should.
    pub webhook_endpoints_failing: u64,
}

/// A pool of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolObserved {
    /// Its name.
    pub name: &'static str,
    /// Connections that somebody uses.
    pub in_use: u32,
    /// Connections that wait to be used.
    pub idle: u32,
    /// The most that there can be.
    pub most: u32,
}

/// The jobs of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobsObserved {
    /// The kind.
    pub kind: String,
    /// Those that wait.
    pub waiting: u64,
    /// Those that a worker holds.
    pub running: u64,
    /// Those that were given up.
    pub dead: u64,
    /// How long the one has been due that has been due longest.
    pub oldest_due: Option<Duration>,
}

/// What was looked at, as metrics of their own: what is not there any more is not told any more.
pub(super) fn look(observed: &Observed) -> Result<Registry, Error> {
    let registry = Registry::new();
    let gauge = |name: &str, help: &str, value: f64| -> Result<(), Error> {
        let gauge = register(&registry, Gauge::new(name, help)?)?;
        gauge.set(value);
        Ok(())
    };
    let gauges = |name: &str, help: &str, labels: &[&str]| {
        register(&registry, IntGaugeVec::new(Opts::new(name, help), labels)?)
    };
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);

    let dropped = IntCounter::new(
        "alphanode_log_lines_dropped_total",
        "Lines of the log that were dropped, because too many waited to be written.",
    )?;
    register(&registry, dropped)?.inc_by(dropped_lines());
    let connections = gauges(
        "alphanode_database_connections",
        "Connections to the database, by pool.",
        &["pool", "state"],
    )?;
    let most = gauges(
        "alphanode_database_connections_max",
        "The most connections that a pool can have.",
        &["pool"],
    )?;
    for pool in &observed.pools {
        for (state, count) in [("in_use", pool.in_use), ("idle", pool.idle)] {
            let labels = [pool.name, state];
            connections.with_label_values(&labels).set(count.into());
        }
        most.with_label_values(&[pool.name]).set(pool.most.into());
    }
    let (entries, bytes) = observed.cache;
    gauge(
        "alphanode_cache_entries",
        "Answers that are kept to be sent again.",
        entries as f64,
    )?;
    gauge(
        "alphanode_cache_bytes",
        "Bytes of the answers that are kept to be sent again.",
        bytes as f64,
    )?;
    gauge(
        "alphanode_database_up",
        "Whether the database answered when metrics were read.",
        observed.database_up.into(),
    )?;
    if !observed.database_up {
        return Ok(registry);
    }
    let jobs = gauges(
        "alphanode_queue_jobs",
        "Background jobs that are not over well, by kind.",
        &["kind", "status"],
    )?;
    let ages = GaugeVec::new(
        Opts::new(
            "alphanode_queue_oldest_due_age_seconds",
            "How long the job of a kind has been due that has been due longest.",
        ),
        &["kind"],
    )?;
    let ages = register(&registry, ages)?;
    for kind in &observed.jobs {
        for (status, count) in [
            ("waiting", kind.waiting),
            ("running", kind.running),
            ("dead", kind.dead),
        ] {
            let labels = [&*kind.kind, status];
            jobs.with_label_values(&labels).set(number(count));
        }
        let age = kind.oldest_due.unwrap_or_default().as_secs_f64();
        ages.with_label_values(&[&kind.kind]).set(age);
    }
    let deliveries = gauges(
        "alphanode_webhook_deliveries",
        "Deliveries of webhooks that wait, and that were given up in the last 30 days.",
        &["status"],
    )?;
    for (status, count) in [
        ("pending", observed.webhooks_pending),
        ("failed", observed.webhooks_failed),
    ] {
        deliveries.with_label_values(&[status]).set(number(count));
    }
    gauge(
        "alphanode_webhook_oldest_due_age_seconds",
        "How long the delivery has been due that has been due longest.",
        observed
            .webhook_oldest_due
            .unwrap_or_default()
            .as_secs_f64(),
    )?;
    gauge(
        "alphanode_webhook_endpoints_failing",
        "Webhook endpoints that did not answer the last attempt as they should.",
        observed.webhook_endpoints_failing as f64,
    )?;
    Ok(registry)
}
