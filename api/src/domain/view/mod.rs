//! Views of posts: each visitor counts once for each post and day, and nobody can tell who it was.
//!
//! A view is taken in without a statement ([`Views::record`]), waits in memory for about a second,
//! and is written with all others of that second at once ([`Views::flush`]): the post and a hash of
//! the visitor, which is there once a day. From there on it is counted exactly: a job adds what is
//! not counted yet to the counts of the posts, and marks it, in one transaction ([`count()`]).
//!
//! The hash is keyed by a salt of the day. When the day is over, first the salt and then the
//! hashes are deleted.

mod count;
mod record;
mod visitor;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub use count::{Counted, JOB_KIND, count, forget_past_days, job};
pub use record::{ViewedPost, Views};
pub use visitor::Visitor;

/// So long after midnight the day before is over for good: its views may still be on their way.
const GRACE: TimeDelta = TimeDelta::minutes(10);

/// The first day whose views still count. Views, hashes and salts of earlier days are forgotten.
fn first_open_day(now: DateTime<Utc>) -> NaiveDate {
    (now - GRACE).date_naive()
}
