//! The figures, for people and as JSON, and the limits they miss.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::Utc;
use serde::Serialize;

use crate::contest::{Contest, Contestant};
use crate::load::{Database, Kind, Loaded};
use crate::queue::Queue;
use crate::start::Start;
use crate::{Arguments, Result, limits, writing};

#[derive(Debug, Serialize)]
pub struct Report {
    measured_at: String,
    machine: Machine,
    posts: u64,
    rounds: usize,
    seconds: f64,
    connections: usize,
    databases: Vec<Entry>,
    queues: Vec<QueueEntry>,
}

/// What the figures depend on.
#[derive(Debug, Serialize)]
struct Machine {
    cores: usize,
    processor: String,
    memory_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Entry {
    database: Kind,
    loaded: Loaded,
    start: Start,
    contest: Contest,
    ratios: Vec<Ratios>,
}

#[derive(Debug, Serialize)]
struct QueueEntry {
    database: Kind,
    #[serde(flatten)]
    figures: Queue,
}

#[derive(Debug, Serialize)]
struct Ratios {
    operation: &'static str,
    to_sql: f64,
    /// Absent where nothing can be answered from memory.
    to_bytes: Option<f64>,
    /// What `to_sql` must reach.
    limit: f64,
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
            databases: Vec::new(),
            queues: Vec::new(),
        }
    }

    pub fn add_queue(&mut self, database: &Database, figures: Queue) {
        self.queues.push(QueueEntry {
            database: database.kind,
            figures,
        });
    }

    pub fn add(&mut self, database: &Database, loaded: Loaded, start: Start, contest: Contest) {
        use Contestant::{Alphanode, Bytes, Sql};
        let ratios = contest.operations.keys().map(|operation| Ratios {
            operation,
            to_sql: contest.ratio(operation, Alphanode, Sql).unwrap_or(f64::NAN),
            to_bytes: contest.ratio(operation, Alphanode, Bytes),
            limit: match *operation {
                writing::NAME => limits::WRITES_AGAINST_SQL,
                _ => limits::against_sql(database.kind),
            },
        });
        self.databases.push(Entry {
            database: database.kind,
            loaded,
            start,
            ratios: ratios.collect(),
            contest,
        });
    }

    /// The tables.
    pub fn print(&self) {
        if !self.databases.is_empty() {
            self.print_contest();
        }
        self.print_queues();
    }

    #[allow(clippy::print_stdout, reason = "the table is the command's result")]
    fn print_queues(&self) {
        println!(
            "\n| database   | workers | by hand, jobs/s | alphanode, jobs/s | to SQL |\n\
             |------------|--------:|----------------:|------------------:|-------:|"
        );
        for entry in &self.queues {
            for (workers, figures) in &entry.figures.throughput {
                println!(
                    "| {:<10} | {workers:>7} | {:>15.0} | {:>17.0} | {:>6.2} |",
                    entry.database,
                    figures.by_hand,
                    figures.alphanode,
                    figures.ratio()
                );
            }
        }
        for entry in &self.queues {
            println!(
                "\non {}, a job on an idle queue begins after {:.2} ms (p50), {:.2} ms (p99)",
                entry.database, entry.figures.begins_p50_ms, entry.figures.begins_p99_ms
            );
            for (name, ratio) in &entry.figures.full_to_empty {
                println!("a full queue ({name}) to an empty one: {ratio:.2}");
            }
        }
    }

    #[allow(clippy::print_stdout, reason = "the table is the command's result")]
    fn print_contest(&self) {
        println!(
            "\n{} posts; {} rounds of {} s over {} connections, medians; {} cores shared with the \
             load generator, {:.0} GiB\n",
            self.posts,
            self.rounds,
            self.seconds,
            self.connections,
            self.machine.cores,
            self.machine.memory_bytes as f64 / f64::from(1 << 30),
        );
        println!(
            "| database   | operation | server            |    req/s |   p50 ms |   p99 ms | memory MiB |"
        );
        println!(
            "|------------|-----------|-------------------|---------:|---------:|---------:|-----------:|"
        );
        for entry in &self.databases {
            for (operation, contestants) in &entry.contest.operations {
                for (contestant, figures) in contestants {
                    println!(
                        "| {:<10} | {:<9} | {:<17} | {:>8.0} | {:>8.2} | {:>8.2} | {:>10.1} |",
                        entry.database,
                        operation,
                        contestant.name(),
                        figures.per_second,
                        figures.p50_ms,
                        figures.p99_ms,
                        mebibytes(figures.memory),
                    );
                }
            }
        }
        println!("\n| alphanode to       | operation | hand-written SQL | bytes from memory |");
        println!("|--------------------|-----------|-----------------:|------------------:|");
        for entry in &self.databases {
            for ratios in &entry.ratios {
                let to_bytes = ratios.to_bytes.map(|ratio| format!("{ratio:.2}"));
                println!(
                    "| on {:<15} | {:<9} | {:>16.2} | {:>17} |",
                    entry.database,
                    ratios.operation,
                    ratios.to_sql,
                    to_bytes.unwrap_or_default(),
                );
            }
        }
        println!();
        println!(
            "| database   | posts imported a second | start to first answer | memory at rest | size        |"
        );
        println!(
            "|------------|------------------------:|----------------------:|---------------:|------------:|"
        );
        for entry in &self.databases {
            let imported = match entry.loaded.posts_per_second {
                Some(figure) => format!("{figure:.0}"),
                None => "(loaded before)".into(),
            };
            println!(
                "| {:<10} | {imported:>23} | {:>18.1} ms | {:>10.1} MiB | {:>7.0} MiB |",
                entry.database,
                entry.start.first_answer_ms,
                mebibytes(entry.start.memory_at_rest),
                mebibytes(entry.loaded.bytes),
            );
        }
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
        let mut missed = self.missed_by_queues();
        for entry in &self.databases {
            let kind = entry.database;
            for ratios in &entry.ratios {
                if ratios.to_sql < ratios.limit {
                    missed.push(format!(
                        "{} on {kind} reaches {:.2} of hand-written SQL; {} is the least",
                        ratios.operation, ratios.to_sql, ratios.limit,
                    ));
                }
            }
            if entry.start.memory_at_rest > limits::MEMORY_AT_REST {
                missed.push(format!(
                    "memory at rest on {kind} is {:.1} MiB; {:.0} is the most",
                    mebibytes(entry.start.memory_at_rest),
                    mebibytes(limits::MEMORY_AT_REST),
                ));
            }
            if entry.start.first_answer_ms > limits::FIRST_ANSWER_MS {
                missed.push(format!(
                    "the first answer on {kind} takes {:.0} ms; {} is the most",
                    entry.start.first_answer_ms,
                    limits::FIRST_ANSWER_MS,
                ));
            }
            if kind == Kind::Sqlite
                && let Some(figure) = entry.loaded.posts_per_second
                && figure < limits::IMPORTED_A_SECOND
            {
                missed.push(format!(
                    "{figure:.0} posts a second are imported on {kind}; {} is the least",
                    limits::IMPORTED_A_SECOND,
                ));
            }
        }
        missed
    }

    fn missed_by_queues(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for QueueEntry { database, figures } in &self.queues {
            for (workers, throughput) in &figures.throughput {
                if throughput.ratio() < limits::JOBS_AGAINST_SQL {
                    missed.push(format!(
                        "{workers} workers on {database} reach {:.2} of hand-written SQL; {} is \
                         the least",
                        throughput.ratio(),
                        limits::JOBS_AGAINST_SQL,
                    ));
                }
            }
            if figures.begins_p99_ms > limits::BEGINS_P99_MS {
                missed.push(format!(
                    "a job on an idle queue on {database} begins after {:.0} ms; {} is the most",
                    figures.begins_p99_ms,
                    limits::BEGINS_P99_MS,
                ));
            }
            for (name, ratio) in &figures.full_to_empty {
                if *ratio < limits::FULL_TO_EMPTY {
                    missed.push(format!(
                        "a full queue ({name}) on {database} reaches {ratio:.2} of an empty one; \
                         {} is the least",
                        limits::FULL_TO_EMPTY,
                    ));
                }
            }
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
