//! Metrics for Prometheus that are counted while requests are answered.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use prometheus::core::Collector;
use prometheus::{
    Counter, CounterVec, Error, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter,
    IntCounterVec, Opts, Registry, TextEncoder,
};

use super::observed::{Observed, look};
use crate::foundation::build::Build;
use crate::foundation::latency::BOUNDS;
use crate::foundation::served::{CacheOutcome, Fault, Served};

/// Names of operations that are told apart. Clients choose them, so there must be a bound; the
/// others are `other`.
const MOST_OPERATIONS: usize = 100;

/// A longer name is `other`.
const LONGEST_NAME: usize = 64;

const OTHER: &str = "other";
const NAMELESS: &str = "anonymous";

/// What is counted. Clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    requests: IntCounterVec,
    errors: IntCounterVec,
    durations: HistogramVec,
    statements: IntCounterVec,
    database_seconds: CounterVec,
    /// By the name of the operation, or by the route of what is none: a route begins with `/`.
    handles: RwLock<HashMap<String, Handles>>,
}

/// The counters of one operation, which are looked up once.
struct Handles {
    route: String,
    operation: String,
    statements: IntCounter,
    database_seconds: Counter,
    /// By what the cache had to do with it; of answers with the status 200, and 304.
    well_answered: [[OnceLock<IntCounter>; 2]; CACHE.len()],
    durations: [OnceLock<Histogram>; CACHE.len()],
}

/// What the cache may have to do with an answer.
const CACHE: [&str; 5] = ["none", "hit", "stale", "miss", "bypass"];

fn place(cache: Option<CacheOutcome>) -> usize {
    match cache {
        None => 0,
        Some(CacheOutcome::Hit) => 1,
        Some(CacheOutcome::Stale) => 2,
        Some(CacheOutcome::Miss) => 3,
        Some(CacheOutcome::Bypass) => 4,
    }
}

impl Metrics {
    /// Counts for a program.
    ///
    /// # Errors
    ///
    /// When two metrics have the same name, which is a fault of this file.
    pub fn new(build: &Build) -> Result<Self, Error> {
        let registry = Registry::new();
        let by_operation = ["route", "operation"];
        let counted = Counted {
            requests: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "alphanode_http_requests_total",
                        "Requests that were answered.",
                    ),
                    &["route", "operation", "cache", "status"],
                )?,
            )?,
            errors: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "alphanode_http_request_errors_total",
                        "Requests that were not answered as they were asked: by the caller's fault, \
                         or by the server's.",
                    ),
                    &["route", "operation", "cache", "fault"],
                )?,
            )?,
            durations: register(
                &registry,
                HistogramVec::new(
                    HistogramOpts::new(
                        "alphanode_http_request_duration_seconds",
                        "How long requests took, from their head to the head of the answer.",
                    )
                    .buckets(BOUNDS.map(|micros| micros as f64 / 1e6).to_vec()),
                    &["route", "operation", "cache"],
                )?,
            )?,
            statements: register(
                &registry,
                IntCounterVec::new(
                    Opts::new(
                        "alphanode_database_statements_total",
                        "Statements that requests read with.",
                    ),
                    &by_operation,
                )?,
            )?,
            database_seconds: register(
                &registry,
                CounterVec::new(
                    Opts::new(
                        "alphanode_database_seconds_total",
                        "How long requests waited for their statements, added up.",
                    ),
                    &by_operation,
                )?,
            )?,
            handles: RwLock::default(),
            registry,
        };
        let information = GaugeVec::new(
            Opts::new("alphanode_build_info", "Which program this is; always 1."),
            &["version", "commit", "schema"],
        )?;
        let labels = [&*build.version, &*build.commit, &*build.schema_hash];
        information.with_label_values(&labels).set(1.0);
        counted.registry.register(Box::new(information))?;
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            counted.registry.register(Box::new(process))?;
        }
        Ok(Self(Arc::new(counted)))
    }

    /// Counts a request. Of an operation that is known it costs a look-up and a few additions.
    pub fn record(&self, served: &Served<'_>) {
        let counted = &self.0;
        let key = match (served.route, served.operation) {
            ("/graphql", Some(name)) => name,
            ("/graphql", None) => NAMELESS,
            (route, _) => route,
        };
        let known = counted.handles.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        if let Some(handles) = known.get(key) {
            return counted.add(handles, served);
        }
        let is_full = known.len() >= MOST_OPERATIONS;
        drop(known);
        // A name that nothing was answered to is no operation of anybody.
        let is_new = !is_full && key.len() <= LONGEST_NAME && served.fault() != Some(Fault::Caller);
        let key = match is_new || served.route != "/graphql" {
            true => key,
            false => OTHER,
        };
        let mut known = counted
            .handles
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let handles = known.entry(key.to_owned());
        counted.add(
            handles.or_insert_with(|| counted.handles(served.route, key)),
            served,
        );
    }

    /// Everything that is counted and what was looked at, in the text format of Prometheus.
    ///
    /// # Errors
    ///
    /// When a metric can't be written, which is a fault of this file.
    pub fn render(&self, observed: &Observed) -> Result<String, Error> {
        let mut families = self.0.registry.gather();
        families.extend(look(observed)?.gather());
        TextEncoder::new().encode_to_string(&families)
    }
}

impl Counted {
    fn handles(&self, route: &str, key: &str) -> Handles {
        let operation = match route {
            "/graphql" => key,
            _ => "",
        };
        let labels = [route, operation];
        Handles {
            statements: self.statements.with_label_values(&labels),
            database_seconds: self.database_seconds.with_label_values(&labels),
            well_answered: Default::default(),
            durations: Default::default(),
            route: route.to_owned(),
            operation: operation.to_owned(),
        }
    }

    fn add(&self, handles: &Handles, served: &Served<'_>) {
        let (route, operation) = (&*handles.route, &*handles.operation);
        let place = place(served.cache);
        let cache = CACHE[place];
        let requests = |status: &str| {
            let labels = [route, operation, cache, status];
            self.requests.with_label_values(&labels)
        };
        let [ok, not_modified] = &handles.well_answered[place];
        match served.status {
            200 => ok.get_or_init(|| requests("200")).inc(),
            304 => not_modified.get_or_init(|| requests("304")).inc(),
            status => requests(&status.to_string()).inc(),
        }
        handles.durations[place]
            .get_or_init(|| self.durations.with_label_values(&[route, operation, cache]))
            .observe(served.duration.as_secs_f64());
        if served.statements > 0 {
            handles.statements.inc_by(served.statements.into());
            let seconds = served.database_time.as_secs_f64();
            handles.database_seconds.inc_by(seconds);
        }
        if let Some(fault) = served.fault() {
            let fault = match fault {
                Fault::Caller => "caller",
                Fault::Server => "server",
            };
            let labels = [route, operation, cache, fault];
            self.errors.with_label_values(&labels).inc();
        }
    }
}

/// Makes a metric one of those that are told.
pub(super) fn register<M: Collector + Clone + 'static>(
    registry: &Registry,
    metric: M,
) -> Result<M, Error> {
    registry.register(Box::new(metric.clone()))?;
    Ok(metric)
}
