//! Imports that workers carry out: started, watched, stopped, resumed and taken back.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use super::import::{line_of, print, summary};
use super::{Failure, open_store, say, say_there_are_more};
use crate::config::Config;
use crate::domain::actor::Actor;
use crate::domain::import::{
    self, Finding, FindingKind, ImportRun, NewUpload, Outcome, OutcomeKind, ReportFilter,
    RunFilter, RunStatus, Uploader,
};
use crate::domain::page::{PAGE_LIMIT, PageRequest};
use crate::domain::permission::Action;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::transaction::{Store, Transaction};

#[derive(Debug, clap::Subcommand)]
pub(super) enum RunCommand {
    /// Say how an import stands, and what failed or is in conflict; without a number, list the newest
    Status {
        /// Its number
        #[arg(value_name = "NUMBER")]
        run: Option<i64>,
        /// How many to list at most
        #[arg(long, default_value_t = 20, conflicts_with = "run",
            value_parser = clap::value_parser!(u32).range(1..=i64::from(PAGE_LIMIT)))]
        limit: u32,
    },
    /// Stop an import; what is in stays
    Cancel(RunArguments),
    /// Go on with an import that was stopped
    Resume(RunArguments),
    /// Take an import back, but for what was changed since
    Revert(RunArguments),
}

#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    /// Its number, as `alphanode import status` lists it
    #[arg(value_name = "NUMBER")]
    run: i64,
}

pub(super) async fn run(config: &Config, command: &RunCommand) -> Result<ExitCode, Failure> {
    let store = open_store(config).await?;
    match command {
        RunCommand::Status { run: None, limit } => list(&store, *limit).await?,
        RunCommand::Status { run: Some(run), .. } => show(&store, *run).await?,
        RunCommand::Cancel(RunArguments { run }) => {
            let mut transaction = begin(&store).await?;
            import::cancel(&mut transaction, *run).await?;
            transaction.commit().await?;
            print_run(&store, *run).await?;
        }
        RunCommand::Resume(RunArguments { run }) => {
            let mut transaction = begin(&store).await?;
            import::resume(&mut transaction, *run).await?;
            transaction.commit().await?;
            print_run(&store, *run).await?;
        }
        RunCommand::Revert(RunArguments { run }) => {
            let mut transaction = begin(&store).await?;
            import::revert(&mut transaction, *run).await?;
            transaction.commit().await?;
            print_run(&store, *run).await?;
        }
    }
    store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// Puts files into the database, for workers.
pub(super) async fn upload(
    config: &Config,
    files: &[PathBuf],
    upload: NewUpload,
) -> Result<ExitCode, Failure> {
    let store = open_store(config).await?;
    let mut uploader = Uploader::begin(&store, Actor::CommandLine.into(), upload).await?;
    if let Err(failure) = write_files(&mut uploader, files).await {
        uploader.discard().await;
        return Err(failure);
    }
    let run = uploader.finish().await?;
    print(&line(&run));
    say(&format!(
        "a worker takes it from here; `alphanode import status {}` says how it stands",
        run.id
    ));
    store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn write_files(uploader: &mut Uploader, files: &[PathBuf]) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    for path in files {
        let name = path.display().to_string();
        let mut file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        uploader.start_file(&name).await?;
        loop {
            match file
                .read(&mut buffer)
                .map_err(|error| format!("{name}: {error}"))?
            {
                0 => break,
                count => uploader.write(&buffer[..count]).await?,
            }
        }
    }
    Ok(())
}

async fn begin(store: &Store) -> Result<Transaction<'_>, Failure> {
    Ok(Transaction::begin(store, Actor::CommandLine, Action::ManageImports).await?)
}

fn reader(store: &Store) -> Reader {
    Reader::new(store.database.clone(), Perspective::Draft)
}

async fn list(store: &Store, limit: u32) -> Result<(), Failure> {
    let (reader, newest) = (reader(store), PageRequest::first(limit));
    let runs = import::list(&reader, &RunFilter::default(), &newest).await?;
    for (_, run) in runs.rows {
        print(&line(&run));
    }
    if runs.has_next {
        say_there_are_more(u64::from(limit));
    }
    Ok(())
}

async fn print_run(store: &Store, id: i64) -> Result<ImportRun, Failure> {
    let mut found = import::find(&reader(store), &[id]).await?;
    let run = found.pop().ok_or("there is no such import")?;
    print(&line(&run));
    Ok(run)
}

/// One line about a run.
fn line(run: &ImportRun) -> String {
    let dry = if run.dry_run { ", dry run" } else { "" };
    let mut line = format!(
        "import {}: {} ({}{dry}), {}",
        run.id,
        run.source,
        run.format,
        run.status.as_str()
    );
    let progress = run.progress(run.started_at);
    if let (RunStatus::Waiting | RunStatus::Running, Some(total)) = (run.status, progress.total) {
        line.push_str(&format!(", {} of {total} bytes", progress.done));
    }
    line.push_str(&format!("; {}", summary(&run.counts)));
    if run.dry_run {
        line.push_str("; nothing of it was written");
    }
    line
}

async fn show(store: &Store, id: i64) -> Result<(), Failure> {
    let run = print_run(store, id).await?;
    let reader = reader(store);
    if let Some(failure) = &run.failure {
        print(&format!("failed: {failure}"));
    }
    if matches!(run.status, RunStatus::Reverting | RunStatus::Reverted) {
        let counts = import::revert_counts(&reader, id).await?;
        print(&format!(
            "taken back: {} in the trash, {} restored, {} kept as they are",
            counts.trashed, counts.restored, counts.kept
        ));
    }
    let filter = ReportFilter {
        run_id: id,
        outcomes: Some(vec![OutcomeKind::Conflicted, OutcomeKind::Failed]),
        reverts: None,
    };
    let mut page = PageRequest::first(PAGE_LIMIT);
    loop {
        let found = import::report(&reader, &filter, &page).await?;
        for (cursor, document) in &found.rows {
            let kind = match document.answer.outcome {
                Outcome::Conflicted(_) => FindingKind::Conflict,
                _ => FindingKind::Failed,
            };
            print(&line_of(&Finding {
                kind,
                path: document.path.clone(),
                line: document.line,
                message: document
                    .answer
                    .outcome
                    .reason()
                    .unwrap_or_default()
                    .to_owned(),
            }));
            page.cursor = Some(cursor.encode());
        }
        if !found.has_next {
            return Ok(());
        }
    }
}
