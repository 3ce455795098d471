//! `alphanode export`: posts become files.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Failure, open_store, say};
use crate::config::Config;
use crate::foundation::database::Database;
use crate::transfer::export::{self, ExportError};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What is written
    #[arg(long, value_enum, default_value_t = ExportFormat::Ndjson)]
    format: ExportFormat,

    /// The file to write, or for Markdown the folder, which must be new or empty [default: the
    /// standard output]
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum ExportFormat {
    /// One JSON document a line
    Ndjson,
    /// A Markdown file with front matter for each post
    Markdown,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.format == ExportFormat::Markdown && arguments.output.is_none() {
        return Err("name the folder for the Markdown files with --output".into());
    }
    let store = open_store(config).await?;
    let database = &store.database;
    let count = match (arguments.format, &arguments.output) {
        (ExportFormat::Markdown, Some(folder)) => {
            export::to_markdown(database, folder, &mut |_| {}).await
        }
        (_, Some(file)) => to_file(database, file).await,
        (_, None) => {
            let mut output = BufWriter::new(io::stdout());
            let path = Path::new("standard output");
            export::to_ndjson(database, &mut output, path, &mut |_| {}).await
        }
    };
    match count {
        Ok(count) => say(&format!("{count} posts exported")),
        // Who reads has seen enough.
        Err(ExportError::Write { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => return Err(error.into()),
    }
    store.database.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// The file takes its name when it is whole.
async fn to_file(database: &Database, path: &Path) -> Result<u64, ExportError> {
    let failed = |error| ExportError::Write {
        path: path.to_owned(),
        error,
    };
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    let unfinished = PathBuf::from(name);
    let mut output = BufWriter::new(File::create(&unfinished).map_err(failed)?);
    let count = export::to_ndjson(database, &mut output, path, &mut |_| {}).await?;
    drop(output);
    fs::rename(&unfinished, path).map_err(failed)?;
    Ok(count)
}
