//! What a rule must be like.

use std::collections::BTreeSet;

use super::condition::{BypassCondition, ConditionKind};
use super::example::{Example, Header};
use super::rule::CacheRule;
use super::set::OperationKind;
use crate::domain::error::{Problem, ProblemCode};

/// The longest name, in bytes: several of them have to fit into a header.
const NAME_LENGTH: usize = 60;
/// Characters of purpose, expected result and rollback note.
const TEXT_LENGTH: usize = 2_000;
/// Characters of a reason, of the name of an example, of a value.
pub(super) const LINE_LENGTH: usize = 200;
/// The longest path, in bytes.
const PATH_LENGTH: usize = 500;
/// The longest age: a year, in seconds. HTTP knows no longer one.
const LONGEST_AGE: u32 = 365 * 24 * 60 * 60;
/// Root fields, paths, conditions and examples of a rule; headers of an example.
const MOST_ITEMS: usize = 100;

/// Everything that is wrong with a rule, all at once. `known` are the fields at the root of queries.
pub(super) fn problems(
    rule: &CacheRule,
    others: &[&CacheRule],
    known: &BTreeSet<String>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(name(&rule.name));
    if others.iter().any(|other| other.name == rule.name) {
        let message = format!(
            "there is a rule `{}` already; choose another name",
            rule.name
        );
        problems.push(Problem::new(ProblemCode::Taken, "name", message));
    }
    if rule.purpose.is_empty() {
        let message = "is missing; say why the rule exists, for whoever finds it at night";
        problems.push(Problem::invalid("purpose", message));
    }
    for (field, text) in [
        ("purpose", Some(&rule.purpose)),
        ("expectedResult", rule.expected_result.as_ref()),
        ("rollbackNote", rule.rollback_note.as_ref()),
    ] {
        problems.extend(text.and_then(|text| long_text(field, text)));
    }
    for (field, count) in [
        ("rootFields", rule.root_fields.len()),
        ("paths", rule.paths.len()),
        ("bypass", rule.bypass.len()),
        ("examples", rule.examples.len()),
    ] {
        if count > MOST_ITEMS {
            let message = format!("has {count} items; {MOST_ITEMS} are the most");
            problems.push(Problem::invalid(field, message));
        }
    }
    if rule.root_fields.is_empty() && rule.paths.is_empty() {
        let message = "names nothing, and neither do `paths`; name a field or a path";
        problems.push(Problem::invalid("rootFields", message));
    }
    problems.extend(unknown_fields(&rule.root_fields, "rootFields", known));
    for (index, path) in rule.paths.iter().enumerate() {
        problems.extend(page(&format!("paths[{index}]"), path, false));
    }
    problems.extend(ages(rule));
    for (index, condition) in rule.bypass.iter().enumerate() {
        let field = format!("bypass[{index}]");
        problems.extend(bypass(condition, &field, !rule.paths.is_empty()));
    }
    if rule.examples.is_empty() {
        let message = "is empty; give at least one request that must be kept, or must not";
        problems.push(Problem::invalid("examples", message));
    }
    for (index, one) in rule.examples.iter().enumerate() {
        problems.extend(example(one, &format!("examples[{index}]"), known));
    }
    problems
}

fn name(name: &str) -> Option<Problem> {
    let is_letter = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit();
    let is_good = name.len() <= NAME_LENGTH
        && name.starts_with(is_letter)
        && name.ends_with(is_letter)
        && name.chars().all(|one| is_letter(one) || one == '-');
    let message = format!(
        "must be letters a to z, digits and hyphens, such as `published-content`, at most \
         {NAME_LENGTH} of them"
    );
    (!is_good).then(|| Problem::invalid("name", message))
}

fn ages(rule: &CacheRule) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (field, age) in [
        ("maxAge", rule.max_age),
        ("sharedMaxAge", rule.shared_max_age),
        ("staleWhileRevalidate", rule.stale_while_revalidate),
    ] {
        if age > LONGEST_AGE {
            let message = format!("is more than a year; {LONGEST_AGE} seconds are the most");
            problems.push(Problem::invalid(field, message));
        }
    }
    if rule.store && rule.shared_max_age == 0 {
        let message = "is needed: for how many seconds shared caches may keep an answer; for a rule \
                       that says never, set `store` to false";
        problems.push(Problem::invalid("sharedMaxAge", message));
    } else if rule.max_age > rule.shared_max_age {
        let message = "is longer than `sharedMaxAge`; shared caches can be purged and browsers can't, \
                       so let them keep it no longer";
        problems.push(Problem::invalid("maxAge", message));
    }
    problems
}

fn unknown_fields(fields: &[String], path: &str, known: &BTreeSet<String>) -> Vec<Problem> {
    let fields = fields.iter().enumerate();
    let unknown = fields.filter(|(_, field)| !known.contains(*field));
    unknown
        .map(|(index, field)| {
            let message = format!("queries have no field `{field}` at their root");
            Problem::invalid(format!("{path}[{index}]"), message)
        })
        .collect()
}

/// A path of a page, or a pattern of such, which has no query.
fn page(field: &str, path: &str, with_query: bool) -> Option<Problem> {
    let is_strange = |one: char| {
        one.is_whitespace() || one.is_control() || one == '#' || (one == '?' && !with_query)
    };
    let message = if !path.starts_with('/') {
        "must begin with `/`".to_owned()
    } else if path.len() > PATH_LENGTH {
        format!("is longer than {PATH_LENGTH} bytes; shorten it")
    } else if path.contains(is_strange) {
        let query = if with_query { "" } else { ", no `?`" };
        format!("must hold no white space, no `#`{query}")
    } else {
        return None;
    };
    Some(Problem::invalid(field, message))
}

fn bypass(condition: &BypassCondition, field: &str, has_paths: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    match condition.kind {
        ConditionKind::Header | ConditionKind::Cookie => {
            problems.extend(token(&format!("{field}.name"), &condition.name));
        }
        ConditionKind::Parameter => {
            problems.extend(line(&format!("{field}.name"), &condition.name, true));
            if !has_paths {
                let message = "looks at the address of a page, and the rule names none; name `paths`, \
                               or look at a header";
                problems.push(Problem::invalid(format!("{field}.kind"), message));
            }
        }
    }
    let value = condition.value.as_ref();
    problems.extend(value.and_then(|value| line(&format!("{field}.value"), value, false)));
    problems.extend(line(&format!("{field}.reason"), &condition.reason, true));
    problems
}

fn example(example: &Example, field: &str, known: &BTreeSet<String>) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(line(&format!("{field}.name"), &example.name, true));
    match &example.path {
        None if example.root_fields.is_empty() => {
            let message = "is empty; name the fields at the root of an operation, or a `path`";
            problems.push(Problem::invalid(format!("{field}.rootFields"), message));
        }
        None => {
            let fields = format!("{field}.rootFields");
            if example.operation == OperationKind::Query {
                problems.extend(unknown_fields(&example.root_fields, &fields, known));
            }
            if example.root_fields.len() > MOST_ITEMS {
                let message = format!("has more than {MOST_ITEMS} items");
                problems.push(Problem::invalid(fields, message));
            }
        }
        Some(path) => {
            if !example.root_fields.is_empty() {
                let message = "is a page, and names root fields as well; leave one of them out";
                problems.push(Problem::invalid(format!("{field}.path"), message));
            }
            problems.extend(page(&format!("{field}.path"), path, true));
        }
    }
    if example.headers.len() > MOST_ITEMS {
        let message = format!("has more than {MOST_ITEMS} items");
        problems.push(Problem::invalid(format!("{field}.headers"), message));
    }
    for (index, Header { name, value }) in example.headers.iter().enumerate() {
        let field = format!("{field}.headers[{index}]");
        problems.extend(token(&format!("{field}.name"), name));
        problems.extend(line(&format!("{field}.value"), value, false));
    }
    problems
}

/// The name of a header or a cookie.
fn token(field: &str, text: &str) -> Option<Problem> {
    let is_token = |one: char| one.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(one);
    let is_good = !text.is_empty() && text.len() <= LINE_LENGTH && text.chars().all(is_token);
    let message = "must be the name of a header or a cookie: letters, digits and hyphens";
    (!is_good).then(|| Problem::invalid(field, message))
}

/// A text of one line.
pub(super) fn line(field: &str, text: &str, required: bool) -> Option<Problem> {
    let message = if required && text.is_empty() {
        "is missing".to_owned()
    } else if text.chars().count() > LINE_LENGTH {
        format!("is longer than {LINE_LENGTH} characters; shorten it")
    } else if text.chars().any(char::is_control) {
        "holds line breaks or other control characters; remove them".to_owned()
    } else {
        return None;
    };
    Some(Problem::invalid(field, message))
}

fn long_text(field: &str, text: &str) -> Option<Problem> {
    let message = if text.chars().count() > TEXT_LENGTH {
        format!("is longer than {TEXT_LENGTH} characters; shorten it")
    } else if text.contains('\0') {
        // PostgreSQL can't store the character, and no text needs it.
        "holds a NUL character; remove it".to_owned()
    } else {
        return None;
    };
    Some(Problem::invalid(field, message))
}
