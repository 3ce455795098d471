//! JSON and NDJSON: documents with the keys of [`Document`](crate::transfer::Document).

use std::ops::ControlFlow;

use serde_json::Value;

use super::fields::{Scalars, document_from};
use super::finish::finish;
use super::json_split::{Found, JsonSplitter, MAXIMUM_NAMED_KEYS};
use super::rest::Rest;
use super::source::{Piece, Source};
use super::strict_json::Strict;
use super::{Parsed, Problem};

/// Reads a document a line. Blank lines count for nothing.
pub(super) fn read_ndjson(source: &mut Source<'_>, rest: &mut Rest<'_, '_>) -> ControlFlow<()> {
    let mut any = false;
    loop {
        match source.read_line() {
            Ok(Some(line)) if line.is_blank() => {}
            Ok(Some(line)) => {
                any = true;
                rest.give(|| read_document(&line))?;
            }
            Ok(None) if any => return ControlFlow::Continue(()),
            Ok(None) => return rest.give(|| Err(Problem::of_file("holds nothing but blanks"))),
            Err(problem) => return rest.give(|| Err(problem)),
        }
    }
}

/// Reads one document, an array of them, or the array `posts` of an object.
pub(super) fn read_json(source: &mut Source<'_>, rest: &mut Rest<'_, '_>) -> ControlFlow<()> {
    let mut splitter = JsonSplitter::new(source);
    // The keys beside `posts` are known when the file has been read: the last document says so.
    let mut last: Option<Parsed> = None;
    let mut others: Vec<String> = Vec::new();
    loop {
        match splitter.next() {
            Ok(None) => break,
            Ok(Some(Found::Document(piece))) => {
                if rest.passes_over() {
                    continue;
                }
                if let Some(parsed) = last.take() {
                    rest.give_wanted(Ok(parsed))?;
                }
                match read_document(&piece) {
                    Ok(parsed) => last = Some(parsed),
                    Err(problem) => rest.give_wanted(Err(problem))?,
                }
            }
            Ok(Some(Found::Beside(key))) => {
                if others.len() < MAXIMUM_NAMED_KEYS {
                    others.push(key);
                }
            }
            Err(problem) => {
                if let Some(parsed) = last.take() {
                    rest.give_wanted(Ok(parsed))?;
                }
                return rest.give(|| Err(problem));
            }
        }
    }
    let Some(mut parsed) = last else {
        return ControlFlow::Continue(());
    };
    if !others.is_empty() {
        parsed.inferred.push(format!(
            "{} beside `posts` belong to no post and are left out",
            others.join(", ")
        ));
    }
    rest.give_wanted(Ok(parsed))
}

fn read_document(piece: &Piece) -> Result<Parsed, Problem> {
    let Strict(value) = serde_json::from_str(piece.text()?).map_err(|error| {
        let reason = error.to_string();
        // The position is that in the piece; the file's is told instead.
        let reason = reason.split(" at line ").next().unwrap_or(&reason);
        Problem::at(
            piece.line + (error.line() as u64).saturating_sub(1),
            format!("is not valid JSON: {reason} (column {})", error.column()),
        )
    })?;
    let Value::Object(fields) = value else {
        return Err(Problem::at(
            piece.line,
            "a document must be an object: {\"title\": …}",
        ));
    };
    let mut inferred = Vec::new();
    let document = document_from(fields, Scalars::AsWritten, &mut inferred)
        .map_err(|reason| Problem::at(piece.line, reason))?;
    finish(document, piece.line, inferred)
}
