//! A small database against a large one.

use crate::growth::Growth;
use crate::limits;

#[allow(clippy::print_stdout, reason = "the table is the command's result")]
pub(super) fn print(growths: &[Growth]) {
    for growth in growths {
        println!(
            "\n| {:<40} | {:>9} posts, ms | {:>9} posts, ms | times | promised |\n\
             |------------------------------------------|--------------------:|--------------------:|------:|\
             ----------|",
            growth.database, growth.small, growth.large
        );
        for row in &growth.rows {
            let figure = |figure: Option<f64>, digits| match figure {
                Some(figure) => format!("{figure:.digits$}"),
                None => "too slow".into(),
            };
            println!(
                "| {:<40} | {:>19} | {:>19} | {:>5} | {:<8} |",
                row.name,
                figure(row.small_ms, 3),
                figure(row.large_ms, 3),
                row.ratio()
                    .map(|ratio| format!("{ratio:.2}"))
                    .unwrap_or_default(),
                if row.promised { "yes" } else { "" },
            );
        }
    }
}

pub(super) fn missed(growth: &Growth) -> Vec<String> {
    let mut missed = Vec::new();
    for row in growth.rows.iter().filter(|row| row.promised) {
        let ratio = row.ratio().unwrap_or(f64::INFINITY);
        if ratio > limits::GROWTH {
            missed.push(format!(
                "{} on {} takes {ratio:.2} times as long over {} posts as over {}; {} is the most",
                row.name,
                growth.database,
                growth.large,
                growth.small,
                limits::GROWTH,
            ));
        }
    }
    missed
}
