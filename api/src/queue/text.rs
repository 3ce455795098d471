//! Texts that are too long to keep.

/// The beginning of a text, at most about so many bytes of it.
pub(super) fn shorten(mut text: String, most_bytes: usize) -> String {
    if text.len() > most_bytes {
        text.truncate(text.floor_char_boundary(most_bytes));
        text.push('…');
    }
    text
}
