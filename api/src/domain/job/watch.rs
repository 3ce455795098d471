//! Noticing what happens to jobs, also to those that run in other processes.

use std::collections::HashMap;

use super::Job;
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::foundation::clock::Clock;
use crate::queue;

/// Which jobs are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The job with this key.
    One(i64),
    /// Those of a kind, or all of them.
    OfKind(Option<String>),
}

/// Looks at jobs again and again, and tells those that have changed since it last looked. A look is
/// one statement: over one job, or over what runs, what is new and what has just ended.
#[derive(Debug)]
pub struct Watch {
    watched: Watched,
    clock: Clock,
    /// What it saw when it last looked; nothing before its first look.
    seen: Option<HashMap<i64, Job>>,
}

impl Watch {
    /// A watch that has not looked yet.
    pub fn new(watched: Watched, clock: Clock) -> Self {
        Self {
            watched,
            clock,
            seen: None,
        }
    }

    /// Looks, and answers the jobs that are not as they were, in the order of their keys. The first
    /// look answers the one job that is watched, and of many jobs none: what is there already can be
    /// read.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn look(&mut self, reader: &Reader) -> Result<Vec<Job>> {
        let connection = reader.database().reader();
        let jobs = match &self.watched {
            Watched::One(id) => queue::find(connection, &[*id]).await?,
            Watched::OfKind(kind) => {
                // One that ran may wait again, which nothing else tells.
                let seen = self.seen.iter().flat_map(HashMap::values);
                let ran = seen.filter(|job| job.status == queue::Status::Running);
                let ran: Vec<i64> = ran.map(|job| job.id).collect();
                queue::lively(connection, &self.clock, kind.as_deref(), &ran).await?
            }
        };
        let is_first = self.seen.is_none();
        let seen = self.seen.take().unwrap_or_default();
        let changed = match &self.watched {
            Watched::OfKind(_) if is_first => Vec::new(),
            _ => {
                let changed = jobs.iter().filter(|job| seen.get(&job.id) != Some(*job));
                changed.cloned().collect()
            }
        };
        self.seen = Some(jobs.into_iter().map(|job| (job.id, job)).collect());
        Ok(changed)
    }
}
