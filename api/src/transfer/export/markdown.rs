//! One document as a Markdown file: front matter with the document's own keys, then the body.

use std::io::{self, Write};

use serde_json::Value;

use crate::transfer::document::Document;

/// The keys a reader looks for first, in this order; the others follow in theirs.
const FIRST_KEYS: [&str; 12] = [
    "title",
    "slug",
    "summary",
    "topic",
    "sourceId",
    "reference",
    "publishedAt",
    "updatedAt",
    "difficulty",
    "codeLanguage",
    "readingMinutes",
    "stack",
];

/// Writes a document as a Markdown file. An import reads the same document from it.
pub fn write(document: &Document, output: &mut dyn Write) -> io::Result<()> {
    let mut fields = match serde_json::to_value(document)? {
        Value::Object(fields) => fields,
        other => return Err(io::Error::other(format!("a document became {other}"))),
    };
    fields.remove("body");
    output.write_all(b"---\n")?;
    for key in FIRST_KEYS {
        if let Some(value) = fields.remove(key) {
            output.write_all(entry(key, &value)?.as_bytes())?;
        }
    }
    for (key, value) in &fields {
        output.write_all(entry(key, value)?.as_bytes())?;
    }
    // The empty line and the last line break belong to the file: an import takes off exactly
    // these, so that a body that starts with `---` or ends with line breaks comes back whole.
    write!(output, "---\n\n{}\n", document.content.body)
}

/// One key of the front matter in YAML. What does not read back as the same value from the
/// readable form is written as JSON, which YAML understands too.
fn entry(key: &str, value: &Value) -> io::Result<String> {
    let single = serde_json::Map::from_iter([(key.to_owned(), value.clone())]);
    let readable = serde_saphyr::to_string(&single).map_err(io::Error::other)?;
    let is_faithful = || {
        serde_saphyr::from_str_with_options::<serde_json::Map<String, Value>>(
            &readable,
            crate::transfer::import::yaml_options(),
        )
        .is_ok_and(|read| read == single)
    };
    // A line that looks like the end of the front matter would be taken for it.
    let has_mark = || {
        readable
            .lines()
            .any(|line| line.starts_with("---") || line.starts_with("..."))
    };
    if !has_mark() && is_faithful() {
        return Ok(readable);
    }
    Ok(format!(
        "{key}: {}\n",
        ascii(&serde_json::to_string(value)?)
    ))
}

/// JSON with everything escaped that is not plain ASCII.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && character != '\x7f' {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            escaped.push_str(&format!("\\u{unit:04x}"));
        }
    }
    escaped
}
