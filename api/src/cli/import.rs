//! `alphanode import`: files become posts, here or by the workers of `alphanode serve`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::import_run::{self, RunCommand};
use super::{Failure, open_for_bulk_load, say, wait_for_signal};
use crate::config::Config;
use crate::domain::import::{Counts, Finding, FindingKind, Manner, NewUpload, RunStatus};
use crate::domain::transaction::Store;
use crate::transfer::import::{self, Format, ImportEvent, ImportOptions, Origin};

/// Ends with 0 when every document is in, with 1 when nothing could be done, and with 2 when some
/// documents failed or are in conflict, or the import was stopped.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    run: Option<RunCommand>,

    /// Files, and directories with everything below them; write `./status` for a file that is called
    /// like a command
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// What the files are read as
    #[arg(long, value_name = "FORMAT", default_value = Format::Auto.as_str(), value_parser = formats())]
    format: Format,

    /// Make every post live, whatever its document says
    #[arg(long)]
    publish: bool,

    /// Where a source and its post have both changed, go on with the source
    #[arg(long)]
    overwrite: bool,

    /// Say what would happen, and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Put the files into the database and leave the import to the workers of `alphanode serve`
    #[arg(long)]
    background: bool,

    /// Say what was inferred, too
    #[arg(long)]
    verbose: bool,
}

fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str))
        .map(|word| Format::from_word(&word).unwrap_or_default())
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(command) = &arguments.run {
        return import_run::run(config, command).await;
    }
    let files = import::find_files(&arguments.paths)?;
    if files.is_empty() {
        return Err("there is nothing to import below these paths".into());
    }
    let manner = Manner {
        publish: arguments.publish,
        overwrite: arguments.overwrite,
    };
    if arguments.background {
        let upload = NewUpload {
            format: arguments.format,
            manner,
            dry_run: arguments.dry_run,
        };
        return import_run::upload(config, &files, upload).await;
    }
    let sizes = files.iter().filter_map(|file| std::fs::metadata(file).ok());
    let bytes = sizes.map(|metadata| metadata.len()).sum();
    let names: Vec<String> = arguments
        .paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let store = open_for_bulk_load(config).await?;
    let origin = Origin::files(names.join(" "), files, arguments.format);
    let options = ImportOptions {
        manner,
        dry_run: arguments.dry_run,
    };
    let progress = Progress::of_bytes(bytes);
    import_all(store, origin, options, progress, arguments.verbose).await
}

/// Runs an import and tells of it.
pub(super) async fn import_all(
    store: Store,
    origin: Origin,
    options: ImportOptions,
    progress: Progress,
    verbose: bool,
) -> Result<ExitCode, Failure> {
    let stop = CancellationToken::new();
    let signal = stop.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        signal.cancel();
        wait_for_signal().await;
        std::process::exit(130);
    });
    let mut files = 0;
    let mut tell = |event| match event {
        ImportEvent::Found(finding) => {
            if verbose || finding.kind != FindingKind::Inferred {
                progress.aside(|| say(&line_of(&finding)));
            }
        }
        ImportEvent::FileDone { path, counts } => {
            files += 1;
            progress.aside(|| print(&format!("{path}: {}", summary(&counts))));
        }
        ImportEvent::Progress { documents, bytes } => progress.reached(documents, bytes),
    };
    let dry_run = options.dry_run;
    let report = import::run(&store, origin, options, &stop, &mut tell).await;
    progress.bar.finish_and_clear();
    let report = report?;
    store.database.close().await?;

    let counts = report.counts;
    if files != 1 || report.status == RunStatus::Interrupted {
        print(&format!("total: {}", summary(&counts)));
    }
    if dry_run {
        print("dry run: nothing was written");
    }
    if report.status == RunStatus::Interrupted {
        say("stopped before the end; run the same command again to go on, what is in is skipped");
    }
    let fine = counts.failed == 0 && counts.conflicted == 0 && report.status == RunStatus::Finished;
    Ok(ExitCode::from(if fine { 0 } else { 2 }))
}

pub(super) fn line_of(finding: &Finding) -> String {
    let kind = match finding.kind {
        FindingKind::Inferred => "inferred: ",
        FindingKind::Conflict => "conflict: ",
        FindingKind::Failed => "",
    };
    match finding.line {
        Some(line) => format!("{}:{line}: {kind}{}", finding.path, finding.message),
        None => format!("{}: {kind}{}", finding.path, finding.message),
    }
}

pub(super) fn summary(counts: &Counts) -> String {
    let mut summary = format!(
        "{} created, {} updated, {} skipped, {} in conflict, {} failed",
        counts.created, counts.updated, counts.skipped, counts.conflicted, counts.failed
    );
    if counts.published > 0 {
        summary.push_str(&format!("; {} went live", counts.published));
    }
    summary
}

/// Prints a line of the result. Who has stopped reading it still wants the import to go on.
pub(super) fn print(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A bar on a terminal, nothing elsewhere.
pub(super) struct Progress {
    bar: ProgressBar,
    by_bytes: bool,
}

impl Progress {
    /// How much of the files has been read.
    pub(super) fn of_bytes(total: u64) -> Self {
        let template = "{bar:30} {bytes} of {total_bytes}, {msg} documents, {elapsed}";
        Self::new(total, template, true)
    }

    /// How many of the documents are in.
    pub(super) fn of_documents(total: u64) -> Self {
        let template = "{bar:30} {pos} of {len} documents, {per_sec:0}, {elapsed}";
        Self::new(total, template, false)
    }

    fn new(total: u64, template: &str, by_bytes: bool) -> Self {
        let bar = match std::io::stderr().is_terminal() {
            true => ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()),
            false => ProgressBar::hidden(),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, by_bytes }
    }

    fn reached(&self, documents: u64, bytes: u64) {
        if self.by_bytes {
            self.bar.set_message(documents.to_string());
            self.bar.set_position(bytes);
        } else {
            self.bar.set_position(documents);
        }
    }

    /// Writes something else to the terminal.
    fn aside(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }
}
