//! Markdown files as one archive. An archive is its files one after the other, so that it can be
//! written in pieces.

use std::io::{self, Write};

use super::markdown;
use super::run::file_name;
use crate::transfer::document::Document;

/// What stands after the last file.
pub(super) const END: [u8; 1_024] = [0; 1_024];

/// Adds a document as a file of its own, named by its slug.
pub(super) fn write(document: &Document, output: &mut dyn Write) -> io::Result<()> {
    let mut text = Vec::new();
    markdown::write(document, &mut text)?;
    let mut header = ::tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let changed = document.updated_at.or(document.created_at);
    let seconds = changed.map_or(0, |time| time.timestamp());
    header.set_mtime(u64::try_from(seconds).unwrap_or_default());
    let mut archive = ::tar::Builder::new(Vec::new());
    let name = format!("{}.md", file_name(document));
    archive.append_data(&mut header, name, text.as_slice())?;
    // What the archive would end with comes after the last file only.
    let file = std::mem::take(archive.get_mut());
    output.write_all(&file)
}
