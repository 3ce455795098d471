//! What the metadata says that has no field: kept in the payload, and said.

use serde_json::{Map, Value};

use super::labels::{Entry, Item, pair};
use super::metadata::Reader;
use super::values;

/// Where lines are kept that no label claims.
const UNLABELLED: &str = "unlabelled";

impl Reader<'_> {
    pub(super) fn unknown(&mut self, entry: &Entry<'_>) {
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

    pub(super) fn keep_list(&mut self, entry: &Entry<'_>) {
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

    pub(super) fn keep(&mut self, label: &str, key: &str, item: Item<'_>) {
        self.inferred.push(format!(
            "line {}: {label} has no key `{key}`; kept in the payload as `{label}.{key}`",
            item.line
        ));
        self.insert(&format!("{label}.{key}"), values::payload(item.text));
    }

    pub(super) fn keep_unlabelled(&mut self, line: u64, text: &str) {
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
    pub(super) fn insert(&mut self, key: &str, value: Value) {
        let payload = &mut self.document.content.payload;
        match payload.get_mut(key) {
            None => {
                payload.insert(key.to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(there) => *there = Value::Array(vec![there.take(), value]),
        }
    }
}
