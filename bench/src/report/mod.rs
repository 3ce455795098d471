//! The figures, for people and as JSON, and the limits they miss.

mod cached;
mod contest;
mod growth;
mod memory;
mod queue;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::Serialize;

use crate::cached::Cached;
use crate::contest::{Contest, Contestant};
use crate::growth::Growth;
use crate::load::{Database, Kind, Loaded};
use crate::memory::Memory;
use crate::mixed::Traffic;
use crate::queue::Queue;
use crate::start::Start;
use crate::{Arguments, Result, limits, writing};

/// Everything that a run measured. What it did not is empty.
#[derive(Debug, Serialize)]
pub struct Report {
    measured_at: String,
    machine: Machine,
    posts: u64,
    rounds: usize,
    seconds: f64,
    connections: usize,
    #[serde(rename = "databases", skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queues: Vec<QueueEntry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub growths: Vec<Growth>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memories: Vec<Memory>,
}

/// What the figures depend on.
#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    processor: String,
    memory_bytes: u64,
}

/// What was measured on one database.
#[derive(Debug, Serialize)]
pub struct Entry {
    pub database: Kind,
    pub loaded: Loaded,
    pub start: Start,
    pub contest: Contest,
    pub ratios: Vec<Ratios>,
    pub cached: Cached,
    pub mixed: Traffic,
}

#[derive(Debug, Serialize)]
struct QueueEntry {
    database: Kind,
    #[serde(flatten)]
    figures: Queue,
}

#[derive(Debug, Serialize)]
pub struct Ratios {
    operation: &'static str,
    to_sql: f64,
    /// Absent where nothing can be answered from memory.
    to_bytes: Option<f64>,
    /// What `to_sql` must reach.
    limit: f64,
}

/// How alphanode compares in each operation of a contest.
pub fn ratios(kind: Kind, contest: &Contest) -> Vec<Ratios> {
    use Contestant::{Alphanode, Bytes, Sql};
    let ratios = contest.operations.keys().map(|operation| Ratios {
        operation,
        to_sql: contest.ratio(operation, Alphanode, Sql).unwrap_or(f64::NAN),
        to_bytes: contest.ratio(operation, Alphanode, Bytes),
        limit: match *operation {
            writing::NAME => limits::WRITES_AGAINST_SQL,
            _ => limits::against_sql(kind),
        },
    });
    ratios.collect()
}

impl Report {
    pub fn new(arguments: &Arguments) -> Self {
        Self {
            measured_at: Utc::now().to_rfc3339(),
            machine: Machine::this(),
            posts: arguments.posts,
            rounds: arguments.rounds,
            seconds: arguments.seconds,
            connections: arguments.connections,
            entries: Vec::new(),
            queues: Vec::new(),
            growths: Vec::new(),
            memories: Vec::new(),
        }
    }

    pub fn add_queue(&mut self, database: &Database, figures: Queue) {
        self.queues.push(QueueEntry {
            database: database.kind,
            figures,
        });
    }

    /// The tables of what was measured.
    pub fn print(&self) {
        self.print_machine();
        if !self.entries.is_empty() {
            contest::print(&self.entries);
            cached::print(&self.entries);
        }
        if !self.queues.is_empty() {
            queue::print(&self.queues);
        }
        if !self.growths.is_empty() {
            growth::print(&self.growths);
        }
        if !self.memories.is_empty() {
            memory::print(&self.memories);
        }
    }

    #[allow(clippy::print_stdout, reason = "the table is the command's result")]
    fn print_machine(&self) {
        println!(
            "\n{} posts; {} rounds of {} s over {} connections, medians; {} cores shared with the \
             load generator, {:.0} GiB",
            self.posts,
            self.rounds,
            self.seconds,
            self.connections,
            self.machine.cores,
            self.machine.memory_bytes as f64 / f64::from(1 << 30),
        );
    }

    /// Writes everything as JSON and says where.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let name = self.measured_at.replace([':', '+'], "-");
        let file = folder.join(format!("{}.json", name.get(..19).unwrap_or(&name)));
        fs::write(&file, serde_json::to_string_pretty(self)? + "\n")?;
        Ok(file)
    }

    /// The limits that the figures miss.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for entry in &self.queues {
            missed.extend(queue::missed(entry));
        }
        for entry in &self.entries {
            missed.extend(contest::missed(entry));
            missed.extend(cached::missed(entry));
        }
        for growth in &self.growths {
            missed.extend(growth::missed(growth));
        }
        for memory in &self.memories {
            missed.extend(memory::missed(memory));
        }
        missed
    }
}

impl Machine {
    fn this() -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':'));
            value.map(|(_, value)| value.trim().to_owned())
        };
        let kilobytes = field("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kilobytes = kilobytes.trim_end_matches(" kB").parse().unwrap_or(0_u64);
        Self {
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            memory_bytes: kilobytes * 1024,
        }
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
