//! What search knows of a content.

use super::content::Content;

/// What search knows of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::domain) struct SearchEntry {
    pub(in crate::domain) title: String,
    pub(in crate::domain) summary: String,
    /// What it is found by besides title, summary and body, in lines of their own.
    pub(in crate::domain) terms: String,
    pub(in crate::domain) body: String,
}

impl SearchEntry {
    /// The entry of a content whose body has this text.
    pub(in crate::domain) fn of(content: &Content, text: String) -> Self {
        Self {
            title: content.title.clone(),
            summary: content.summary.clone(),
            terms: terms(content),
            body: searchable(text),
        }
    }
}

/// The part of a text that search knows: PostgreSQL holds no more than 1 MiB of words for a post.
fn searchable(mut text: String) -> String {
    const MAXIMUM_SEARCHABLE_BYTES: usize = 256 * 1024;
    text.truncate(text.floor_char_boundary(MAXIMUM_SEARCHABLE_BYTES));
    text
}

fn terms(content: &Content) -> String {
    let mut terms: Vec<&str> = Vec::new();
    terms.extend(content.topic.as_deref());
    terms.extend(content.code_language.as_deref());
    terms.extend(content.stack.iter().map(String::as_str));
    terms.extend(content.tools.iter().map(String::as_str));
    terms.extend(content.entities.iter().map(|entity| entity.name.as_str()));
    terms.join("\n")
}
