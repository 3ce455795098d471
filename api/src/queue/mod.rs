//! Durable background jobs in the same database as the content.
//!
//! A job is written by the transaction of the change that wants it ([`enqueue()`]), so it exists if
//! and only if the change does. A [`Worker`] claims it for the time of a lease, runs its
//! [`Handler`] outside of any transaction, renewing the lease meanwhile, and finishes it. A worker
//! that dies loses its lease, and another takes the job over: a job runs **at least once**, so
//! every handler must do no harm when it runs again. Two never run one job at once while the lease
//! holds, and who has lost it can finish nothing, because each claim has a number of its own.
//!
//! What comes again by the calendar is a [`schedule`], and a [`Ticker`] in each process with workers
//! enqueues its job whenever its time has come.

mod attempt;
mod back_off;
mod claim;
mod control;
mod counts;
mod enqueue;
mod finish;
mod handler;
mod heartbeat;
mod job;
mod notify;
mod outcome;
mod priority;
mod purge;
mod read;
mod running;
pub mod schedule;
mod status;
mod text;
mod ticker;
mod time;
pub mod timetable;
mod wake;
mod watch;
mod worker;

pub use back_off::BackOff;
pub use control::{Cancelled, Retried, cancel, pause, resume, retry_dead, retry_now};
pub use counts::{Counts, KindCounts, counts, counts_by_kind};
pub use enqueue::{NewJob, enqueue, enqueue_for};
pub use handler::{Handler, JobError};
pub use job::{Job, Progress};
pub use notify::{CHANNEL, hear};
pub use priority::Priority;
pub use purge::purge;
pub use read::{
    Attempt, JobFilter, JobPlace, JobRecord, LogLine, Pause, attempts, attempts_of, count, find,
    find_by_key, list, pauses, read,
};
pub use running::running_before;
pub use status::Status;
pub use ticker::{Ticked, Ticker};
pub use wake::Wake;
pub use watch::{SignsOfLife, lively, signs_of_life};
pub use worker::Worker;
