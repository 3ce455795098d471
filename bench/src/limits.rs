//! What is promised. A run that misses one fails and names it.

use crate::load::Kind;

/// alphanode's requests a second as a part of those of hand-written SQL, at least, in each
/// operation that reads, without the response cache.
pub fn against_sql(kind: Kind) -> f64 {
    match kind {
        Kind::Sqlite => 0.5,
        Kind::Postgres => 0.75,
    }
}

/// Requests a second that are answered from the response cache as a part of those that axum answers
/// from memory, at least; the same for answers that nothing has changed.
pub const CACHED_AGAINST_BYTES: f64 = 0.8;

/// What the promised queries may take over the large database in terms of the small one, at most.
pub const GROWTH: f64 = 1.3;

/// What memory may be of what it was after warming up, at most, under mixed load.
pub const MEMORY_GROWTH: f64 = 1.1;

/// The same of a save with its publication, on either database. Reading Markdown, rendering it and
/// minding every rule is included here and left out there.
pub const WRITES_AGAINST_SQL: f64 = 0.33;

/// Memory at rest, at most, in bytes.
pub const MEMORY_AT_REST: u64 = 40 * 1024 * 1024;

/// From start to first answer on a filled database, at most, in milliseconds.
pub const FIRST_ANSWER_MS: f64 = 150.0;

/// Posts imported a second on SQLite, at least.
pub const IMPORTED_A_SECOND: f64 = 1_500.0;

/// Jobs a second as a part of those of a loop in hand-written SQL, at least.
pub const JOBS_AGAINST_SQL: f64 = 0.5;

/// From asking for a job until it begins, on an idle queue, 99 of 100 times, at most, in
/// milliseconds.
pub const BEGINS_P99_MS: f64 = 50.0;

/// Jobs a second over a queue with a million rows that are over and a hundred thousand that wait, as
/// a part of those over an empty one, at least.
pub const FULL_TO_EMPTY: f64 = 0.8;
