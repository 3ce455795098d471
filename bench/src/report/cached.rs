//! What is answered from the cache, and mixed load.

use super::{Entry, mebibytes};
use crate::cached::Way;
use crate::limits;

#[allow(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(entries: &[Entry]) {
    println!(
        "\n| database   | operation | answered from memory   |    req/s |   p50 ms |   p99 ms | server µs | \
         generator | to axum |\n\
         |------------|-----------|------------------------|---------:|---------:|---------:|----------:|\
         ----------:|--------:|"
    );
    for entry in entries {
        for (operation, ways) in &entry.cached.operations {
            for (way, figures) in ways {
                let ratio = entry.cached.ratio(operation, *way, way.against());
                println!(
                    "| {:<10} | {:<9} | {:<22} | {:>8.0} | {:>8.2} | {:>8.2} | {:>9.1} | {:>9.2} | \
                     {ratio:>7.2} |",
                    entry.database,
                    operation,
                    way.name(),
                    figures.per_second,
                    figures.p50_ms,
                    figures.p99_ms,
                    figures.spent.server_us,
                    figures.spent.generator,
                );
            }
        }
    }
    println!(
        "\n| mixed load | req/s | hits | of posts | of lists | read p50 ms | p99 ms | write p50 ms | p99 ms | \
         publications | server µs | generator | memory MiB |\n\
         |------------|------:|-----:|---------:|---------:|------------:|-------:|-------------:|-------:|\
         -------------:|----------:|----------:|-----------:|"
    );
    for entry in entries {
        let traffic = &entry.mixed;
        println!(
            "| {:<10} | {:>5.0} | {:>4.2} | {:>8.2} | {:>8.2} | {:>11.2} | {:>6.2} | {:>12.2} | {:>6.2} | \
             {:>12} | {:>9.1} | {:>9.2} | {:>10.1} |",
            entry.database,
            traffic.requests_per_second,
            traffic.hits,
            traffic.hits_of_posts,
            traffic.hits_of_lists,
            traffic.read_p50_ms,
            traffic.read_p99_ms,
            traffic.write_p50_ms,
            traffic.write_p99_ms,
            traffic.publications,
            traffic.spent.server_us,
            traffic.spent.generator,
            mebibytes(traffic.memory),
        );
    }
}

pub(super) fn missed(entry: &Entry) -> Vec<String> {
    let mut missed = Vec::new();
    for operation in entry.cached.operations.keys() {
        // By hash and by GET is how a content delivery network asks; that is shown, not promised.
        for way in [Way::Post, Way::NotModified] {
            let ratio = entry.cached.ratio(operation, way, way.against());
            if ratio < limits::CACHED_AGAINST_BYTES {
                missed.push(format!(
                    "{operation} on {}, {}, reaches {ratio:.2} of axum; {} is the least",
                    entry.database,
                    way.name(),
                    limits::CACHED_AGAINST_BYTES,
                ));
            }
        }
    }
    missed
}
