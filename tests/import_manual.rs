//! The examples of the manual are read as it says.

use alphanode::domain::post::RevisionStatus;
use alphanode::transfer::import::Format;
use serde_json::json;

use crate::support::reading::{document, read_one};

const MANUAL: &str = include_str!("../docs/import-formats.md");

fn example(language: &str) -> &'static str {
    let (_, rest) = MANUAL.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

#[test]
fn the_page_text() {
    let parsed = read_one(Format::PageText, example("text"));
    let document = parsed.document;
    assert_eq!(
        document.content.body,
        "a field note on compile times in a workspace of nine crates.\n\n## what to measure\n\n\
         run this before and after, on the same machine.\n\n```bash\n$ cargo build --timings\n```"
    );
    assert_eq!(document.source_id.as_deref(), Some("note-17"));
    assert_eq!(document.content.payload["seed"], json!(42));
    assert_eq!(document.score.unwrap().clarity, 90);
    assert_eq!(parsed.inferred.len(), 4, "{:?}", parsed.inferred);
}

#[test]
fn the_json() {
    let document = document(Format::Json, example("json"));
    assert_eq!(document.revision.status, RevisionStatus::Published);
    assert_eq!(document.content.checklist[0].id, "run-the-timings");
    assert_eq!(document.content.checklist[1].id, "compare");
}

#[test]
fn the_markdown() {
    let document = document(Format::Markdown, example("markdown"));
    assert_eq!(document.content.body, "The body.");
    assert_eq!(document.content.entities.len(), 2);
    assert_eq!(
        document.content.payload["hero"],
        json!({"image": "timings.png"})
    );
}
