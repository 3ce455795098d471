//! Kinds of jobs and schedules, turned off and on.

use std::io::Write;

use super::begin;
use crate::app;
use crate::cli::Failure;
use crate::domain::job;
use crate::domain::schedule;
use crate::domain::transaction::Store;

/// What is turned off or on.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Switch {
    /// A kind of jobs, as `kinds` prints it
    kind: Option<String>,
    /// The name of a schedule instead, as `schedules` prints it
    #[arg(long, value_name = "NAME")]
    schedule: Option<String>,
}

pub(super) async fn turn(
    store: &Store,
    switch: Switch,
    on: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    if let Some(name) = &switch.schedule {
        schedule::sync(store).await?;
        let mut transaction = begin(store).await?;
        let id = schedule::find_by_name(&transaction, name).await?;
        match on {
            true => schedule::resume(&mut transaction, id).await?,
            false => schedule::pause(&mut transaction, id).await?,
        }
        transaction.commit().await?;
    }
    if let Some(kind) = &switch.kind {
        let known = app::job_kinds(store);
        let mut transaction = begin(store).await?;
        match on {
            true => job::resume_kind(&mut transaction, &known, kind).await?,
            false => job::pause_kind(&mut transaction, &known, kind).await?,
        }
        transaction.commit().await?;
    }
    let name = switch.schedule.or(switch.kind).unwrap_or_default();
    writeln!(out, "{name} is {}", if on { "on" } else { "paused" })?;
    Ok(())
}
