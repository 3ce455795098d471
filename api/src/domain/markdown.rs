//! Markdown to what readers get: HTML that is safe to put on a page, a table of contents, the plain
//! text that search reads, and its length.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use serde::{Deserialize, Serialize};

use super::slug::slug_of;

/// Words of prose an average reader takes in within a minute. Reading time is the number of words
/// outside code divided by it, rounded up, and one minute at least.
pub const WORDS_PER_MINUTE: u32 = 220;

/// A heading of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// The anchor in the HTML, unique within the body.
    pub id: String,
    /// 1 to 6.
    pub level: u8,
    /// Its text, without markup.
    pub text: String,
}

/// A body as readers get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Sanitised HTML.
    pub html: String,
    /// Every heading in order.
    pub table_of_contents: Vec<Heading>,
    /// Text without markup, code included.
    pub text: String,
    /// Words outside code.
    pub word_count: u32,
}

impl Rendered {
    /// Minutes to read, by [`WORDS_PER_MINUTE`].
    pub fn reading_minutes(&self) -> u32 {
        self.word_count.div_ceil(WORDS_PER_MINUTE).max(1)
    }
}

/// CommonMark with tables, footnotes, strike-through and task lists.
pub(in crate::domain) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS);

/// How deep quotes and lists may be nested on one line of a body, and elements of raw HTML within
/// each other.
pub const NESTING: usize = 100;

/// Whether something in a body is nested deeper than [`NESTING`]. Parsing and sanitising take time
/// that grows with the square of it, and no reader gets that far.
pub fn is_nested_too_deep(markdown: &str) -> bool {
    markdown.lines().any(|line| containers(line) > NESTING) || open_elements(markdown) > NESTING
}

/// How many quotes and lists a line begins.
fn containers(line: &str) -> usize {
    let mut rest = line.trim_start();
    let mut count = 0;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let marker = match rest.as_bytes() {
            [b'>', ..] => 1,
            [b'-' | b'*' | b'+', b' ' | b'\t', ..] => 1,
            bytes if digits > 0 && matches!(bytes.get(digits), Some(b'.' | b')')) => digits + 1,
            _ => return count,
        };
        count += 1;
        rest = rest[marker..].trim_start();
    }
}

/// Elements that need no end.
const ENDED_BY_THEMSELVES: [&str; 16] = [
    "br", "col", "dd", "dt", "hr", "img", "input", "li", "option", "p", "source", "td", "th", "tr",
    "track", "wbr",
];

/// How many elements of raw HTML are open at once at most, whatever their names are; 0 where there
/// can't be more than [`NESTING`].
fn open_elements(markdown: &str) -> usize {
    // Most bodies have too few tags to be worth reading for them.
    if markdown.matches('<').count() <= NESTING {
        return 0;
    }
    let (mut open, mut most) = (0_usize, 0);
    for event in Parser::new_ext(markdown, OPTIONS) {
        let (Event::Html(html) | Event::InlineHtml(html)) = event else {
            continue;
        };
        for tag in html.split('<').skip(1) {
            if tag.starts_with('/') {
                open = open.saturating_sub(1);
            } else if begins_element(tag) {
                open += 1;
                most = most.max(open);
            }
        }
    }
    most
}

/// Whether what follows a `<` begins an element that must be ended.
fn begins_element(tag: &str) -> bool {
    let end = tag.find(|letter: char| !letter.is_ascii_alphanumeric());
    let name = tag[..end.unwrap_or(tag.len())].to_ascii_lowercase();
    let ends_itself = tag.split('>').next().is_some_and(|tag| tag.ends_with('/'));
    tag.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && !ends_itself
        && !ENDED_BY_THEMSELVES.contains(&name.as_str())
}

/// Whether a body shows an image, by Markdown or by an `<img>` of its own.
pub fn has_images(markdown: &str) -> bool {
    let mut events = Parser::new_ext(markdown, OPTIONS);
    events.any(|event| match event {
        Event::Start(Tag::Image { .. }) => true,
        Event::Html(html) | Event::InlineHtml(html) => html
            .as_bytes()
            .windows(4)
            .any(|start| start.eq_ignore_ascii_case(b"<img")),
        _ => false,
    })
}

/// Renders a body as HTML. Raw HTML is kept as far as it is harmless; scripts, styles, event
/// handlers and foreign ids are dropped.
pub fn render(markdown: &str) -> Rendered {
    let mut events: Vec<Event> = Parser::new_ext(markdown, OPTIONS).collect();
    let mut ids = HashSet::new();
    let table_of_contents = anchor_headings(&mut events, &mut ids);
    for event in &events {
        if let Event::Start(Tag::FootnoteDefinition(name)) = event {
            ids.insert(name.to_string());
        }
    }
    let (text, word_count) = plain_text(&events);
    let mut raw = String::with_capacity(markdown.len() * 3 / 2);
    html::push_html(&mut raw, events.into_iter());
    Rendered {
        html: sanitise(&raw, ids),
        table_of_contents,
        text,
        word_count,
    }
}

/// Gives each heading an id made from its text; a repeated one gets a number.
fn anchor_headings<'a>(events: &mut [Event<'a>], ids: &mut HashSet<String>) -> Vec<Heading> {
    let mut headings = Vec::new();
    let mut numbers = HashMap::new();
    let mut open: Option<(usize, HeadingLevel, String)> = None;
    for index in 0..events.len() {
        match &events[index] {
            Event::Start(Tag::Heading { level, .. }) => open = Some((index, *level, String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, _, heading)) = &mut open {
                    heading.push_str(text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let Some((start, level, text)) = open.take() else {
                    continue;
                };
                let id = unique_id(&slug_of(&text), ids, &mut numbers);
                if let Event::Start(Tag::Heading { id: anchor, .. }) = &mut events[start] {
                    *anchor = Some(CowStr::from(id.clone()));
                }
                headings.push(Heading {
                    id,
                    level: level as u8,
                    text,
                });
            }
            _ => {}
        }
    }
    headings
}

/// The slug, or the slug with the next number that nobody has. `numbers` remembers where to go on,
/// so that twenty thousand headings of one name take no longer than as many different ones.
fn unique_id(
    slug: &str,
    ids: &mut HashSet<String>,
    numbers: &mut HashMap<String, usize>,
) -> String {
    let slug = if slug.is_empty() { "section" } else { slug };
    let number = numbers.entry(slug.to_owned()).or_insert(0);
    loop {
        *number += 1;
        let id = match *number {
            1 => slug.to_owned(),
            further => format!("{slug}-{further}"),
        };
        if ids.insert(id.clone()) {
            return id;
        }
    }
}

fn plain_text(events: &[Event]) -> (String, u32) {
    let mut text = String::new();
    let mut words = 0;
    let mut in_code = false;
    for event in events {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => {
                in_code = false;
                text.push('\n');
            }
            Event::Text(part) | Event::Code(part) => {
                if !in_code {
                    words += part.split_whitespace().count();
                }
                text.push_str(part);
            }
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableCell,
            ) => text.push('\n'),
            _ => {}
        }
    }
    (text, u32::try_from(words).unwrap_or(u32::MAX))
}

/// Keeps what belongs on a page. An id survives only when it is one we made, so that raw HTML can't
/// take over names that scripts of the page look up.
fn sanitise(raw: &str, ids: HashSet<String>) -> String {
    let ids = Arc::new(ids);
    let mut builder = ammonia::Builder::default();
    builder
        .add_tags(["input", "section"])
        .add_generic_attributes(["id"])
        .add_tag_attributes("code", ["class"])
        .add_tag_attributes("div", ["class"])
        .add_tag_attributes("sup", ["class"])
        .add_tag_attributes("input", ["type", "checked", "disabled"])
        .add_tag_attributes("img", ["loading"])
        .link_rel(Some("noopener noreferrer"))
        .attribute_filter(move |element, attribute, value| {
            let keep = match (element, attribute) {
                (_, "id") => ids.contains(value),
                ("code", "class") => value.starts_with("language-"),
                ("div", "class") => value == "footnote-definition",
                ("sup", "class") => {
                    matches!(value, "footnote-reference" | "footnote-definition-label")
                }
                ("input", "type") => value == "checkbox",
                _ => true,
            };
            keep.then(|| value.into())
        });
    builder.clean(raw).to_string()
}
