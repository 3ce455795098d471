//! Labels and what belongs to them: the outer form of the metadata.

use super::Line;
use super::body::bullet;

/// Labels with their value on the same line: `reading time13`.
pub(super) const TEXT_LABELS: &[&str] = &[
    "topic",
    "summary",
    "ai brief",
    "code language",
    "difficulty",
    "reading time",
    "view count",
    "reference",
    "hash",
];

/// Labels that stand alone, with a list below.
const LIST_LABELS: &[&str] = &[
    "ai outline",
    "stack",
    "tools",
    "score",
    "revision",
    "flags",
    "checklist",
    "entities",
    "payload",
    "notes",
];

/// A label with what belongs to it.
pub(super) struct Entry<'a> {
    pub label: &'a str,
    pub line: u64,
    pub value: &'a str,
    pub items: Vec<Item<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub line: u64,
    pub text: &'a str,
}

pub(super) fn entries<'a>(lines: &[Line<'a>]) -> Vec<Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = Vec::new();
    for line in lines.iter().filter(|line| !line.is_blank()) {
        let number = line.number;
        if let Some(text) = bullet(line.text) {
            let item = Item { line: number, text };
            match entries.last_mut() {
                Some(entry) => entry.items.push(item),
                None => entries.push(Entry {
                    label: "",
                    line: number,
                    value: "",
                    items: vec![item],
                }),
            }
            continue;
        }
        let (label, value) = split_label(line.text.trim());
        entries.push(Entry {
            label,
            line: number,
            value,
            items: Vec::new(),
        });
    }
    entries
}

/// A line is a known label and its value, or an unknown label as a whole.
fn split_label(text: &str) -> (&str, &str) {
    let bare = text.trim_end_matches(':');
    if LIST_LABELS.contains(&bare) {
        return (bare, "");
    }
    for label in TEXT_LABELS {
        if let Some(value) = text.strip_prefix(label) {
            return (label, value.trim_start_matches(':').trim());
        }
    }
    (text, "")
}

pub(super) fn is_known(label: &str) -> bool {
    TEXT_LABELS.contains(&label) || LIST_LABELS.contains(&label)
}

/// The key and the value of `key: value`.
pub(super) fn pair(item: Item<'_>) -> Option<(&str, Item<'_>)> {
    let (key, text) = item
        .text
        .split_once(": ")
        .or_else(|| item.text.strip_suffix(':').map(|key| (key, "")))?;
    let text = text.trim();
    (!key.trim().is_empty()).then_some((
        key.trim(),
        Item {
            line: item.line,
            text,
        },
    ))
}
