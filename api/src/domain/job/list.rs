//! Reading jobs.

use std::collections::HashMap;

use super::{Attempt, Job, JobFilter};
use crate::domain::error::{Error, Result};
use crate::domain::page::{Cursor, Page, PageRequest, SortKey};
use crate::domain::perspective::Reader;
use crate::queue::{self, JobPlace};

/// The order's name, in cursors.
const ORDER: &str = "newest";

/// A page of jobs, the newest first.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(reader: &Reader, filter: &JobFilter, request: &PageRequest) -> Result<Page<Job>> {
    let next_to = match &request.cursor {
        None => None,
        Some(text) => {
            let cursor = Cursor::decode(text, ORDER)?;
            let SortKey::Time(at) = cursor.key else {
                let message = "the cursor belongs to another list";
                return Err(Error::BadArgument(message.into()));
            };
            Some((at, cursor.row))
        }
    };
    let place = JobPlace {
        next_to,
        backward: request.backward,
        limit: u64::from(request.limit) + 1,
        offset: u64::from(request.offset),
    };
    let jobs = queue::list(reader.database().reader(), filter, place).await?;
    let rows = jobs.into_iter().map(|job| {
        let cursor = Cursor {
            order: ORDER.to_owned(),
            key: SortKey::Time(job.created_at),
            row: job.id,
        };
        (cursor, job)
    });
    Ok(Page::new(request, rows.collect()))
}

/// How many jobs a filter lets through.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, filter: &JobFilter) -> Result<i64> {
    let count = queue::count(reader.database().reader(), filter).await?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Finds jobs by key.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, ids: &[i64]) -> Result<Vec<Job>> {
    Ok(queue::find(reader.database().reader(), ids).await?)
}

/// The attempts at jobs, by job, the oldest first, with what was said meanwhile.
///
/// # Errors
///
/// Those of the database.
pub async fn attempts(reader: &Reader, ids: &[i64]) -> Result<HashMap<i64, Vec<Attempt>>> {
    Ok(queue::attempts_of(reader.database().reader(), ids).await?)
}
