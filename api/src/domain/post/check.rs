//! What a post's values must be. All problems of an input are found at once, and each says how to
//! put it right.

use semver::Version;

use super::content::Content;
use super::prepare::NewPost;
use crate::domain::error::{Problem, ProblemCode};
use crate::domain::slug::is_slug;
use crate::domain::taxonomy::NAME_LENGTH;

const TITLE: usize = 300;
const LINE: usize = 1_000;
const PARAGRAPH: usize = 10_000;
const BODY: usize = 4 * 1024 * 1024;
const PAYLOAD: usize = 256 * 1024;
const ITEMS: usize = 200;

/// Checks what a revision freezes.
pub(super) fn content(content: &Content) -> Vec<Problem> {
    let mut check = Check::default();
    check.required("title", &content.title);
    check.text("title", &content.title, TITLE);
    check.text("summary", &content.summary, PARAGRAPH);
    check.text("body", &content.body, BODY);
    if let Some(slug) = &content.slug
        && !is_slug(slug)
    {
        check.add(
            ProblemCode::Invalid,
            "slug",
            format!("`{slug}` is no slug; use lower-case letters, digits and hyphens, e.g. `background-jobs-nextjs`"),
        );
    }
    check.optional("topic", content.topic.as_deref(), LINE);
    check.optional("codeLanguage", content.code_language.as_deref(), 50);
    check.optional("brief", content.brief.as_deref(), PARAGRAPH);
    let outline = &content.outline;
    check.optional("outline.context", outline.context.as_deref(), LINE);
    check.optional("outline.problem", outline.problem.as_deref(), LINE);
    check.optional("outline.stack", outline.stack.as_deref(), LINE);
    check.optional(
        "outline.recommendedAction",
        outline.recommended_action.as_deref(),
        LINE,
    );
    check.optional("seo.title", content.seo.title.as_deref(), TITLE);
    check.optional(
        "seo.description",
        content.seo.description.as_deref(),
        PARAGRAPH,
    );
    check.optional("seo.canonical", content.seo.canonical.as_deref(), LINE);
    if let Some(url) = &content.seo.canonical
        && !(url.starts_with("https://") || url.starts_with("http://"))
    {
        check.add(
            ProblemCode::Invalid,
            "seo.canonical",
            format!("`{url}` is no absolute URL; begin it with https://"),
        );
    }
    check.names("stack", &content.stack);
    check.names("tools", &content.tools);
    let entities: Vec<String> = content.entities.iter().map(|e| e.name.clone()).collect();
    check.names("entities", &entities);
    for (index, entity) in content.entities.iter().enumerate() {
        let path = format!("entities.{index}.type");
        check.required(&path, &entity.kind);
        check.text(&path, &entity.kind, NAME_LENGTH);
    }
    check.items("notes", content.notes.len());
    for (index, note) in content.notes.iter().enumerate() {
        check.text(&format!("notes.{index}"), note, PARAGRAPH);
    }
    check.checklist(content);
    let payload = serde_json::to_string(&content.payload).unwrap_or_default();
    if payload.len() > PAYLOAD {
        check.add(
            ProblemCode::TooLong,
            "payload",
            format!(
                "is {} bytes as JSON; shorten it to {PAYLOAD}",
                payload.len()
            ),
        );
    }
    check.problems
}

/// Checks the version of a revision.
pub(super) fn version(version: Option<&str>) -> Option<Problem> {
    let version = version?;
    Version::parse(version).err().map(|error| {
        Problem::new(
            ProblemCode::Invalid,
            "revision.version",
            format!("`{version}` is no semantic version ({error}); write it like 1.3.9"),
        )
    })
}

/// Checks what belongs to the post itself.
pub(super) fn post(post: &NewPost) -> Vec<Problem> {
    let mut check = Check::default();
    if post.revisions.is_empty() {
        check.add(
            ProblemCode::Required,
            "revisions",
            "give at least one revision".into(),
        );
    }
    check.optional("reference", post.reference.as_deref(), NAME_LENGTH);
    check.optional("sourceId", post.source_id.as_deref(), LINE);
    check.optional("generator", post.generator.as_deref(), LINE);
    check.optional("hash", post.source_hash.as_deref(), LINE);
    if post.view_count < 0 {
        check.add(
            ProblemCode::Invalid,
            "viewCount",
            "can't be negative".into(),
        );
    }
    for (index, path) in post.redirects.iter().enumerate() {
        let field = format!("redirects.{index}");
        check.text(&field, path, LINE);
        if !path.starts_with('/') {
            check.add(
                ProblemCode::Invalid,
                &field,
                format!("`{path}` is no path of the site; begin it with /"),
            );
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
                check.add(
                    ProblemCode::Invalid,
                    &format!("score.{name}"),
                    format!("is {figure}; give a whole number from 0 to 100"),
                );
            }
        }
    }
    check.problems
}

#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

impl Check {
    fn add(&mut self, code: ProblemCode, path: &str, message: String) {
        self.problems.push(Problem::new(code, path, message));
    }

    fn required(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(ProblemCode::Required, path, "can't be empty".into());
        }
    }

    fn text(&mut self, path: &str, text: &str, longest: usize) {
        if text.len() > longest {
            self.add(
                ProblemCode::TooLong,
                path,
                format!("is {} bytes long; shorten it to {longest}", text.len()),
            );
        }
        if let Some(position) = text.find('\0') {
            self.add(
                ProblemCode::Invalid,
                path,
                format!("has a NUL character at byte {position}; remove it"),
            );
        }
    }

    fn optional(&mut self, path: &str, text: Option<&str>, longest: usize) {
        if let Some(text) = text {
            self.text(path, text, longest);
        }
    }

    fn items(&mut self, path: &str, count: usize) {
        if count > ITEMS {
            self.add(
                ProblemCode::TooLong,
                path,
                format!("has {count} items; {ITEMS} are the most"),
            );
        }
    }

    fn names(&mut self, path: &str, names: &[String]) {
        self.items(path, names.len());
        for (index, name) in names.iter().enumerate() {
            let path = format!("{path}.{index}");
            self.required(&path, name);
            self.text(&path, name, NAME_LENGTH);
        }
    }

    fn checklist(&mut self, content: &Content) {
        self.items("checklist", content.checklist.len());
        let mut ids = std::collections::HashSet::new();
        for (index, item) in content.checklist.iter().enumerate() {
            let text = format!("checklist.{index}.text");
            self.required(&text, &item.text);
            self.text(&text, &item.text, LINE);
            let id = format!("checklist.{index}.id");
            self.required(&id, &item.id);
            self.text(&id, &item.id, NAME_LENGTH);
            if !ids.insert(&item.id) {
                self.add(
                    ProblemCode::Taken,
                    &id,
                    format!(
                        "`{}` is the id of an earlier item; give each its own",
                        item.id
                    ),
                );
            }
        }
    }
}
