//! Watching it: the log and the metrics.

mod log;
mod metrics;

pub use log::{Log, dropped_lines, start_log, start_quick_log};
pub use metrics::{JobsObserved, Metrics, Observed, PoolObserved};
