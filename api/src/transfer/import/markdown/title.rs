//! The title of a page that does not state it, and what its file name says.

use std::path::Path;

use chrono::NaiveDate;
use pulldown_cmark::{Event, HeadingLevel, Parser, Tag, TagEnd};
use serde_json::Value;

use super::Page;

/// What the name of a Markdown file says.
#[derive(Default)]
pub(super) struct FileName {
    /// The day in a Jekyll name, `2024-01-31-title.md`.
    pub day: Option<NaiveDate>,
    /// The rest of the name without its extension; the folder's for Hugo's `index.md`.
    pub name: Option<String>,
}

impl FileName {
    pub fn of(path: &Path) -> Self {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = match stem {
            Some("index" | "_index" | "page") => path
                .parent()
                .and_then(Path::file_name)
                .and_then(|name| name.to_str()),
            stem => stem,
        };
        let dated = name.and_then(|name| {
            let (day, rest) = (name.get(..10)?, name.get(10..)?);
            let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
            let rest = rest.strip_prefix('-').filter(|rest| !rest.is_empty())?;
            Some((day, rest))
        });
        match dated {
            Some((day, rest)) => Self {
                day: Some(day),
                name: Some(rest.to_owned()),
            },
            None => Self {
                day: None,
                name: name.map(str::to_owned),
            },
        }
    }
}

impl Page<'_> {
    /// Sees to it that there is a title; answers the body, without the heading that became it.
    pub(super) fn take_title(&mut self, body: &str, file_name: &FileName) -> String {
        if let Some((key, value)) = self
            .fields
            .get("title")
            .is_none()
            .then(|| self.take("title"))
            .flatten()
        {
            self.inferred.push(format!("`{key}` is taken as `title`"));
            self.fields.insert(String::from("title"), value);
        }
        if self.has("title") {
            return body.to_owned();
        }
        if let Some((title, range)) = first_heading(body) {
            self.inferred.push(format!(
                "the title `{title}` is the first heading of the body"
            ));
            self.fields
                .insert(String::from("title"), Value::String(title));
            let before = &body[..range.start];
            let after = body[range.end..].trim_start_matches('\n');
            return format!("{before}{after}");
        }
        if let Some(name) = &file_name.name {
            let title = name.replace(['-', '_'], " ");
            self.inferred
                .push(format!("the title `{title}` is the name of the file"));
            self.fields
                .insert(String::from("title"), Value::String(title));
        }
        body.to_owned()
    }
}

/// The text of the first heading of the first level, and where it stands.
fn first_heading(body: &str) -> Option<(String, std::ops::Range<usize>)> {
    let mut events = Parser::new(body).into_offset_iter();
    let is_first_level = |event: &Event<'_>| {
        matches!(
            event,
            Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            })
        )
    };
    let (_, range) = events.find(|(event, _)| is_first_level(event))?;
    let mut title = String::new();
    for (event, _) in events {
        match event {
            Event::End(TagEnd::Heading(_)) => break,
            Event::Text(text) | Event::Code(text) => title.push_str(&text),
            Event::SoftBreak | Event::HardBreak => title.push(' '),
            _ => {}
        }
    }
    let title = title.trim().to_owned();
    (!title.is_empty()).then_some((title, range))
}
