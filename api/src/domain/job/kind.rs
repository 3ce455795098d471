//! Kinds of jobs: what there is, and how each is doing.

use std::collections::BTreeSet;
use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::{JobFilter, Pause};
use crate::domain::error::{Problem, ProblemCode, Result};
use crate::domain::perspective::Reader;
use crate::foundation::clock::Clock;
use crate::queue::{self, Handler};

/// A kind of jobs that this program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobKind {
    /// Its name.
    pub kind: &'static str,
    /// What its jobs are for.
    pub purpose: &'static str,
    /// After so many attempts that failed, a job is dead.
    pub max_attempts: i32,
    /// An attempt that takes longer is stopped, and has failed.
    pub time_limit: Duration,
    /// How many run at once at most, where that is limited.
    pub max_running: Option<u32>,
}

impl From<&Handler> for JobKind {
    fn from(handler: &Handler) -> Self {
        Self {
            kind: handler.kind,
            purpose: handler.purpose,
            max_attempts: handler.max_attempts,
            time_limit: handler.time_limit,
            max_running: handler.max_running,
        }
    }
}

/// How a kind of jobs is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindStanding {
    /// Its name.
    pub name: String,
    /// What this program knows of it; nothing when its jobs are from another version.
    pub known: Option<JobKind>,
    /// Jobs that wait, for their turn or for their time.
    pub waiting: u64,
    /// Jobs that a worker holds.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// How long the job that has been due longest has waited since.
    pub oldest_due: Option<Duration>,
    /// Since when it is not run, where it is not.
    pub pause: Option<Pause>,
}

/// Every kind that this program knows, has jobs that are not over well, or is paused, by name.
///
/// # Errors
///
/// Those of the database.
pub async fn kinds(reader: &Reader, clock: &Clock, known: &[JobKind]) -> Result<Vec<KindStanding>> {
    let counts = queue::counts_by_kind(reader.database().reader(), clock).await?;
    let pauses = queue::pauses(reader.database().reader()).await?;
    let names: BTreeSet<&str> = known
        .iter()
        .map(|kind| kind.kind)
        .chain(counts.iter().map(|counts| counts.kind.as_str()))
        .chain(pauses.iter().map(|pause| pause.kind.as_str()))
        .collect();
    let standings = names.into_iter().map(|name| {
        let counts = counts.iter().find(|counts| counts.kind == name);
        KindStanding {
            name: name.to_owned(),
            known: known.iter().find(|kind| kind.kind == name).copied(),
            waiting: counts.map_or(0, |counts| counts.waiting),
            running: counts.map_or(0, |counts| counts.running),
            dead: counts.map_or(0, |counts| counts.dead),
            oldest_due: counts.and_then(|counts| counts.oldest_due),
            pause: pauses.iter().find(|pause| pause.kind == name).cloned(),
        }
    });
    Ok(standings.collect())
}

/// Refuses kinds that this program does not know and of which there are no jobs. Those of another
/// version are listed as long as they are kept.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) for the first such kind, naming those
/// there are.
pub async fn check_kinds(reader: &Reader, known: &[JobKind], kinds: &[String]) -> Result<()> {
    for kind in kinds {
        check_kind(reader.database().reader(), known, kind).await?;
    }
    Ok(())
}

/// A kind is one that this program runs, or one of which there are jobs.
pub(super) async fn check_kind(
    connection: &impl ConnectionTrait,
    known: &[JobKind],
    kind: &str,
) -> Result<()> {
    if known.iter().any(|one| one.kind == kind) {
        return Ok(());
    }
    let of_kind = JobFilter {
        kinds: vec![kind.to_owned()],
        ..JobFilter::default()
    };
    if queue::count(connection, &of_kind).await? > 0 {
        return Ok(());
    }
    let names: Vec<&str> = known.iter().map(|one| one.kind).collect();
    let message = format!(
        "there is no kind of jobs `{kind}`; there are {}",
        names.join(", ")
    );
    Err(Problem::new(ProblemCode::NotFound, "kind", message).into())
}
