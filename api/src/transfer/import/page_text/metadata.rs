//! The metadata of a page: labels that run into their values, and lists below them.

use serde_json::{Map, Value};

use super::Line;
use super::body::bullet;
use super::values::{self, Taken};
use crate::domain::post::{ChecklistItem, EntityName};
use crate::transfer::document::{Document, Score};
use crate::transfer::import::Problem;

/// Labels with their value on the same line: `reading time13`.
const TEXT_LABELS: &[&str] = &[
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

/// Where lines are kept that no label claims.
const UNLABELLED: &str = "unlabelled";

/// A label with what belongs to it.
struct Entry<'a> {
    label: &'a str,
    line: u64,
    value: &'a str,
    items: Vec<Item<'a>>,
}

#[derive(Clone, Copy)]
struct Item<'a> {
    line: u64,
    text: &'a str,
}

/// Reads the metadata into the document. All values that cannot be are named at once.
pub(super) fn read(
    lines: &[Line<'_>],
    document: &mut Document,
    inferred: &mut Vec<String>,
) -> Result<(), Problem> {
    let mut reader = Reader {
        document,
        inferred,
        problems: Vec::new(),
    };
    let mut seen: Vec<&str> = Vec::new();
    for entry in entries(lines) {
        if is_known(entry.label) {
            if seen.contains(&entry.label) {
                reader.refuse(
                    entry.line,
                    format!("`{}` is there twice; keep one", entry.label),
                );
                continue;
            }
            seen.push(entry.label);
        }
        reader.entry(&entry);
    }
    let mut problems = reader.problems.into_iter();
    let Some((line, mut reason)) = problems.next() else {
        return Ok(());
    };
    for (line, further) in problems {
        reason.push_str(&format!("; line {line}: {further}"));
    }
    Err(Problem::at(line, reason))
}

fn entries<'a>(lines: &[Line<'a>]) -> Vec<Entry<'a>> {
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

fn is_known(label: &str) -> bool {
    TEXT_LABELS.contains(&label) || LIST_LABELS.contains(&label)
}

struct Reader<'a> {
    document: &'a mut Document,
    inferred: &'a mut Vec<String>,
    problems: Vec<(u64, String)>,
}

impl<'a> Reader<'a> {
    fn entry(&mut self, entry: &Entry<'_>) {
        if TEXT_LABELS.contains(&entry.label) {
            if !entry.items.is_empty() {
                self.keep_list(entry);
            }
            if !entry.value.is_empty() {
                self.text(entry);
            } else if entry.items.is_empty() {
                self.inferred.push(format!(
                    "line {}: `{}` has no value",
                    entry.line, entry.label
                ));
            }
            return;
        }
        let content = &mut self.document.content;
        let texts = || entry.items.iter().map(|item| item.text.to_owned());
        match entry.label {
            "stack" => content.stack = texts().collect(),
            "tools" => content.tools = texts().collect(),
            "notes" => content.notes = texts().collect(),
            "checklist" => {
                let step = |text| ChecklistItem {
                    id: String::new(),
                    text,
                };
                content.checklist = texts().map(step).collect();
            }
            "ai outline" => self.outline(entry),
            "score" => self.score(entry),
            "revision" => self.revision(entry),
            "flags" => self.flags(entry),
            "entities" => self.entities(entry),
            "payload" => self.payload(entry),
            _ => self.unknown(entry),
        }
    }

    fn text(&mut self, entry: &Entry<'_>) {
        let item = Item {
            line: entry.line,
            text: entry.value,
        };
        let (label, text) = (entry.label, || Some(entry.value.to_owned()));
        match label {
            "topic" => self.document.content.topic = text(),
            "summary" => entry.value.clone_into(&mut self.document.content.summary),
            "ai brief" => self.document.content.brief = text(),
            "code language" => self.document.content.code_language = text(),
            "reference" => self.document.reference = text(),
            "hash" => self.document.hash = text(),
            "difficulty" => {
                self.document.content.difficulty = self.take(label, item, values::difficulty);
            }
            "reading time" => {
                self.document.content.reading_minutes = self.take(label, item, values::minutes);
            }
            "view count" => self.document.view_count = self.take(label, item, values::count),
            _ => self.unknown(entry),
        }
    }

    fn outline(&mut self, entry: &Entry<'_>) {
        for (key, item) in self.pairs(entry) {
            let text = Some(item.text.to_owned());
            let outline = &mut self.document.content.outline;
            match key {
                "context" => outline.context = text,
                "problem" => outline.problem = text,
                "stack" => outline.stack = text,
                "recommended action" => outline.recommended_action = text,
                _ => self.keep(entry.label, key, item),
            }
        }
    }

    fn score(&mut self, entry: &Entry<'_>) {
        let mut figures = [None; 4];
        let names = ["quality", "freshness", "depth", "clarity"];
        let mut given = [false; 4];
        for (key, item) in self.pairs(entry) {
            match names.iter().position(|name| *name == key) {
                Some(place) => {
                    given[place] = true;
                    figures[place] = self.take(&format!("score {key}"), item, values::figure);
                }
                None => self.keep(entry.label, key, item),
            }
        }
        for (name, given) in names.iter().zip(given) {
            if !given {
                self.refuse(
                    entry.line,
                    format!("score has no `{name}`; give all four figures"),
                );
            }
        }
        if let [Some(quality), Some(freshness), Some(depth), Some(clarity)] = figures {
            self.document.score = Some(Score {
                quality,
                freshness,
                depth,
                clarity,
                ..Score::default()
            });
        }
    }

    fn revision(&mut self, entry: &Entry<'_>) {
        for (key, item) in self.pairs(entry) {
            let label = format!("revision {key}");
            match key {
                "status" => {
                    if let Some(status) = self.take(&label, item, values::status) {
                        self.document.revision.status = status;
                    }
                }
                "version" => {
                    self.document.revision.version = self.take(&label, item, values::version);
                }
                "last reviewed" => {
                    self.document.revision.last_reviewed = self.take(&label, item, values::day);
                }
                _ => self.keep(entry.label, key, item),
            }
        }
    }

    fn flags(&mut self, entry: &Entry<'_>) {
        for (key, item) in self.pairs(entry) {
            let flags = &mut self.document.content.flags;
            let place = match key {
                "ai generated style" => &mut flags.ai_generated_style,
                "has images" => &mut flags.has_images,
                "image heavy" => &mut flags.image_heavy,
                "needs human review" => &mut flags.needs_human_review,
                _ => {
                    self.keep(entry.label, key, item);
                    continue;
                }
            };
            match values::flag(item.text) {
                Ok(value) => *place = value,
                Err(fix) => self.refuse_value(&format!("flags {key}"), item, fix),
            }
        }
    }

    /// Names and types take turns.
    fn entities(&mut self, entry: &Entry<'_>) {
        let mut name: Option<Item<'_>> = None;
        for item in &entry.items {
            let Some((key, value)) = pair(*item) else {
                self.keep_unlabelled(item.line, item.text);
                continue;
            };
            match (key, name) {
                ("name", None) => name = Some(value),
                ("type", Some(named)) => {
                    self.document.content.entities.push(EntityName {
                        name: named.text.to_owned(),
                        kind: value.text.to_owned(),
                    });
                    name = None;
                }
                ("name", Some(named)) => {
                    self.refuse_value("entities name", named, "write its `type` below it");
                    name = Some(value);
                }
                ("type", None) => {
                    self.refuse_value("entities type", value, "write its `name` above it");
                }
                _ => self.keep(entry.label, key, value),
            }
        }
        if let Some(named) = name {
            self.refuse_value("entities name", named, "write its `type` below it");
        }
    }

    fn payload(&mut self, entry: &Entry<'_>) {
        for (key, item) in self.pairs(entry) {
            match key {
                "source id" => self.document.source_id = Some(item.text.to_owned()),
                "generator" => self.document.generator = Some(item.text.to_owned()),
                _ => {}
            }
            self.insert(key, values::payload(item.text));
        }
    }

    /// The `key: value` items of a list, each key once.
    fn pairs<'b>(&mut self, entry: &Entry<'b>) -> Vec<(&'b str, Item<'b>)> {
        let mut pairs: Vec<(&'b str, Item<'b>)> = Vec::new();
        for item in &entry.items {
            let Some((key, value)) = pair(*item) else {
                self.keep_unlabelled(item.line, item.text);
                continue;
            };
            match pairs.iter().find(|(there, _)| *there == key) {
                None => pairs.push((key, value)),
                Some((_, there)) if there.text == value.text => {
                    self.inferred.push(format!(
                        "line {}: {} `{key}` is there twice with the same value, kept once",
                        item.line, entry.label
                    ));
                }
                Some(_) => {
                    let label = format!("{} {key}", entry.label);
                    self.refuse_value(&label, value, "it is there twice; keep one");
                }
            }
        }
        pairs
    }

    fn unknown(&mut self, entry: &Entry<'_>) {
        if !entry.items.is_empty() {
            return self.keep_list(entry);
        }
        match entry.label.split_once(':') {
            Some((key, value)) if !key.trim().is_empty() => {
                self.inferred.push(format!(
                    "line {}: `{key}` is no known label; kept in the payload",
                    entry.line
                ));
                self.insert(key.trim(), values::payload(value.trim()));
            }
            _ => self.keep_unlabelled(entry.line, entry.label),
        }
    }

    fn keep_list(&mut self, entry: &Entry<'_>) {
        let label = match entry.label {
            "" => UNLABELLED,
            label => label.trim_end_matches(':'),
        };
        self.inferred.push(format!(
            "line {}: the list below `{label}` has no field; kept in the payload",
            entry.line
        ));
        let mut pairs = Map::new();
        for item in &entry.items {
            match pair(*item) {
                Some((key, value)) if !pairs.contains_key(key) => {
                    pairs.insert(key.to_owned(), values::payload(value.text));
                }
                _ => {
                    // Not all are pairs of their own keys: the list stays a list of lines.
                    let items = entry.items.iter().map(|item| values::payload(item.text));
                    return self.insert(label, Value::Array(items.collect()));
                }
            }
        }
        self.insert(label, Value::Object(pairs));
    }

    fn keep(&mut self, label: &str, key: &str, item: Item<'_>) {
        self.inferred.push(format!(
            "line {}: {label} has no key `{key}`; kept in the payload as `{label}.{key}`",
            item.line
        ));
        self.insert(&format!("{label}.{key}"), values::payload(item.text));
    }

    fn keep_unlabelled(&mut self, line: u64, text: &str) {
        self.inferred.push(format!(
            "line {line}: `{text}` starts with no known label; kept in the payload as \
             `{UNLABELLED}`"
        ));
        let payload = &mut self.document.content.payload;
        let list = payload
            .entry(UNLABELLED)
            .or_insert_with(|| Value::Array(Vec::new()));
        match list {
            Value::Array(list) => list.push(Value::from(text)),
            other => *other = Value::Array(vec![other.take(), Value::from(text)]),
        }
    }

    /// Adds to the payload; a key that is there already makes a list of both values.
    fn insert(&mut self, key: &str, value: Value) {
        let payload = &mut self.document.content.payload;
        match payload.get_mut(key) {
            None => {
                payload.insert(key.to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(there) => *there = Value::Array(vec![there.take(), value]),
        }
    }

    fn take<T>(&mut self, label: &str, item: Item<'_>, taken: fn(&str) -> Taken<T>) -> Option<T> {
        taken(item.text)
            .map_err(|fix| self.refuse_value(label, item, fix))
            .ok()
    }

    fn refuse_value(&mut self, label: &str, item: Item<'_>, fix: &str) {
        self.refuse(
            item.line,
            format!("{label}: `{}` cannot be; {fix}", item.text),
        );
    }

    fn refuse(&mut self, line: u64, reason: String) {
        self.problems.push((line, reason));
    }
}

/// The key and the value of `key: value`.
fn pair(item: Item<'_>) -> Option<(&str, Item<'_>)> {
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
