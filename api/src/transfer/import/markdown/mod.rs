//! Markdown with front matter, as Next.js blogs, Hugo and Jekyll write it, and as our own export
//! does. `docs/import-formats.md` gives every rule.

mod conventions;
mod front_matter;
mod publication;
mod title;

pub(in crate::transfer) use front_matter::yaml_options;

use std::path::Path;

use serde_json::Value;

use super::fields::{Scalars, document_from};
use super::finish::finish;
use super::{ImportContext, Parsed, Problem};
use crate::domain::markdown::has_images;
use crate::domain::post::Payload;

/// The front matter while it is turned into our own keys.
struct Page<'a> {
    fields: Payload,
    inferred: &'a mut Vec<String>,
    invalid: Vec<String>,
}

/// Reads the one document of a Markdown file.
pub(super) fn read(text: &str, path: &Path, context: &ImportContext) -> Result<Parsed, Problem> {
    let with_line_feeds;
    let first_line_end = text.find('\n').unwrap_or(0);
    let text = if text[..first_line_end].ends_with('\r') {
        with_line_feeds = text.replace("\r\n", "\n");
        &with_line_feeds
    } else {
        text
    };
    let split = front_matter::split(text)?;
    let fields = match split.front_matter {
        Some((syntax, text)) => front_matter::parse(syntax, text)?,
        None => Payload::new(),
    };
    let mut inferred = Vec::new();
    let mut page = Page {
        fields,
        inferred: &mut inferred,
        invalid: Vec::new(),
    };
    // A page with our own status is a document as it stands; its file may be named as it likes.
    let is_document = page.own_status().is_some();
    let file_name = match is_document {
        true => title::FileName::default(),
        false => title::FileName::of(path),
    };
    page.take_conventions(&file_name);
    page.take_publication(path, &file_name, context);
    let body = page.take_title(split.body, &file_name);
    if !is_document {
        page.look_for_images(&body);
    }

    let Page {
        mut fields,
        invalid,
        ..
    } = page;
    if fields.contains_key("body") {
        return Err(Problem::at(
            1,
            "the front matter has a `body`; the body is what follows the front matter",
        ));
    }
    fields.insert(String::from("body"), Value::String(body));
    let document = document_from(fields, Scalars::AsText, &mut inferred);
    match document {
        Ok(document) if invalid.is_empty() => finish(document, 1, inferred),
        result => {
            let reasons = invalid.into_iter().chain(result.err());
            Err(Problem::at(1, reasons.collect::<Vec<_>>().join("; ")))
        }
    }
}

impl Page<'_> {
    /// Takes a key out of the front matter whatever its capitals, `_` and `-`: `publishDate`,
    /// `publishdate`, `publish_date`. An empty value counts as absent.
    fn take(&mut self, name: &str) -> Option<(String, Value)> {
        let key = self.fields.keys().find(|key| letters(key) == name)?.clone();
        let value = self.fields.remove(&key)?;
        (!value.is_null()).then_some((key, value))
    }

    /// Keeps a value the document has no place for, under its own name.
    fn keep(&mut self, key: String, value: Value, why: &str) {
        self.inferred
            .push(format!("`{key}` {why}; kept in the payload"));
        let payload = self
            .fields
            .entry("payload")
            .or_insert_with(|| Value::Object(Payload::new()));
        match payload {
            Value::Object(payload) if payload.get(&key).is_none_or(|there| *there == value) => {
                payload.insert(key, value);
            }
            Value::Object(_) => self.refuse(
                &key,
                "is a key of the page and, with another value, of its payload; rename one",
            ),
            // No mapping: refused with all other values of the wrong type.
            _ => {}
        }
    }

    /// Sets one of our own keys inside `seo`, `revision` or `flags`, unless it is set already.
    fn set_below(&mut self, parent: &str, key: &str, value: Value) -> Result<(), Value> {
        let below = self
            .fields
            .entry(parent)
            .or_insert_with(|| Value::Object(Payload::new()));
        match below.as_object_mut() {
            Some(members) if members.get(key).is_none_or(Value::is_null) => {
                members.insert(key.to_owned(), value);
                Ok(())
            }
            _ => Err(value),
        }
    }

    /// Says that the body has images, unless the front matter says something about it.
    fn look_for_images(&mut self, body: &str) {
        if has_images(body)
            && self
                .set_below("flags", "hasImages", Value::Bool(true))
                .is_ok()
        {
            self.inferred.push(String::from(
                "`flags.hasImages` is set: the body has images",
            ));
        }
    }

    fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|value| !value.is_null())
    }

    fn refuse(&mut self, key: &str, reason: impl std::fmt::Display) {
        self.invalid.push(format!("{key}: {reason}"));
    }
}

/// A key without capitals, `_` and `-`.
fn letters(key: &str) -> String {
    key.chars()
        .filter(|character| !matches!(character, '_' | '-'))
        .flat_map(char::to_lowercase)
        .collect()
}

/// A scalar as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
