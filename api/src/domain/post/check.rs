//! What the values of a post must keep to, whoever writes them.

use std::collections::HashSet;

use serde_json::Value;

use super::content::Content;
use super::prepare::NewPost;
use crate::domain::error::Problem;
use crate::domain::markdown::{NESTING, is_nested_too_deep};
use crate::domain::slug::{MAXIMUM_SLUG_LENGTH, is_slug, slug_of};

/// How deep lists and mappings of the payload may be nested.
pub const MAXIMUM_NESTING: usize = 32;

const MAXIMUM_NAME_LENGTH: usize = 200;
const MAXIMUM_TITLE_LENGTH: usize = 500;
/// Characters of a summary, a brief, a note and the like.
const MAXIMUM_TEXT_LENGTH: usize = 20_000;
/// Bytes of a path, which an index of PostgreSQL must hold.
const MAXIMUM_PATH_LENGTH: usize = 2_000;
/// Items of a list.
const MAXIMUM_ITEMS: usize = 500;

impl Content {
    /// Everything that is wrong with the content, all at once; empty when nothing is.
    pub fn check(&self) -> Vec<Problem> {
        let mut invalid = Vec::new();
        if self.title.trim().is_empty() {
            invalid.push(Problem::invalid("title", "is missing; a post needs one"));
        } else if self.title.chars().count() > MAXIMUM_TITLE_LENGTH {
            invalid.push(Problem::invalid(
                "title",
                format!("is longer than {MAXIMUM_TITLE_LENGTH} characters; shorten it"),
            ));
        }
        if is_nested_too_deep(&self.body) {
            let message = format!(
                "has quotes, lists or elements of HTML nested more than {NESTING} deep; flatten them"
            );
            invalid.push(Problem::invalid("body", message));
        }
        self.check_texts(&mut invalid);
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

    fn check_texts(&self, invalid: &mut Vec<Problem>) {
        let outline = &self.outline;
        let texts = [
            ("summary", Some(&self.summary)),
            ("topic", self.topic.as_ref()),
            ("brief", self.brief.as_ref()),
            ("outline.context", outline.context.as_ref()),
            ("outline.problem", outline.problem.as_ref()),
            ("outline.stack", outline.stack.as_ref()),
            (
                "outline.recommendedAction",
                outline.recommended_action.as_ref(),
            ),
            ("seo.title", self.seo.title.as_ref()),
            ("seo.description", self.seo.description.as_ref()),
            ("seo.canonical", self.seo.canonical.as_ref()),
        ];
        for (field, text) in texts {
            if text.is_some_and(|text| text.chars().count() > MAXIMUM_TEXT_LENGTH) {
                invalid.push(Problem::invalid(
                    field,
                    format!("is longer than {MAXIMUM_TEXT_LENGTH} characters; shorten it"),
                ));
            }
        }
        let lists = [
            ("stack", self.stack.len()),
            ("tools", self.tools.len()),
            ("entities", self.entities.len()),
            ("checklist", self.checklist.len()),
            ("notes", self.notes.len()),
        ];
        for (field, items) in lists {
            if items > MAXIMUM_ITEMS {
                invalid.push(Problem::invalid(
                    field,
                    format!("has {items} items; {MAXIMUM_ITEMS} are the most"),
                ));
            }
        }
        // PostgreSQL can't store the character, and no text needs it.
        if self.texts().any(|text| text.contains('\0')) {
            invalid.push(Problem::invalid(
                "content",
                "holds a NUL character; remove it",
            ));
        }
    }

    /// Every text of the content but the payload, which is stored as JSON and escapes it.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let options = [
            self.slug.as_deref(),
            Some(&self.title),
            Some(&self.summary),
            self.topic.as_deref(),
            Some(&self.body),
            self.code_language.as_deref(),
            self.outline.context.as_deref(),
            self.outline.problem.as_deref(),
            self.outline.stack.as_deref(),
            self.outline.recommended_action.as_deref(),
            self.brief.as_deref(),
            self.seo.title.as_deref(),
            self.seo.description.as_deref(),
            self.seo.canonical.as_deref(),
        ];
        let entities = self.entities.iter();
        options
            .into_iter()
            .flatten()
            .chain(self.stack.iter().map(String::as_str))
            .chain(self.tools.iter().map(String::as_str))
            .chain(entities.flat_map(|entity| [entity.name.as_str(), entity.kind.as_str()]))
    }

    fn check_checklist(&self, invalid: &mut Vec<Problem>) {
        let mut ids = HashSet::new();
        for (index, item) in self.checklist.iter().enumerate() {
            check_present(format!("checklist[{index}].text"), &item.text, invalid);
            if !item.id.is_empty() && !ids.insert(&item.id) {
                invalid.push(Problem::invalid(
                    format!("checklist[{index}].id"),
                    format!(
                        "`{}` is the id of another step; leave it out to have one made",
                        item.id
                    ),
                ));
            }
        }
    }

    fn check_payload(&self, invalid: &mut Vec<Problem>) {
        for (key, value) in &self.payload {
            if key.chars().count() > MAXIMUM_NAME_LENGTH {
                let start: String = key.chars().take(40).collect();
                invalid.push(Problem::invalid(
                    format!("payload.{start}…"),
                    format!("the key is longer than {MAXIMUM_NAME_LENGTH} characters; shorten it"),
                ));
            } else if !is_within(value, MAXIMUM_NESTING) {
                invalid.push(Problem::invalid(
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

fn invalid_slug(slug: &str) -> Problem {
    let suggestion = match slug_of(slug) {
        suggestion if suggestion.is_empty() => String::new(),
        suggestion => format!(", e.g. `{suggestion}`"),
    };
    let start: String = slug.chars().take(80).collect();
    Problem::invalid(
        "slug",
        format!(
            "`{start}` is no slug: use lower-case letters, digits, `-`, `_` and `.`, \
             {MAXIMUM_SLUG_LENGTH} bytes at most{suggestion}"
        ),
    )
}

fn check_name(field: String, name: &str, invalid: &mut Vec<Problem>) {
    if name.chars().count() > MAXIMUM_NAME_LENGTH {
        invalid.push(Problem::invalid(
            field,
            format!("is longer than {MAXIMUM_NAME_LENGTH} characters; shorten it"),
        ));
    } else {
        check_present(field, name, invalid);
    }
}

fn check_present(field: String, text: &str, invalid: &mut Vec<Problem>) {
    if text.trim().is_empty() {
        invalid.push(Problem::invalid(
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

/// Checks the version of a revision.
pub(super) fn version(version: Option<&str>) -> Option<Problem> {
    let version = version?;
    semver::Version::parse(version).err().map(|error| {
        Problem::invalid(
            "revision.version",
            format!("`{version}` is no semantic version ({error}); write it like 1.3.9"),
        )
    })
}

/// Checks what belongs to the post itself.
pub(super) fn post(post: &NewPost) -> Vec<Problem> {
    let mut problems = Vec::new();
    let texts = [
        ("reference", &post.reference),
        ("sourceId", &post.source_id),
        ("generator", &post.generator),
        ("hash", &post.source_hash),
    ];
    for (field, text) in texts {
        let Some(text) = text else { continue };
        check_name(field.to_owned(), text, &mut problems);
        if text.contains('\0') {
            problems.push(Problem::invalid(field, "holds a NUL character; remove it"));
        }
    }
    if post.view_count < 0 {
        problems.push(Problem::invalid("viewCount", "can't be negative"));
    }
    for (index, path) in post.redirects.iter().enumerate() {
        if !path.starts_with('/') || path.contains('\0') || path.len() > MAXIMUM_PATH_LENGTH {
            problems.push(Problem::invalid(
                format!("redirects[{index}]"),
                format!(
                    "is no path of the site; begin it with /, {MAXIMUM_PATH_LENGTH} bytes at most"
                ),
            ));
        }
    }
    for score in &post.scores {
        let figures = [
            ("quality", score.quality),
            ("freshness", score.freshness),
            ("depth", score.depth),
            ("clarity", score.clarity),
        ];
        for (name, figure) in figures {
            if !(0..=100).contains(&figure) {
                problems.push(Problem::invalid(
                    format!("score.{name}"),
                    format!("is {figure}; give a whole number from 0 to 100"),
                ));
            }
        }
    }
    problems
}
