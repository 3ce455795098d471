//! Page text: the text of a rendered field note, as it is copied from the page.
//!
//! The title, the article, the line `alphanode post meta`, the metadata, and what the page shows
//! below it (`Similar Posts`). `docs/import-formats.md` gives every rule.

mod body;
mod code;
mod escape;
mod labels;
mod metadata;
mod remainder;
mod values;

use super::finish::finish;
use super::{Parsed, Problem};
use crate::transfer::document::Document;

pub(super) use values::status;

const METADATA_LINE: &str = "alphanode post meta";
const PAGE_CHROME_LINE: &str = "similar posts";
const MAXIMUM_LINES: usize = 200_000;

/// A line of the page and its number.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: u64,
    text: &'a str,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    fn is(&self, words: &str) -> bool {
        self.text.trim().eq_ignore_ascii_case(words)
    }
}

/// Reads the one document of a page.
pub(super) fn read(text: &str) -> Result<Parsed, Problem> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let count = text.split('\n').count();
    if count > MAXIMUM_LINES {
        return Err(Problem::of_file(format!(
            "has {count} lines; a page has {MAXIMUM_LINES} at most"
        )));
    }
    let lines: Vec<Line<'_>> = (1..)
        .zip(text.split('\n'))
        .map(|(number, text)| Line { number, text })
        .collect();
    let mut inferred = Vec::new();

    let is_word = |line: &&Line<'_>| line.text.chars().any(char::is_alphanumeric);
    let Some(title) = lines.iter().find(is_word).copied() else {
        return Err(Problem::of_file("has no title: no line has a word in it"));
    };
    let before_title = lines.iter().take_while(|line| line.number < title.number);
    let mut junk = before_title.filter(|line| !line.is_blank());
    if let Some(first) = junk.next() {
        inferred.push(format!(
            "line {}: `{}` before the title is left out{}",
            first.number,
            first.text.trim(),
            match junk.count() {
                0 => String::new(),
                more => format!(", and {more} more line(s) without a word"),
            }
        ));
    }
    if title.is(METADATA_LINE) {
        return Err(Problem::at(
            title.number,
            "the metadata starts before there is a title; the title is the first line",
        ));
    }
    let content = &lines[title.number as usize..];
    // The metadata names the language that the code of the article above it is in.
    let mut inferred_below = Vec::new();
    let (article, metadata) = split_at_metadata(content, &mut inferred_below);

    let mut document = Document::default();
    title.text.trim().clone_into(&mut document.content.title);
    metadata::read(metadata, &mut document, &mut inferred_below)?;
    let language = document.content.code_language.as_deref();
    document.content.body = body::read(article, language, &mut inferred);
    inferred.append(&mut inferred_below);
    finish(document, title.number, inferred)
}

/// The lines of the article and those of the metadata, without what the page shows below.
fn split_at_metadata<'a, 'b>(
    lines: &'a [Line<'b>],
    inferred: &mut Vec<String>,
) -> (&'a [Line<'b>], &'a [Line<'b>]) {
    let Some(start) = lines.iter().position(|line| line.is(METADATA_LINE)) else {
        inferred.push(format!(
            "there is no line `{METADATA_LINE}`: the whole file is the article"
        ));
        return (lines, &[]);
    };
    let (article, metadata) = (&lines[..start], &lines[start + 1..]);
    let Some(end) = metadata.iter().position(|line| line.is(PAGE_CHROME_LINE)) else {
        return (article, metadata);
    };
    let left_out = metadata[end..].iter().filter(|line| !line.is_blank());
    inferred.push(format!(
        "line {}: `{}` starts what the page shows below the post; {} line(s) left out",
        metadata[end].number,
        metadata[end].text.trim(),
        left_out.count()
    ));
    (article, &metadata[..end])
}
