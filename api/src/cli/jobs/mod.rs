//! `alphanode jobs`: background jobs and schedules, for the operator.

mod print;
mod schedule;
mod since;
mod switch;

use std::io::Write;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Subcommand;

use self::schedule::{enqueue, run_until_idle};
use self::since::{Since, since};
use self::switch::{Switch, turn};
use super::{Failure, open_store, say_there_are_more};
use crate::app;
use crate::config::Config;
use crate::domain::error::Error;
use crate::domain::job::{self, JobFilter, Status};
use crate::domain::page::{PAGE_LIMIT, PageRequest};
use crate::domain::permission::Action as Permission;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::{Store, Transaction};
use crate::domain::{self, actor::Actor};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List jobs, those enqueued last first
    List {
        /// Of these kinds only
        #[arg(long, value_delimiter = ',')]
        kind: Vec<String>,
        /// In these only: waiting, running, done, dead, cancelled
        #[arg(long, value_delimiter = ',', value_parser = status)]
        status: Vec<Status>,
        /// Enqueued since then: 30m, 6h, 2d, or 2026-01-31T12:00:00Z
        #[arg(long, value_name = "TIME", value_parser = since)]
        since: Option<Since>,
        /// How many at most
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
        limit: u64,
        /// Print an object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Show all about a job: its attempts, its errors, and what it said
    Show {
        /// Its number, as `list` prints it
        id: i64,
        /// Print an object, for programs
        #[arg(long)]
        json: bool,
    },
    /// List the kinds of jobs: what each is for, how it is doing, whether it is paused
    Kinds {
        /// Print an object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// List the schedules: when each runs next, and what it is for
    Schedules {
        /// Print an object a line, for programs
        #[arg(long)]
        json: bool,
    },
    /// Try jobs again now: dead or cancelled ones, or ones that wait for their next attempt
    Retry {
        /// Their numbers; all of them are tried again or none
        #[arg(required_unless_present = "kind", conflicts_with = "kind")]
        ids: Vec<i64>,
        /// All dead jobs of this kind
        #[arg(long)]
        kind: Option<String>,
        /// Of those, the ones that died since then: 30m, 6h, 2d, or 2026-01-31T12:00:00Z
        #[arg(long, value_name = "TIME", requires = "kind", value_parser = since)]
        since: Option<Since>,
    },
    /// Call jobs off: waiting ones at once, running ones as soon as they can end, dead ones are put
    /// aside
    Cancel {
        /// Their numbers; all of them are called off or none
        #[arg(required = true)]
        ids: Vec<i64>,
    },
    /// Turn a kind of jobs off, or stop a schedule; what runs goes on
    Pause(Switch),
    /// Turn a kind of jobs on again, or let a schedule run again
    Resume(Switch),
    /// Run a schedule now, or everything that is due
    ///
    /// `jobs run NAME` enqueues the schedule's job and leaves it to the workers. `jobs run
    /// --until-idle` needs no worker: it runs all that is due in this process, ends when nothing is,
    /// and fails when a job died meanwhile. Together they run the schedule here.
    Run {
        /// The name of a schedule, as `schedules` prints it
        #[arg(required_unless_present = "until_idle")]
        schedule: Option<String>,
        /// Run all that is due, in this process, until nothing is
        #[arg(long)]
        until_idle: bool,
    },
}

fn status(word: &str) -> Result<Status, String> {
    let words = Status::ALL.map(Status::name).join(", ");
    let known = Status::ALL.into_iter().find(|status| status.name() == word);
    known.ok_or_else(|| format!("give some of {words}"))
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<ExitCode, Failure> {
    if let Action::Run {
        schedule,
        until_idle: true,
    } = &arguments.action
    {
        return run_until_idle(config, schedule.as_deref()).await;
    }
    let store = open_store(config).await?;
    let mut out = std::io::stdout().lock();
    let done = act(&store, arguments.action, &mut out).await;
    drop(out);
    store.database.close().await?;
    done.map(|()| ExitCode::SUCCESS)
}

async fn act(store: &Store, action: Action, out: &mut impl Write) -> Result<(), Failure> {
    let reader = Reader::new(store.database.clone(), Perspective::Published);
    let now = store.clock.now();
    match action {
        Action::List {
            kind,
            status,
            since,
            limit,
            json,
        } => {
            job::check_kinds(&reader, &app::job_kinds(store), &kind).await?;
            let filter = JobFilter {
                kinds: kind,
                statuses: status,
                created_from: since.map(|since| since.time(now)),
                ..JobFilter::default()
            };
            list(&reader, &filter, limit, json, now, out).await
        }
        Action::Show { id, json } => {
            let job = job::find(&reader, &[id]).await?.pop();
            let job =
                job.ok_or_else(|| format!("there is no job {id}; it may have been purged"))?;
            let attempts = job::attempts(&reader, &[id]).await?.remove(&id);
            print::job(out, &job, &attempts.unwrap_or_default(), json)
        }
        Action::Kinds { json } => {
            let known = app::job_kinds(store);
            let kinds = job::kinds(&reader, &store.clock, &known).await?;
            print::kinds(out, &kinds, json)
        }
        Action::Schedules { json } => {
            domain::schedule::sync(store).await?;
            print::schedules(out, &domain::schedule::list(&reader).await?, json)
        }
        Action::Retry {
            ids,
            kind: None,
            since: _,
        } => {
            let mut transaction = begin(store).await?;
            for id in &ids {
                let retried = job::retry(&mut transaction, *id).await;
                retried.map_err(|error| of_job(*id, error))?;
            }
            transaction.commit().await?;
            say_each(out, &ids, "is due now")
        }
        Action::Retry {
            kind: Some(kind),
            since,
            ..
        } => retry_dead(store, &kind, since.map(|since| since.time(now)), out).await,
        Action::Cancel { ids } => {
            let mut transaction = begin(store).await?;
            for id in &ids {
                let cancelled = job::cancel(&mut transaction, *id).await;
                cancelled.map_err(|error| of_job(*id, error))?;
            }
            transaction.commit().await?;
            for job in job::find(&reader, &ids).await? {
                match job.status {
                    Status::Running => writeln!(out, "job {} is told to end", job.id)?,
                    _ => writeln!(out, "job {} is cancelled", job.id)?,
                }
            }
            Ok(())
        }
        Action::Pause(switch) => turn(store, switch, false, out).await,
        Action::Resume(switch) => turn(store, switch, true, out).await,
        Action::Run { schedule, .. } => {
            let name = schedule.unwrap_or_default();
            let job_id = enqueue(store, &name).await?;
            writeln!(
                out,
                "job {job_id} is due now; `alphanode jobs show {job_id}` tells how it goes"
            )?;
            Ok(())
        }
    }
}

async fn begin(store: &Store) -> Result<Transaction<'_>, Error> {
    Transaction::begin(store, Actor::CommandLine, Permission::ManageJobs).await
}

async fn list(
    reader: &Reader,
    filter: &JobFilter,
    limit: u64,
    json: bool,
    now: DateTime<Utc>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let (mut left, mut has_next) = (limit, true);
    let mut request = PageRequest::first(PAGE_LIMIT);
    let mut jobs = Vec::new();
    while left > 0 && has_next {
        request.limit = u32::try_from(left).unwrap_or(PAGE_LIMIT).min(PAGE_LIMIT);
        let page = job::list(reader, filter, &request).await?;
        left -= u64::from(request.limit);
        request.cursor = page.rows.last().map(|(cursor, _)| cursor.encode());
        jobs.extend(page.rows.into_iter().map(|(_, job)| job));
        has_next = page.has_next;
    }
    print::jobs(out, &jobs, json, now)?;
    if has_next {
        say_there_are_more(limit);
    }
    Ok(())
}

async fn retry_dead(
    store: &Store,
    kind: &str,
    since: Option<DateTime<Utc>>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let known = app::job_kinds(store);
    let mut retried = 0;
    loop {
        let mut transaction = begin(store).await?;
        let some = job::retry_dead(&mut transaction, &known, kind, since).await?;
        transaction.commit().await?;
        retried += some.retried;
        if some.left == 0 || some.retried == 0 {
            break;
        }
    }
    writeln!(out, "{retried} dead jobs of {kind} are due now")?;
    Ok(())
}

fn say_each(out: &mut impl Write, ids: &[i64], what: &str) -> Result<(), Failure> {
    for id in ids {
        writeln!(out, "job {id} {what}")?;
    }
    Ok(())
}

/// Names the job that something is wrong with, where several were given.
fn of_job(id: i64, error: Error) -> Failure {
    match error {
        Error::Refused(problems) => {
            let texts: Vec<String> = problems.into_iter().map(|one| one.message).collect();
            format!("job {id}: {}; nothing was changed", texts.join("; ")).into()
        }
        error => error.into(),
    }
}
