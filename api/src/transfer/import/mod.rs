//! Import: files become documents, and [`run()`] makes posts of them. Every format hands its documents over one by one, with what
//! it inferred, and goes on after a document it cannot read.
//!
//! `docs/import-formats.md` is the manual; a new format is a file here, a [`Format`], and its
//! extension in [`Format::of`].

mod batch;
mod dates;
mod fields;
mod files;
mod finish;
mod json;
mod json_split;
mod markdown;
mod origin;
mod page_text;
mod rest;
mod review;
mod run;
mod source;
mod stored;
mod strict_json;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::document::Document;
pub use crate::domain::import::Format;
use rest::Rest;
use source::Source;

pub use files::{MissingPath, find_files};
pub(super) use markdown::yaml_options;
pub use origin::Origin;
pub use run::{ImportEvent, ImportOptions, ImportReport, carry_out, run};

/// The largest document, in bytes of its file: 8 MiB. Longer ones are skipped without being held
/// in memory, and reported.
pub const MAXIMUM_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;

/// What reading depends on besides the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportContext {
    /// The time of the import: a page dated after it is not published yet.
    pub now: DateTime<Utc>,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The document; it has passed [`Document::check`].
    pub document: Document,
    /// The line of the file it starts on, counted from 1.
    pub line: u64,
    /// What the format left open and the import decided, a sentence each.
    pub inferred: Vec<String>,
}

/// Why a document, or the rest of a file, could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, counted from 1, where there is one.
    pub line: Option<u64>,
    /// What is wrong and how to put it right.
    pub reason: String,
}

impl Problem {
    fn at(line: u64, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            reason: reason.into(),
        }
    }

    fn of_file(reason: impl Into<String>) -> Self {
        Self {
            line: None,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "line {line}: {}", self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Problem {}

/// What takes the documents of a file, one by one. It breaks to stop reading.
pub type Each<'a> = dyn FnMut(Result<Parsed, Problem>) -> ControlFlow<()> + 'a;

/// Reads the documents of a file, one by one. A document that cannot be read is handed over as a
/// [`Problem`], and reading goes on with the next where the format allows. Breaks when `each`
/// does.
pub fn read_file(
    path: &Path,
    format: Format,
    context: &ImportContext,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    match File::open(path) {
        Ok(file) => {
            let mut input = BufReader::with_capacity(64 * 1024, file);
            read_from(&mut input, path, format, context, each)
        }
        Err(error) => each(Err(Problem::of_file(format!("cannot be opened: {error}")))),
    }
}

/// Reads documents as [`read_file`] does, from bytes that are already open; the path gives the
/// format and, for Markdown, what its name says.
pub fn read_from(
    input: &mut dyn BufRead,
    path: &Path,
    format: Format,
    context: &ImportContext,
    each: &mut Each<'_>,
) -> ControlFlow<()> {
    read_rest(input, path, format, context, &mut Rest::new(0, each))
}

/// Reads documents as [`read_from`] does, but for the first ones, which are passed over.
fn read_rest(
    input: &mut dyn BufRead,
    path: &Path,
    format: Format,
    context: &ImportContext,
    rest: &mut Rest<'_, '_>,
) -> ControlFlow<()> {
    let mut source = match Source::start(input) {
        Ok(source) => source,
        Err(problem) => return rest.give(|| Err(problem)),
    };
    let format = match format {
        Format::Auto => Format::of(path).unwrap_or_else(|| Format::of_content(source.beginning())),
        given => given,
    };
    match format {
        Format::Json => json::read_json(&mut source, rest),
        Format::Ndjson => json::read_ndjson(&mut source, rest),
        Format::Markdown => rest.give(|| {
            let text = source.read_whole()?;
            markdown::read(&text, path, context)
        }),
        Format::PageText | Format::Auto => rest.give(|| {
            let text = source.read_whole()?;
            page_text::read(&text)
        }),
    }
}

impl Format {
    /// The format a file's extension stands for, if it is a known one.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" | "text" => Some(Self::PageText),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "md" | "markdown" | "mdx" => Some(Self::Markdown),
            _ => None,
        }
    }

    /// The format of a file whose name does not say: JSON when it starts with `[` or `{` (one
    /// document a line when the first line closes what it opens and another follows), Markdown
    /// when it starts with front matter, page text otherwise.
    fn of_content(beginning: &[u8]) -> Self {
        let beginning = beginning.trim_ascii_start();
        if beginning.starts_with(b"---") || beginning.starts_with(b"+++") {
            return Self::Markdown;
        }
        if beginning.starts_with(b"[") {
            return Self::Json;
        }
        if !beginning.starts_with(b"{") {
            return Self::PageText;
        }
        let mut lines = beginning.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default().trim_ascii_end();
        let second = lines.next().unwrap_or_default().trim_ascii_start();
        if first.ends_with(b"}") && second.starts_with(b"{") {
            Self::Ndjson
        } else {
            Self::Json
        }
    }
}
