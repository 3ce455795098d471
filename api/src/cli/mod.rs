//! The command line, one file a subcommand.

mod doctor;
mod explain;
mod export;
mod import;
mod import_run;
mod jobs;
mod keys;
mod migrate;
mod publish;
mod schema;
mod serve;
mod synth;
mod token;
mod user;
mod worker;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app;
use crate::config::{self, Config, LogFormat};
use crate::domain::error::{Error, ProblemCode};
use crate::domain::transaction::Store;
use crate::foundation::clock::Clock;
use crate::foundation::database::{Database, DatabaseOptions, sqlite_path};
use crate::telemetry;

/// A headless CMS for programming websites.
#[derive(Debug, Parser)]
#[command(name = "alphanode", version, about, max_term_width = 100)]
struct CommandLine {
    /// The database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME
    /// [environment: ALPHANODE_DATABASE_URL] [default: sqlite:data/alphanode.db]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,

    /// The settings file [default: alphanode.toml, where it exists]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and run background jobs
    Serve(serve::Arguments),
    /// Run background jobs without serving the API, beside `serve --no-worker` or more of it
    Worker(worker::Arguments),
    /// Bring the database to a version of the schema
    Migrate(migrate::Arguments),
    /// Read files into posts
    Import(import::Arguments),
    /// Write posts into files
    Export(export::Arguments),
    /// Make up plausible posts, for load tests
    Synth(synth::Arguments),
    /// Make posts live
    Publish(publish::Arguments),
    /// Watch background jobs and schedules, and step in
    Jobs(jobs::Arguments),
    /// Manage users
    User(user::Arguments),
    /// Manage API tokens
    Token(token::Arguments),
    /// Manage the keys that sign tokens
    Keys(keys::Arguments),
    /// Print the GraphQL schema in its definition language
    Schema,
    /// Look for everything that can be wrong with an installation, and say what to do
    Doctor(doctor::Arguments),
    /// Show what a GraphQL query asks of the database, and how the database goes about it
    Explain(explain::Arguments),
}

/// Anything that ends a command; its text is for the person at the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs what the command line asks for.
pub async fn run() -> ExitCode {
    let line = CommandLine::parse();
    match dispatch(line).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("alphanode: {}", in_words(&error)));
            ExitCode::FAILURE
        }
    }
}

/// What went wrong, for a terminal: it knows arguments, and no fields of an input. What is not there,
/// or in the way, is named by its message; of a value that can't be used the field says which.
fn in_words(failure: &Failure) -> String {
    let Some(Error::Refused(problems)) = failure.downcast_ref() else {
        return failure.to_string();
    };
    let texts = problems.iter().map(|problem| match problem.code {
        ProblemCode::Invalid | ProblemCode::Taken => {
            format!("{}: {}", words(&problem.field), problem.message)
        }
        _ => problem.message.clone(),
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// The name of a field as people say it: `expiresAt` is expires at.
fn words(field: &str) -> String {
    let mut words = String::with_capacity(field.len() + 4);
    for character in field.chars() {
        if character.is_uppercase() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

async fn dispatch(line: CommandLine) -> Result<ExitCode, Failure> {
    let listen = match &line.command {
        Command::Serve(arguments) => arguments.listen.clone(),
        _ => None,
    };
    let workers = match &line.command {
        Command::Worker(arguments) => arguments.workers.map(|count| count.to_string()),
        _ => None,
    };
    let overrides = [
        ("database_url", line.database_url.clone()),
        ("listen", listen),
        ("workers", workers),
    ];
    let config = Config::load(line.config.clone(), &overrides);
    match (line.command, config) {
        // It says of settings that can't be used what else is wrong.
        (Command::Doctor(arguments), config) => {
            let given = doctor::Given {
                config,
                file: line.config.unwrap_or_else(|| config::FILE.into()),
                database_url: line.database_url,
            };
            doctor::run(&given, &arguments).await
        }
        (_, Err(error)) => Err(error.into()),
        (Command::Serve(arguments), Ok(config)) => serve::run(&config, &arguments).await,
        (Command::Worker(_), Ok(config)) => worker::run(&config).await,
        (Command::Migrate(arguments), Ok(config)) => migrate::run(&config, &arguments).await,
        (Command::Import(arguments), Ok(config)) => import::run(&config, &arguments).await,
        (Command::Export(arguments), Ok(config)) => export::run(&config, &arguments).await,
        (Command::Synth(arguments), Ok(config)) => synth::run(&config, &arguments).await,
        (Command::Publish(arguments), Ok(config)) => publish::run(&config, &arguments).await,
        (Command::Jobs(arguments), Ok(config)) => jobs::run(&config, arguments).await,
        (Command::User(arguments), Ok(config)) => user::run(&config, arguments).await,
        (Command::Token(arguments), Ok(config)) => token::run(&config, arguments).await,
        (Command::Keys(arguments), Ok(config)) => keys::run(&config, &arguments),
        (Command::Explain(arguments), Ok(config)) => explain::run(&config, &arguments).await,
        (Command::Schema, Ok(_)) => schema::run(),
    }
}

/// Opens the store of a command that ends by itself, once the schema is known to be the newest.
async fn open_store(config: &Config) -> Result<Store, Failure> {
    telemetry::start_log(LogFormat::Text);
    Ok(Store::new(open_existing(config).await?, Clock::system()))
}

/// The file of a SQLite database that is not there. Opening it would make it.
fn missing_file(config: &Config) -> Option<&str> {
    sqlite_path(&config.database_url).filter(|path| !Path::new(path).is_file())
}

/// Opens a database that is there. A command that looks at one, or steps in, must not make another one
/// because somebody forgot to say which.
async fn open_existing(config: &Config) -> Result<Database, Failure> {
    if let Some(path) = missing_file(config) {
        return Err(format!(
            "there is no database at {path}; say which one by --database-url or \
             ALPHANODE_DATABASE_URL, or make this one by `alphanode migrate up`"
        )
        .into());
    }
    let database = app::open(config).await?;
    migrate::require_newest(&database).await?;
    Ok(database)
}

/// Opens the store as [`open_store`] does, for a load that can be run again: on SQLite a commit may
/// be lost when the machine loses power, and so costs less.
async fn open_for_bulk_load(config: &Config) -> Result<Store, Failure> {
    telemetry::start_log(LogFormat::Text);
    let options = DatabaseOptions {
        relaxed: true,
        ..config.database()
    };
    let database = Database::open(&options).await?;
    migrate::require_newest(&database).await?;
    Ok(Store::new(database, Clock::system()))
}

/// Waits until the person at the terminal, or the machine, wants the command to end.
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        tracing::error!("signals can't be waited for; stop the process by force");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Tells the person at the terminal that a list was cut.
fn say_there_are_more(limit: u64) {
    say(&format!(
        "these are the newest {limit}; there are more, and `--limit` lists them"
    ));
}

/// Tells the person at the terminal something that is not the command's result.
#[allow(clippy::print_stderr, reason = "the terminal is where this goes")]
fn say(text: &str) {
    eprintln!("{text}");
}
