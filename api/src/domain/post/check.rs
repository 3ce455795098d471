//! What the values of a post must keep to, whoever writes them.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::content::Content;
use super::slug::{MAXIMUM_SLUG_LENGTH, is_slug, slug_of};

/// How deep lists and mappings of the payload may be nested.
pub const MAXIMUM_NESTING: usize = 32;

const MAXIMUM_NAME_LENGTH: usize = 200;
const MAXIMUM_TITLE_LENGTH: usize = 500;

/// A value that cannot be: which field, why, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// The path of the field, e.g. `score.quality` or `tools[2]`.
    pub field: String,
    /// What is wrong and how to put it right.
    pub reason: String,
}

impl InvalidField {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.reason)
    }
}

impl Content {
    /// Everything that is wrong with the content, all at once; empty when nothing is.
    pub fn check(&self) -> Vec<InvalidField> {
        let mut invalid = Vec::new();
        if self.title.trim().is_empty() {
            invalid.push(InvalidField::new("title", "is missing; a post needs one"));
        } else if self.title.chars().count() > MAXIMUM_TITLE_LENGTH {
            invalid.push(InvalidField::new(
                "title",
                format!("is longer than {MAXIMUM_TITLE_LENGTH} characters; shorten it"),
            ));
        }
        if let Some(slug) = self.slug.as_deref().filter(|slug| !is_slug(slug)) {
            invalid.push(invalid_slug(slug));
        }
        for (field, list) in [("stack", &self.stack), ("tools", &self.tools)] {
            for (index, name) in list.iter().enumerate() {
                check_name(format!("{field}[{index}]"), name, &mut invalid);
            }
        }
        for (index, entity) in self.entities.iter().enumerate() {
            check_name(
                format!("entities[{index}].name"),
                &entity.name,
                &mut invalid,
            );
            check_name(
                format!("entities[{index}].type"),
                &entity.kind,
                &mut invalid,
            );
        }
        self.check_checklist(&mut invalid);
        for (index, note) in self.notes.iter().enumerate() {
            check_present(format!("notes[{index}]"), note, &mut invalid);
        }
        if let Some(language) = &self.code_language {
            check_name(String::from("codeLanguage"), language, &mut invalid);
        }
        self.check_payload(&mut invalid);
        invalid
    }

    fn check_checklist(&self, invalid: &mut Vec<InvalidField>) {
        let mut ids = HashSet::new();
        for (index, item) in self.checklist.iter().enumerate() {
            check_present(format!("checklist[{index}].text"), &item.text, invalid);
            if !item.id.is_empty() && !ids.insert(&item.id) {
                invalid.push(InvalidField::new(
                    format!("checklist[{index}].id"),
                    format!(
                        "`{}` is the id of another step; leave it out to have one made",
                        item.id
                    ),
                ));
            }
        }
    }

    fn check_payload(&self, invalid: &mut Vec<InvalidField>) {
        for (key, value) in &self.payload {
            if key.chars().count() > MAXIMUM_NAME_LENGTH {
                let start: String = key.chars().take(40).collect();
                invalid.push(InvalidField::new(
                    format!("payload.{start}…"),
                    format!("the key is longer than {MAXIMUM_NAME_LENGTH} characters; shorten it"),
                ));
            } else if !is_within(value, MAXIMUM_NESTING) {
                invalid.push(InvalidField::new(
                    format!("payload.{key}"),
                    format!(
                        "is nested deeper than {MAXIMUM_NESTING} levels, or has a key of more \
                         than {MAXIMUM_NAME_LENGTH} characters; flatten it"
                    ),
                ));
            }
        }
    }
}

fn invalid_slug(slug: &str) -> InvalidField {
    let suggestion = match slug_of(slug) {
        suggestion if suggestion.is_empty() => String::new(),
        suggestion => format!(", e.g. `{suggestion}`"),
    };
    let start: String = slug.chars().take(80).collect();
    InvalidField::new(
        "slug",
        format!(
            "`{start}` may hold lower-case letters, digits, `-`, `_` and `.` only, \
             {MAXIMUM_SLUG_LENGTH} bytes at most{suggestion}"
        ),
    )
}

fn check_name(field: String, name: &str, invalid: &mut Vec<InvalidField>) {
    if name.chars().count() > MAXIMUM_NAME_LENGTH {
        invalid.push(InvalidField::new(
            field,
            format!("is longer than {MAXIMUM_NAME_LENGTH} characters; shorten it"),
        ));
    } else {
        check_present(field, name, invalid);
    }
}

fn check_present(field: String, text: &str, invalid: &mut Vec<InvalidField>) {
    if text.trim().is_empty() {
        invalid.push(InvalidField::new(
            field,
            "is empty; fill it in or leave it out",
        ));
    }
}

fn is_within(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| is_within(item, levels - 1)),
        Value::Object(members) => {
            levels > 0
                && members.iter().all(|(key, item)| {
                    key.chars().count() <= MAXIMUM_NAME_LENGTH && is_within(item, levels - 1)
                })
        }
        _ => true,
    }
}
