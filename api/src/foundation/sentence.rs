//! Sentences for people, of what is said in the middle of one elsewhere.

/// A text as a sentence of its own: with a capital and a full stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).chain(['.']).collect(),
        None => String::new(),
    }
}
