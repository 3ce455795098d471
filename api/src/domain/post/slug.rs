//! Slugs: the last part of a post's path.

/// The longest slug, in bytes.
pub const MAXIMUM_SLUG_LENGTH: usize = 200;

/// Makes a slug from any text: transliterated to ASCII, lower case, words joined by `-`. Empty
/// when the text holds no letter or digit.
///
/// Dots and apostrophes inside a word disappear, so that `next.js` becomes `nextjs`.
pub fn slug_of(text: &str) -> String {
    let mut slug = String::new();
    for character in deunicode::deunicode(text).chars() {
        if slug.len() == MAXIMUM_SLUG_LENGTH {
            break;
        }
        match character {
            '.' | '\'' => {}
            _ if character.is_ascii_alphanumeric() => slug.push(character.to_ascii_lowercase()),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Whether the text can be a slug as it is: lower-case letters of any script, digits, `-`, `_`
/// and `.`, with a letter or digit among them, at most [`MAXIMUM_SLUG_LENGTH`] bytes.
pub fn is_slug(text: &str) -> bool {
    text.len() <= MAXIMUM_SLUG_LENGTH
        && text.chars().any(char::is_alphanumeric)
        && text.chars().all(|character| {
            (character.is_alphanumeric() && !character.is_uppercase())
                || matches!(character, '-' | '_' | '.')
        })
}
