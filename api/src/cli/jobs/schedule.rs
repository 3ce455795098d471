//! Schedules run now: their jobs enqueued for the workers, or everything that is due run here.

use std::io::Write;
use std::process::ExitCode;

use super::begin;
use crate::app::App;
use crate::cli::{Failure, open_existing};
use crate::config::{Config, LogFormat};
use crate::domain::job::{self, JobFilter, Status};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::schedule;
use crate::domain::transaction::Store;
use crate::foundation::clock::Clock;
use crate::telemetry;

/// Enqueues the job of a schedule.
pub(super) async fn enqueue(store: &Store, name: &str) -> Result<i64, Failure> {
    schedule::sync(store).await?;
    let mut transaction = begin(store).await?;
    let id = schedule::find_by_name(&transaction, name).await?;
    let job_id = schedule::run(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(job_id)
}

/// Runs everything that is due in this process.
pub(super) async fn run_until_idle(
    config: &Config,
    schedule: Option<&str>,
) -> Result<ExitCode, Failure> {
    telemetry::start_log(LogFormat::Text);
    let database = open_existing(config).await?;
    let app = App::new(config, database, Clock::system())?;
    schedule::sync(&app.store).await?;
    if let Some(name) = schedule {
        enqueue(&app.store, name).await?;
    }
    let reader = Reader::new(app.store.database.clone(), Perspective::Published);
    let dead = JobFilter {
        statuses: vec![Status::Dead],
        ..JobFilter::default()
    };
    let before = job::count(&reader, &dead).await?;
    let attempts = app.run_until_idle().await?;
    let died = job::count(&reader, &dead).await? - before;
    writeln!(
        std::io::stdout(),
        "{attempts} attempts; nothing else is due"
    )?;
    app.store.database.close().await?;
    if died > 0 {
        return Err(
            format!("{died} jobs died; `alphanode jobs list --status dead` shows why").into(),
        );
    }
    Ok(ExitCode::SUCCESS)
}
