//! Names made comparable: slugs for paths, keys for uniqueness.

use unicode_normalization::UnicodeNormalization;

/// The longest slug that is made from a title. A slug that is given may be twice as long.
pub const MADE_SLUG_LENGTH: usize = 80;

/// The longest slug that is accepted.
pub const SLUG_LENGTH: usize = 160;

/// Makes a slug: ASCII letters and digits in lower case, words joined by single hyphens. `C++`
/// becomes `c-plus-plus` and `C#` `c-sharp`, so that they stay apart from `C`. Empty when the text
/// holds nothing that can be spelled.
pub fn slugify(text: &str) -> String {
    let spelled = deunicode::deunicode(text);
    let mut slug = String::with_capacity(spelled.len());
    let mut push_word = |word: &str| {
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(word);
    };
    let mut word = String::new();
    for character in spelled.chars() {
        match character {
            'a'..='z' | '0'..='9' => word.push(character),
            'A'..='Z' => word.push(character.to_ascii_lowercase()),
            '\'' => {}
            _ => {
                if !word.is_empty() {
                    push_word(&word);
                    word.clear();
                }
                match character {
                    '+' => push_word("plus"),
                    '#' => push_word("sharp"),
                    _ => {}
                }
            }
        }
    }
    if !word.is_empty() {
        push_word(&word);
    }
    if slug.len() > MADE_SLUG_LENGTH {
        let cut = slug[..MADE_SLUG_LENGTH]
            .rfind('-')
            .unwrap_or(MADE_SLUG_LENGTH);
        slug.truncate(cut);
    }
    slug
}

/// Whether `text` is a slug as [`slugify`] makes them, up to [`SLUG_LENGTH`]; dots and underscores
/// are tolerated for the sake of paths that exist already.
pub fn is_slug(text: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_')
    };
    !text.is_empty()
        && text.len() <= SLUG_LENGTH
        && text.bytes().all(allowed)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// The key by which a name is unique: NFC, lower case, white space as single spaces.
pub fn name_key(name: &str) -> String {
    let folded: String = name.nfc().flat_map(char::to_lowercase).nfc().collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ")
}
