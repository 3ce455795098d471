//! The metadata of a page: labels that run into their values, and lists below them.

use super::Line;
use super::labels::{Entry, Item, TEXT_LABELS, entries, is_known, pair};
use super::values::{self, Taken};
use crate::domain::post::{ChecklistItem, EntityName};
use crate::transfer::document::{Document, Score};
use crate::transfer::import::Problem;

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

/// Puts what the entries say into a document.
pub(super) struct Reader<'a> {
    pub(super) document: &'a mut Document,
    pub(super) inferred: &'a mut Vec<String>,
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
