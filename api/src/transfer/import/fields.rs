//! A mapping of keys to values becomes a document, held to the document's own JSON Schema: what
//! is unknown goes to the payload, and what has the wrong type is named, all at once.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value};

use crate::domain::error::Problem;
use crate::domain::post::Payload;
use crate::transfer::document::Document;
use crate::transfer::schema::json_schema;

static SCHEMA: LazyLock<Value> = LazyLock::new(json_schema);

/// How values are taken that are not of the type the document wants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalars {
    /// As they are written.
    AsWritten,
    /// Numbers and truth values count as text where text is wanted: `title: 404` in YAML.
    AsText,
}

/// Makes a document of its keys. The error names every field that is wrong.
pub(super) fn document_from(
    mut fields: Payload,
    scalars: Scalars,
    inferred: &mut Vec<String>,
) -> Result<Document, String> {
    let mut reading = Reading {
        scalars,
        unknown: Vec::new(),
        invalid: Vec::new(),
        inferred,
    };
    for (key, value) in &fields {
        reading.refuse_nul(key, value);
    }
    reading.object("", &mut fields, &SCHEMA);
    reading.keep_unknown(&mut fields);
    if reading.invalid.is_empty() {
        return serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string());
    }
    let reasons: Vec<String> = reading.invalid.iter().map(ToString::to_string).collect();
    Err(reasons.join("; "))
}

struct Reading<'a> {
    scalars: Scalars,
    unknown: Vec<(String, Value)>,
    invalid: Vec<Problem>,
    inferred: &'a mut Vec<String>,
}

impl Reading<'_> {
    fn refuse_nul(&mut self, place: &str, value: &Value) {
        match value {
            Value::String(text) if text.contains('\0') => {
                self.refuse(place, "holds a NUL character; remove it");
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.refuse_nul(&format!("{place}[{index}]"), item);
                }
            }
            Value::Object(members) => {
                for (key, item) in members {
                    if key.contains('\0') {
                        self.refuse(place, "has a key with a NUL character; remove it");
                    }
                    self.refuse_nul(&format!("{place}.{key}"), item);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, place: &str, members: &mut Map<String, Value>, schema: &Value) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let names: Vec<String> = members.keys().cloned().collect();
        for name in names {
            let path = match place {
                "" => name.clone(),
                place => format!("{place}.{name}"),
            };
            let Some(property) = properties.get(&name) else {
                if let Some(value) = members.remove(&name) {
                    self.note_unknown(&path, &name, properties);
                    self.unknown.push((path, value));
                }
                continue;
            };
            if members.get(&name).is_some_and(Value::is_null) {
                members.remove(&name);
            } else if let Some(value) = members.get_mut(&name) {
                self.value(&path, value, property);
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                let path = format!("{place}.{name}");
                self.refuse(path.trim_start_matches('.'), "is missing; fill it in");
            }
        }
    }

    fn note_unknown(&mut self, path: &str, name: &str, properties: &Map<String, Value>) {
        let known = properties
            .keys()
            .find(|known| *known != "type" && spelled_alike(known, name));
        self.inferred.push(match known {
            Some(known) => {
                format!("`{path}` is not a key of a document (`{known}` is); kept in the payload")
            }
            None => format!("`{path}` is not a key of a document; kept in the payload"),
        });
    }

    fn value(&mut self, place: &str, value: &mut Value, schema: &Value) {
        let schema = resolve(schema, value);
        if let Some(variants) = schema.get("oneOf").and_then(Value::as_array) {
            let allowed: Vec<&Value> = variants.iter().filter_map(|one| one.get("const")).collect();
            if !allowed.contains(&&*value) {
                let names: Vec<String> = allowed
                    .iter()
                    .map(|one| format!("`{}`", plain(one)))
                    .collect();
                let reason = format!("`{}` must be one of {}", plain(value), names.join(", "));
                self.refuse(place, reason);
            }
            return;
        }
        match type_of(schema) {
            Some("string") => self.text(place, value, schema),
            Some("integer") => self.integer(place, value, schema),
            Some("boolean") if !value.is_boolean() => {
                self.refuse(place, format!("`{}` must be true or false", plain(value)));
            }
            Some("array") => match value {
                Value::Array(items) => {
                    let item_schema = schema.get("items").unwrap_or(&Value::Null);
                    for (index, item) in items.iter_mut().enumerate() {
                        self.value(&format!("{place}[{index}]"), item, item_schema);
                    }
                }
                other => self.refuse(place, format!("`{}` must be a list", plain(other))),
            },
            Some("object") => match value {
                Value::Object(members) => self.object(place, members, schema),
                other => self.refuse(
                    place,
                    format!("`{}` must be a mapping of keys to values", plain(other)),
                ),
            },
            _ => {}
        }
    }

    fn text(&mut self, place: &str, value: &mut Value, schema: &Value) {
        if self.scalars == Scalars::AsText && (value.is_number() || value.is_boolean()) {
            let text = plain(value);
            self.inferred.push(format!(
                "{place}: `{text}` is taken as text; quote it to be exact"
            ));
            *value = Value::String(text);
        }
        let Value::String(text) = value else {
            let reason = format!("`{}` must be text", plain(value));
            return self.refuse(place, reason);
        };
        let reason = match schema.get("format").and_then(Value::as_str) {
            Some("date-time") if DateTime::parse_from_rfc3339(text).is_err() => {
                "is not a time; write it as `2024-01-31T10:00:00Z`"
            }
            Some("date") if text.parse::<NaiveDate>().is_err() => {
                "is not a day; write it as `2024-01-31`"
            }
            _ => return,
        };
        let reason = format!("`{text}` {reason}");
        self.refuse(place, reason);
    }

    fn integer(&mut self, place: &str, value: &Value, schema: &Value) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
        let least = bound("minimum").unwrap_or(0);
        let most = bound("maximum").unwrap_or(match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => u64::from(u32::MAX),
            // Both databases count in signed 64-bit integers.
            _ => i64::MAX as u64,
        });
        if !value
            .as_u64()
            .is_some_and(|number| (least..=most).contains(&number))
        {
            self.refuse(
                place,
                format!(
                    "`{}` must be a whole number from {least} to {most}",
                    plain(value)
                ),
            );
        }
    }

    /// A key the document does not know is kept in the payload under its path.
    fn keep_unknown(&mut self, fields: &mut Payload) {
        if self.unknown.is_empty() {
            return;
        }
        let unknown = std::mem::take(&mut self.unknown);
        let payload = fields
            .entry("payload")
            .or_insert_with(|| Value::Object(Map::new()));
        // A payload that is no mapping has been refused already.
        let Some(payload) = payload.as_object_mut() else {
            return;
        };
        for (path, value) in unknown {
            if payload.get(&path).is_some_and(|there| *there != value) {
                self.refuse(
                    &path,
                    "is a key of the document and, with another value, of its payload; rename one",
                );
            } else {
                payload.insert(path, value);
            }
        }
    }

    fn refuse(&mut self, place: &str, reason: impl Into<String>) {
        self.invalid.push(Problem::invalid(place, reason));
    }
}

/// The schema that applies to a value: references followed, and of several alternatives the one
/// of the value's type.
fn resolve<'a>(schema: &'a Value, value: &Value) -> &'a Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = SCHEMA.pointer(reference.trim_start_matches('#'));
        return target.map_or(&Value::Null, |target| resolve(target, value));
    }
    let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) else {
        return schema;
    };
    let wanted = if value.is_object() {
        "object"
    } else {
        "string"
    };
    let resolved: Vec<&Value> = alternatives
        .iter()
        .map(|alternative| resolve(alternative, value))
        .filter(|alternative| type_of(alternative) != Some("null"))
        .collect();
    resolved
        .iter()
        .copied()
        .find(|alternative| type_of(alternative) == Some(wanted))
        .or_else(|| resolved.first().copied())
        .unwrap_or(&Value::Null)
}

/// The type a schema names, without the null that stands beside it for optional fields.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

/// Whether two keys differ in capitals, `_` and `-` alone: `view_count` and `viewCount`.
fn spelled_alike(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(|character| !matches!(character, '_' | '-'))
            .flat_map(char::to_lowercase)
            .collect()
    };
    letters(one) == letters(other)
}

/// A value as a reader would write it, cut when it is long.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
