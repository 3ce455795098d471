//! Background jobs, as people watch them and step in. The queue does the work; what people may, and
//! what is written down about it, is here.

mod change;
mod kind;
mod list;
mod watch;

pub use change::{MOST_RETRIED, RetriedDead, cancel, pause_kind, resume_kind, retry, retry_dead};
pub use kind::{JobKind, KindStanding, check_kinds, kinds};
pub use list::{attempts, count, find, list};
pub use watch::{Watch, Watched};

pub use crate::queue::{
    Attempt, JobFilter, JobRecord as Job, LogLine, Pause, Priority, Progress, Status,
};
