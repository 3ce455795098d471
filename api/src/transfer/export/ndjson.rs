//! One document a line.

use std::io::{self, Write};

use crate::transfer::document::Document;

/// Writes a document as one line of JSON.
pub fn write(document: &Document, output: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, document)?;
    output.write_all(b"\n")
}
