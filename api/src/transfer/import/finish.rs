//! The last step of every format: what is listed twice, ids, and the check.

use super::{Parsed, Problem};
use crate::domain::post::{Content, complete_checklist};
use crate::transfer::document::Document;

/// How many sentences of what was inferred a document carries along.
const MAXIMUM_INFERRED: usize = 1_000;

/// Completes a document and holds it to [`Document::check`].
pub(super) fn finish(
    mut document: Document,
    line: u64,
    mut inferred: Vec<String>,
) -> Result<Parsed, Problem> {
    complete("", &mut document.content, &mut inferred);
    for (index, earlier) in document.history.iter_mut().enumerate() {
        let place = format!("history[{index}].");
        complete(&place, &mut earlier.content, &mut inferred);
    }
    if document.content.body.trim().is_empty() {
        inferred.push(String::from("the body is empty"));
    }
    if inferred.len() > MAXIMUM_INFERRED {
        let more = inferred.len() - MAXIMUM_INFERRED;
        inferred.truncate(MAXIMUM_INFERRED);
        inferred.push(format!("and {more} more"));
    }
    let invalid = document.check();
    if invalid.is_empty() {
        return Ok(Parsed {
            document,
            line,
            inferred,
        });
    }
    let reasons: Vec<String> = invalid.iter().map(ToString::to_string).collect();
    Err(Problem::at(line, reasons.join("; ")))
}

fn complete(place: &str, content: &mut Content, inferred: &mut Vec<String>) {
    let twice = [
        ("stack", drop_repeated(&mut content.stack, Clone::clone)),
        ("tools", drop_repeated(&mut content.tools, Clone::clone)),
        ("notes", drop_repeated(&mut content.notes, Clone::clone)),
        (
            "entities",
            drop_repeated(&mut content.entities, |entity| {
                format!("{} ({})", entity.name, entity.kind)
            }),
        ),
        (
            "checklist",
            drop_repeated(&mut content.checklist, |item| item.text.clone()),
        ),
    ];
    for (field, dropped) in twice {
        for name in dropped {
            inferred.push(format!(
                "{place}{field}: `{name}` is listed more than once, kept once"
            ));
        }
    }
    complete_checklist(&mut content.checklist);
}

/// Keeps the first of equal items, and names what it dropped.
fn drop_repeated<Item: Clone + PartialEq>(
    items: &mut Vec<Item>,
    name: impl Fn(&Item) -> String,
) -> Vec<String> {
    let mut kept = std::collections::HashMap::<String, Vec<Item>>::new();
    let mut dropped = Vec::new();
    items.retain(|item| {
        let same_name = kept.entry(name(item)).or_default();
        if same_name.contains(item) {
            dropped.push(name(item));
            return false;
        }
        same_name.push(item.clone());
        true
    });
    dropped
}
