//! XML that every parser reads, whatever people wrote.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::domain::error::{Error, Result};

/// A document being written.
pub(super) type Document = Writer<Vec<u8>>;

/// Begins a document in UTF-8.
pub(super) fn document() -> Result<Document> {
    let mut document = Writer::new_with_indent(Vec::new(), b' ', 1);
    let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
    document
        .write_event(Event::Decl(declaration))
        .map_err(failed)?;
    Ok(document)
}

/// The text of a document that is complete.
pub(super) fn finish(document: Document) -> Result<String> {
    let mut bytes = document.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(|error| Error::Internal(error.to_string()))
}

/// Adds an element that holds a text.
pub(super) fn text(document: &mut Document, name: &str, text: &str) -> Result<()> {
    text_with(document, name, &[], text)
}

/// Adds an element that has attributes and holds a text.
pub(super) fn text_with(
    document: &mut Document,
    name: &str,
    attributes: &[(&str, &str)],
    text: &str,
) -> Result<()> {
    let text = clean(text);
    document
        .create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_text_content(BytesText::new(&text))
        .map_err(failed)?;
    Ok(())
}

/// Adds an element that has attributes and holds nothing.
pub(super) fn empty(
    document: &mut Document,
    name: &str,
    attributes: &[(&str, &str)],
) -> Result<()> {
    document
        .create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_empty()
        .map_err(failed)?;
    Ok(())
}

/// Adds an element with whatever `inside` adds.
pub(super) fn element(
    document: &mut Document,
    name: &str,
    attributes: &[(&str, &str)],
    inside: impl FnOnce(&mut Document) -> Result<()>,
) -> Result<()> {
    let mut result = Ok(());
    document
        .create_element(name)
        .with_attributes(attributes.iter().copied())
        .write_inner_content(|document| {
            result = inside(document);
            Ok(())
        })
        .map_err(failed)?;
    result
}

/// Without the characters that XML can't hold, not even escaped.
fn clean(text: &str) -> String {
    let holds = |character: &char| {
        matches!(
            character,
            '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}'
        )
    };
    text.chars().filter(holds).collect()
}

/// Writing to memory does not fail.
fn failed(error: std::io::Error) -> Error {
    Error::Internal(format!("XML could not be written: {error}"))
}
