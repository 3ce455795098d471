//! `make bench`: loads synthetic posts into SQLite and PostgreSQL, then measures alphanode in the
//! same run against two servers that bound it: one that answers the same bytes from memory, and
//! one that runs the best SQL we could write by hand. Each is a process of its own, and their
//! rounds alternate, so that a busy machine slows all of them alike. `make bench-growth` measures a
//! small database against a large one. `docs/benchmarks.md` explains the figures.

mod baseline;
mod cached;
mod client;
mod contest;
mod growth;
mod limits;
mod load;
mod memory;
mod mixed;
mod operation;
mod process;
mod queue;
mod report;
mod start;
mod writer;
mod writing;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// As alphanode has it, so that no contestant is ahead by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// Measures alphanode against bytes from memory and against hand-written SQL.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100, args_override_self = true)]
struct CommandLine {
    #[command(flatten)]
    arguments: Arguments,

    #[command(subcommand)]
    contestant: Option<Contestant>,
}

#[derive(Debug, clap::Args)]
struct Arguments {
    /// Synthetic posts to load
    #[arg(long, default_value_t = 100_000)]
    posts: u64,

    /// Rounds each contestant gets for each operation
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Seconds a round lasts
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,

    /// Connections that ask at the same time
    #[arg(long, default_value_t = 8)]
    connections: usize,

    /// Only on this database: sqlite or postgres
    #[arg(long)]
    only: Option<String>,

    /// Only the queue: no posts are loaded
    #[arg(long)]
    queue: bool,

    /// Only memory under mixed load
    #[arg(long, conflicts_with_all = ["queue", "growth"])]
    memory: bool,

    /// Minutes of mixed load that memory is watched
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,

    /// Only growth: what is promised to stay quick, over few posts and over as many as `--posts` says
    #[arg(long, conflicts_with = "queue")]
    growth: bool,

    /// Posts of the small database of growth
    #[arg(long, default_value_t = 10_000)]
    small: u64,

    /// Load again, although a database with these posts and this schema is there
    #[arg(long)]
    reload: bool,

    /// Where databases, logs and synthetic documents are kept
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,

    /// Where the figures are written
    #[arg(long, default_value = "bench/results")]
    results: PathBuf,
}

/// What the program starts itself as.
#[derive(Debug, Subcommand)]
enum Contestant {
    #[command(hide = true)]
    Bytes {
        listen: String,
        /// A JSON object: what to answer under each path.
        file: PathBuf,
    },
    #[command(hide = true)]
    Sql { listen: String, url: String },
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let ended = match line.contestant {
        // The servers have the runtime that alphanode has.
        Some(contestant) => runtime(true).and_then(|runtime| match contestant {
            Contestant::Bytes { listen, file } => runtime.block_on(baseline::bytes(&listen, &file)),
            Contestant::Sql { listen, url } => runtime.block_on(baseline::sql(&listen, &url)),
        }),
        // The load generator has one thread: the machine is for the servers.
        None => runtime(false).and_then(|runtime| runtime.block_on(run(&line.arguments))),
    };
    match ended {
        Ok(code) => code,
        Err(error) => {
            say(&format!("bench: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn runtime(threads: bool) -> Result<tokio::runtime::Runtime> {
    let mut builder = match threads {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    Ok(builder.enable_all().build()?)
}

async fn run(arguments: &Arguments) -> Result<ExitCode> {
    std::fs::create_dir_all(&arguments.folder)?;
    let mut report = report::Report::new(arguments);
    for database in load::Database::wanted(arguments)? {
        say(&format!("\n{}", database.kind));
        if arguments.growth {
            report
                .growths
                .push(growth::measure(&database, arguments).await?);
        } else if arguments.memory {
            let (database, _) = load::load(&database, arguments.posts, arguments).await?;
            report
                .memories
                .push(memory::measure(&database, arguments).await?);
        } else {
            report.add_queue(&database, queue::measure(&database, arguments).await?);
            if !arguments.queue {
                report.entries.push(measure(&database, arguments).await?);
            }
        }
    }
    report.print();
    let file = report.write(&arguments.results)?;
    say(&format!("\nWritten to {}", file.display()));
    let missed = report.missed();
    for limit in &missed {
        say(&format!("MISSED: {limit}"));
    }
    Ok(if missed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Everything that takes posts.
async fn measure(database: &load::Database, arguments: &Arguments) -> Result<report::Entry> {
    let (database, loaded) = load::load(database, arguments.posts, arguments).await?;
    let start = start::measure(&database, arguments).await?;
    let mut contest = contest::measure(&database, arguments).await?;
    let cached = cached::measure(&database, arguments).await?;
    let writes = writing::measure(&database, arguments).await?;
    contest.operations.insert(writing::NAME, writes);
    let mixed = mixed::measure(&database, arguments).await?;
    Ok(report::Entry {
        database: database.kind,
        loaded,
        start,
        ratios: report::ratios(database.kind, &contest),
        contest,
        cached,
        mixed,
    })
}

/// Tells the person at the terminal how far it is.
#[allow(clippy::print_stderr, reason = "the terminal is where this goes")]
fn say(text: &str) {
    eprintln!("{text}");
}
