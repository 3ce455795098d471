//! Memory under mixed load.

use super::mebibytes;
use crate::limits;
use crate::memory::Memory;

#[allow(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(memories: &[Memory]) {
    for memory in memories {
        let parts = memory.parts.iter();
        let parts: Vec<String> = parts
            .map(|bytes| format!("{:.1}", mebibytes(*bytes as u64)))
            .collect();
        println!(
            "\non {}, {} minutes of mixed load ({:.0} requests a second, {:.0} of 100 reads from the \
             cache, {} publications): {} MiB, {:.2} times what it was after warming up",
            memory.database,
            memory.minutes,
            memory.traffic.requests_per_second,
            100.0 * memory.traffic.hits,
            memory.traffic.publications,
            parts.join(", "),
            memory.growth(),
        );
    }
}

pub(super) fn missed(memory: &Memory) -> Option<String> {
    let growth = memory.growth();
    (growth > limits::MEMORY_GROWTH).then(|| {
        format!(
            "memory on {} grows to {growth:.2} of what it was after warming up; {} is the most",
            memory.database,
            limits::MEMORY_GROWTH,
        )
    })
}
