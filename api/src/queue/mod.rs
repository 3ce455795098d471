//! Durable background jobs in the same database as the content.
//!
//! A job is written by the transaction of the change that wants it ([`enqueue()`]), so it exists if
//! and only if the change does. A [`Worker`] claims it for the time of a lease, runs its
//! [`Handler`] outside of any transaction, renewing the lease meanwhile, and finishes it. A worker
//! that dies loses its lease, and another takes the job over: a job runs **at least once**, so
//! every handler must do no harm when it runs again. Two never run one job at once while the lease
//! holds, and who has lost it can finish nothing, because each claim has a number of its own.

mod claim;
mod counts;
mod enqueue;
mod finish;
mod handler;
mod outcome;
mod time;
mod wake;
mod worker;

pub use counts::{Counts, counts};
pub use enqueue::{NewJob, enqueue};
pub use handler::{Handler, Job, JobError};
pub use wake::Wake;
pub use worker::Worker;
