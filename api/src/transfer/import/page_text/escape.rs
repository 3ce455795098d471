//! Text becomes Markdown that renders as that text.

/// Escapes one line of running text. Blanks at its ends mean nothing in Markdown and go.
pub(super) fn escape_line(line: &str) -> String {
    let line = line.trim_matches([' ', '\t']);
    let characters: Vec<char> = line.chars().collect();
    let mut escaped = String::with_capacity(line.len() + 8);
    for (index, character) in characters.iter().copied().enumerate() {
        let before = index.checked_sub(1).map(|before| characters[before]);
        let after = characters.get(index + 1).copied();
        let is_markup = match character {
            '\\' | '`' | '*' | '<' | '[' | '~' | '|' => true,
            '_' => !(before.is_some_and(is_word) && after.is_some_and(is_word)),
            '&' => after.is_some_and(|after| after.is_ascii_alphanumeric() || after == '#'),
            '#' | '>' | '+' | '-' | '=' | ':' => index == 0,
            '.' | ')' => after.is_none_or(char::is_whitespace) && is_number(&characters[..index]),
            _ => false,
        };
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Escapes the text of a heading, where also a closing `#` and `{…}` would be taken as markup.
pub(super) fn escape_heading(text: &str) -> String {
    let mut escaped = String::new();
    for character in escape_line(text).chars() {
        if matches!(character, '#' | '{') && !escaped.ends_with('\\') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a line that starts like this and goes on with `.` or `)` would be an ordered list.
fn is_number(beginning: &[char]) -> bool {
    (1..=9).contains(&beginning.len()) && beginning.iter().all(char::is_ascii_digit)
}
