//! Webhooks by the Standard Webhooks specification: endpoints are told what happened.
//!
//! A change announces what it did ([`Announcement`], `Transaction::announce`). When it commits, the
//! event is written in its transaction, with a delivery and a job for each endpoint that wants it:
//! nothing happens without being told, and nothing is told that was rolled back. A job makes one
//! attempt ([`Message`]), and [`record`] keeps it and asks for the next one where it failed. The
//! attempts are spread over about a day; then the delivery has failed, and can be asked for again.
//!
//! Deliveries are neither ordered nor merged. The sequence number of an event grows from event to
//! event of the same post, so that a receiver can drop what is older than what it has.
//!
//! [`purge()`] deletes old events with their deliveries, a batch a call.

mod announce;
mod announcement;
mod attempt;
mod call_off;
mod dead_job;
mod delivery;
mod describe;
mod endpoint;
mod event;
mod message;
mod payload;
mod purge;
mod redeliver;
mod retry;
mod rotation;
mod secret;
mod signature;
mod standing;
mod switch;

pub(super) use announce::write;
pub use announcement::{AlarmChange, Announcement, DeadJob, PostChange, TermChange};
pub use attempt::{Answer, Attempt, record};
pub(super) use call_off::{call_off, take_up};
pub use dead_job::{DEAD_JOB_KIND, DeadJobPayload, announce_dead_job};
pub use delivery::{
    Delivery, DeliveryFilter, DeliveryStatus, PastAttempt, attempts, bodies, count, find, list,
};
pub use endpoint::{
    Endpoint, EndpointPatch, NewEndpoint, create, delete, endpoints, find_endpoints, update,
};
pub use event::EventType;
pub use message::{JOB_KIND, JobPayload, Message, is_any_for, message, put_back};
pub use purge::{KEPT_FOR, purge};
pub use redeliver::{REDELIVERY_LIMIT, Redelivered, redeliver, redeliver_since, send_test};
pub(super) use rotation::OVERLAP;
pub use rotation::rotate_secret;
pub use secret::Secret;
pub use signature::sign;
pub use standing::{Standing, standing};
pub use switch::{disable, enable};
