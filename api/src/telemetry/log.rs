//! The log: lines on standard error.

use std::io::{self, BufWriter, IsTerminal, Stderr, Write, stderr};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::LogFormat;

/// Lines that wait to be written at most, about 4 megabytes of them. Who answers a request must not
/// wait for whoever reads the log; when more wait, lines are dropped.
const MOST_WAITING: usize = 16 * 1_024;

/// Bytes written at once.
const AT_ONCE: usize = 64 * 1_024;

/// How long lines are gathered after some were written. Waking the thread for each line takes a fifth
/// of what a quick answer does.
const GATHERING: Duration = Duration::from_millis(10);

static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// A log whose lines are written by a thread of its own. Dropping it writes those that wait.
#[must_use = "dropping it ends the log"]
pub struct Log {
    _guard: WorkerGuard,
}

/// Writes log lines to standard error from now on, each at once. `RUST_LOG` says which; everything of
/// note when it is absent.
pub fn start_log(format: LogFormat) {
    start(format, stderr);
}

/// The same for a server, which has a line to write for every request: a thread writes them, many at
/// once where many wait, and nobody waits for it.
pub fn start_quick_log(format: LogFormat) -> Log {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(MOST_WAITING)
        .thread_name("log")
        .finish(Gathering(BufWriter::with_capacity(AT_ONCE, stderr())));
    let _ = DROPPED.set(writer.error_counter());
    start(format, writer);
    Log { _guard: guard }
}

/// Standard error, for a thread that flushes it whenever no line waits.
struct Gathering(BufWriter<Stderr>);

impl Write for Gathering {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        sleep(GATHERING);
        Ok(())
    }
}

/// Lines that were dropped since the program began, because too many waited.
pub(super) fn dropped_lines() -> u64 {
    DROPPED
        .get()
        .map_or(0, |counter| counter.dropped_lines() as u64)
}

fn start(format: LogFormat, writer: impl for<'line> MakeWriter<'line> + Send + Sync + 'static) {
    let of_note = "info,sea_orm_migration=warn,sqlx=warn";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(of_note));
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(stderr().is_terminal());
    // A second start, as tests do it, keeps the first log.
    let _ = match format {
        LogFormat::Text => registry.with(lines.compact()).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}
