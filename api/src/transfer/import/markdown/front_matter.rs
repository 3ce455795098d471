//! Where the front matter of a Markdown file ends, and the values in it.

use serde_json::{Map, Value};

use crate::domain::post::{MAXIMUM_NESTING, Payload};
use crate::transfer::import::{MAXIMUM_DOCUMENT_BYTES, Problem};

/// What front matter is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Yaml,
    Toml,
}

/// A Markdown file cut in two.
pub(super) struct Split<'a> {
    /// The front matter and its syntax, where there is one.
    pub front_matter: Option<(Syntax, &'a str)>,
    /// What follows.
    pub body: &'a str,
}

/// Cuts the front matter off. One empty line after it, and the line break at the end of the
/// file, belong to the file and not to the body.
pub(super) fn split(text: &str) -> Result<Split<'_>, Problem> {
    let Some((syntax, mark, rest)) = opening(text) else {
        return Ok(Split {
            front_matter: None,
            body: text.strip_suffix('\n').unwrap_or(text),
        });
    };
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        let is_closing = match line.trim_end() {
            "..." => syntax == Syntax::Yaml && line.starts_with("..."),
            other => other == mark,
        };
        if is_closing {
            let body = &rest[end + line.len()..];
            let body = body.strip_prefix('\n').unwrap_or(body);
            return Ok(Split {
                front_matter: Some((syntax, &rest[..end])),
                body: body.strip_suffix('\n').unwrap_or(body),
            });
        }
        end += line.len();
    }
    Err(Problem::at(
        1,
        format!("the front matter is not closed; end it with a line `{mark}`"),
    ))
}

fn opening(text: &str) -> Option<(Syntax, &'static str, &str)> {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match first.trim_end() {
        "---" => Some((Syntax::Yaml, "---", rest)),
        "+++" => Some((Syntax::Toml, "+++", rest)),
        _ => None,
    }
}

/// The keys and values of front matter. It starts on line 2 of the file.
pub(super) fn parse(syntax: Syntax, text: &str) -> Result<Payload, Problem> {
    let value = match syntax {
        Syntax::Yaml => yaml(text)?,
        Syntax::Toml => toml(text)?,
    };
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        _ => Err(Problem::at(
            2,
            "the front matter must be keys and values: `title: …`",
        )),
    }
}

fn yaml(text: &str) -> Result<Value, Problem> {
    if text
        .lines()
        .all(|line| line.trim().is_empty() || line.starts_with('#'))
    {
        return Ok(Value::Null);
    }
    serde_saphyr::from_str_with_options(text, yaml_options()).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let reason = error.without_snippet().to_string();
        let reason = match reason.lines().next().unwrap_or_default() {
            budget if budget.contains("budget") => {
                "it repeats itself by aliases, is nested or is long beyond what is read; write it \
                 out, and shorter"
            }
            reason => reason,
        };
        Problem::at(
            line + 1,
            format!("the front matter is not valid YAML: {reason}"),
        )
    })
}

/// How front matter is read: values as YAML 1.2 has them, in bounded time and memory.
pub(in crate::transfer) fn yaml_options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        // Aliases count each time they are used: a file that repeats itself by them ends here
        // after as much as a file that writes everything out.
        budget: serde_saphyr::budget! {
            // Earlier revisions lie three levels deep, with the payload below them.
            max_depth: MAXIMUM_NESTING + 8,
            flow_nesting_limit: MAXIMUM_NESTING + 8,
            // Long enough for the longest key of a payload with every character escaped.
            simple_key_max_lookahead: 4096,
            max_aliases: 200,
            max_anchors: 200,
            max_recorded_anchor_events: 20_000,
            max_recorded_anchor_bytes: 1024 * 1024,
            max_total_scalar_bytes: MAXIMUM_DOCUMENT_BYTES,
            max_documents: 1,
            max_merge_keys: 100,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 100,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        strict_booleans: true,
        emit_comments: false,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn toml(text: &str) -> Result<Value, Problem> {
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(from_toml(toml::Value::Table(table))),
        Err(error) => {
            let before = error.span().map_or("", |span| &text[..span.start]);
            let line = before.matches('\n').count() as u64 + 2;
            let reason = format!("the front matter is not valid TOML: {}", error.message());
            Err(Problem::at(line, reason))
        }
    }
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map_or_else(|| Value::from(number.to_string()), Value::Number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(time) => Value::from(time.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(key, value)| (key, from_toml(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
