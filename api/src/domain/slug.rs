//! Names made comparable: slugs for paths, keys for uniqueness.

use unicode_normalization::UnicodeNormalization;

/// The longest slug, in bytes.
pub const MAXIMUM_SLUG_LENGTH: usize = 200;

/// Makes a slug: ASCII letters and digits in lower case, words joined by single hyphens. Empty when
/// the text holds nothing that can be spelled.
///
/// A dot within a word disappears, so that `next.js` becomes `nextjs`; between digits it separates,
/// so that `python 3.11` becomes `python-3-11`. `C++` becomes `c-plus-plus` and `C#` `c-sharp`, so
/// that they stay apart from `C`.
pub fn slug_of(text: &str) -> String {
    let spelled = deunicode::deunicode(text);
    let mut slug = String::with_capacity(spelled.len());
    let mut word = String::new();
    let mut characters = spelled.chars().peekable();
    while let Some(character) = characters.next() {
        let digit_follows = characters.peek().is_some_and(char::is_ascii_digit);
        match character {
            _ if character.is_ascii_alphanumeric() => word.push(character.to_ascii_lowercase()),
            '\'' => {}
            '.' if !(digit_follows && word.ends_with(|last: char| last.is_ascii_digit())) => {}
            _ => {
                push_word(&mut slug, &std::mem::take(&mut word));
                match character {
                    '+' => push_word(&mut slug, "plus"),
                    '#' => push_word(&mut slug, "sharp"),
                    _ => {}
                }
            }
        }
    }
    push_word(&mut slug, &word);
    slug
}

/// Adds a word as far as it fits; one that is longer than a slug on its own is cut.
fn push_word(slug: &mut String, word: &str) {
    if word.is_empty() {
        return;
    }
    let hyphen = usize::from(!slug.is_empty());
    if slug.is_empty() {
        slug.push_str(&word[..word.len().min(MAXIMUM_SLUG_LENGTH)]);
    } else if slug.len() + hyphen + word.len() <= MAXIMUM_SLUG_LENGTH {
        slug.push('-');
        slug.push_str(word);
    }
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

/// The key by which a name is unique: NFC, lower case, white space as single spaces.
pub fn name_key(name: &str) -> String {
    let folded: String = name.nfc().flat_map(char::to_lowercase).nfc().collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ")
}
