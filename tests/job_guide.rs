//! `docs/jobs.md` names every kind of job and every schedule that there is.

use alphanode::domain::schedule::BUILT_IN;

use crate::support::{Backend, TestStore};

/// The first so many cells of the rows of the tables below a heading, without their marks.
fn rows(heading: &str, cells: usize) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string("../docs/jobs.md").unwrap();
    let section = text.split("\n## ").find(|part| part.starts_with(heading));
    let lines = section
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|').take(cells);
            cells.map(|cell| cell.trim().replace('`', "")).collect()
        })
        .collect()
}

#[tokio::test]
async fn the_guide_names_every_kind() {
    let test = TestStore::create(Backend::Sqlite).await.unwrap();
    let mut kinds: Vec<&str> = alphanode::jobs::handlers(&test.store)
        .iter()
        .map(|handler| handler.kind)
        .collect();
    let rows = rows("The kinds", 6);
    let mut named: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    kinds.sort_unstable();
    named.sort_unstable();
    assert_eq!(named, kinds);
    for row in &rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}

#[test]
fn the_guide_names_every_schedule() {
    let rows = rows("Schedules", 4);
    let built_in = BUILT_IN.iter();
    let built_in: Vec<_> = built_in
        .map(|one| [one.name, one.cron, one.time_zone, one.kind].map(str::to_owned))
        .collect();
    assert_eq!(rows, built_in);
}
