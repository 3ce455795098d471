//! Reading and writing against hand-written SQL, start and import.

use super::{Entry, mebibytes};
use crate::limits;
use crate::load::Kind;

#[allow(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(entries: &[Entry]) {
    println!(
        "\n| database   | operation | server            |    req/s |   p50 ms |   p99 ms | server µs | \
         generator | memory MiB |\n\
         |------------|-----------|-------------------|---------:|---------:|---------:|----------:|\
         ----------:|-----------:|"
    );
    for entry in entries {
        for (operation, contestants) in &entry.contest.operations {
            for (contestant, figures) in contestants {
                println!(
                    "| {:<10} | {:<9} | {:<17} | {:>8.0} | {:>8.2} | {:>8.2} | {:>9.1} | {:>9.2} | \
                     {:>10.1} |",
                    entry.database,
                    operation,
                    contestant.name(),
                    figures.per_second,
                    figures.p50_ms,
                    figures.p99_ms,
                    figures.spent.server_us,
                    figures.spent.generator,
                    mebibytes(figures.memory),
                );
            }
        }
    }
    println!("\n| alphanode to       | operation | hand-written SQL | bytes from memory |");
    println!("|--------------------|-----------|-----------------:|------------------:|");
    for entry in entries {
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
    println!(
        "\n| database   | posts imported a second | start to first answer | memory at rest | size        |\n\
         |------------|------------------------:|----------------------:|---------------:|------------:|"
    );
    for entry in entries {
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

pub(super) fn missed(entry: &Entry) -> Vec<String> {
    let kind = entry.database;
    let mut missed = Vec::new();
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
    missed
}
