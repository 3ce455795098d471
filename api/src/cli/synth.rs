//! `alphanode synth`: plausible posts, for load tests.

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::process::ExitCode;

use super::import::{Progress, import_all};
use super::{Failure, open_for_bulk_load};
use crate::config::Config;
use crate::transfer::export::ndjson;
use crate::transfer::import::{ImportOptions, Origin};
use crate::transfer::synth;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// How many posts
    #[arg(long)]
    count: u64,

    /// The same seed always gives the same posts
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The index of the first post, to go on where an earlier run ended
    #[arg(long, default_value_t = 0)]
    start: u64,

    /// Import them, instead of printing one JSON document a line
    #[arg(long)]
    into_database: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let seed = arguments.seed;
    let end = arguments.start.checked_add(arguments.count);
    let range = arguments.start..end.ok_or("start and count are too large together")?;
    if !arguments.into_database {
        return match print(seed, range) {
            // Who reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            other => Ok(other.map(|()| ExitCode::SUCCESS)?),
        };
    }
    let store = open_for_bulk_load(config).await?;
    let name = format!("synth --seed {seed}");
    let origin = Origin::documents(name, synth::documents(seed, range));
    let progress = Progress::of_documents(arguments.count);
    import_all(store, origin, ImportOptions::default(), progress, false).await
}

fn print(seed: u64, range: Range<u64>) -> io::Result<()> {
    let mut output = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    for document in synth::documents(seed, range) {
        ndjson::write(&document, &mut output)?;
    }
    output.flush()
}
