//! Watching it: the log and the metrics.

mod log;
mod metrics;
mod observed;

pub use log::{Log, start_log, start_quick_log};
pub use metrics::Metrics;
pub use observed::{JobsObserved, Observed, PoolObserved};
