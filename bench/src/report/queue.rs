//! The queue.

use super::QueueEntry;
use crate::limits;

#[allow(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(entries: &[QueueEntry]) {
    println!(
        "\n| database   | workers | by hand, jobs/s | alphanode, jobs/s | to SQL |\n\
         |------------|--------:|----------------:|------------------:|-------:|"
    );
    for entry in entries {
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
    for entry in entries {
        println!(
            "\non {}, a job on an idle queue begins after {:.2} ms (p50), {:.2} ms (p99)",
            entry.database, entry.figures.begins_p50_ms, entry.figures.begins_p99_ms
        );
        for (name, ratio) in &entry.figures.full_to_empty {
            println!("a full queue ({name}) to an empty one: {ratio:.2}");
        }
    }
}

pub(super) fn missed(entry: &QueueEntry) -> Vec<String> {
    let QueueEntry { database, figures } = entry;
    let mut missed = Vec::new();
    for (workers, throughput) in &figures.throughput {
        if throughput.ratio() < limits::JOBS_AGAINST_SQL {
            missed.push(format!(
                "{workers} workers on {database} reach {:.2} of hand-written SQL; {} is the least",
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
                "a full queue ({name}) on {database} reaches {ratio:.2} of an empty one; {} is the \
                 least",
                limits::FULL_TO_EMPTY,
            ));
        }
    }
    missed
}
