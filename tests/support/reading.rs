//! Reading documents from text that a test holds in memory.

use std::ops::ControlFlow;
use std::path::Path;

use alphanode::transfer::Document;
use alphanode::transfer::import::{Format, ImportContext, Parsed, Problem, read_from};

/// The time of all imports in tests.
pub fn context() -> ImportContext {
    ImportContext {
        now: "2026-06-01T12:00:00Z".parse().unwrap(),
    }
}

/// Everything a file of this name and content hands over.
pub fn read_named(name: &str, format: Format, bytes: &[u8]) -> Vec<Result<Parsed, Problem>> {
    let mut results = Vec::new();
    let mut input = bytes;
    let _ = read_from(
        &mut input,
        Path::new(name),
        format,
        &context(),
        &mut |result| {
            results.push(result);
            ControlFlow::Continue(())
        },
    );
    results
}

/// The one document of a text.
pub fn read_one(format: Format, text: &str) -> Parsed {
    let mut results = read_named("note", format, text.as_bytes());
    assert_eq!(results.len(), 1, "{results:?}");
    results
        .remove(0)
        .unwrap_or_else(|problem| panic!("{problem}"))
}

/// The one document of a text, without what was inferred.
pub fn document(format: Format, text: &str) -> Document {
    read_one(format, text).document
}

/// Why a text has no document.
pub fn problem(format: Format, bytes: impl AsRef<[u8]>) -> Problem {
    let mut results = read_named("note", format, bytes.as_ref());
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0).unwrap_err()
}
