//! The article of a page becomes Markdown.

use super::Line;
use super::code::{self, bracket_balance};
use super::escape::{escape_heading, escape_line};

const BULLETS: [char; 4] = ['•', '◦', '▪', '‣'];
const MAXIMUM_HEADING_LENGTH: usize = 80;
const CLOSING_PUNCTUATION: [char; 11] = ['.', ',', ';', ':', '!', '?', '…', ')', ']', '"', '\''];

/// How far a code block with an open bracket is followed over blank lines.
const MAXIMUM_CODE_BLOCKS: usize = 40;

/// The Markdown of an article. Its text stays as it is, in its order.
pub(super) fn read(
    lines: &[Line<'_>],
    stated_language: Option<&str>,
    inferred: &mut Vec<String>,
) -> String {
    let blocks: Vec<&[Line<'_>]> = lines
        .split(Line::is_blank)
        .filter(|block| !block.is_empty())
        .collect();
    let mut parts = Vec::new();
    let mut next = 0;
    while let Some(block) = blocks.get(next) {
        let heading_follows = blocks.get(next + 1).map(|block| is_short_line(block));
        if is_short_line(block) && heading_follows == Some(false) {
            let text = block[0].text.trim();
            inferred.push(format!(
                "line {}: `{text}` is read as a heading",
                block[0].number
            ));
            parts.push(format!("## {}", escape_heading(text)));
            next += 1;
            continue;
        }
        let code_start = block.len() - code::trailing_code(block);
        let code_blocks = blocks_of_code(&blocks[next..], code_start);
        if code_blocks > 1 {
            // The brackets that this block leaves open are closed after a blank line.
            let last = blocks[next + code_blocks - 1];
            let end = last[last.len() - 1].number;
            parts.extend(running_text(
                &block[..code_start],
                stated_language,
                inferred,
            ));
            let first = block[code_start].number;
            let place = |number: u64| (number - lines[0].number) as usize;
            let code = &lines[place(first)..=place(end)];
            parts.push(fenced(code, stated_language, inferred));
        } else {
            parts.extend(running_text(block, stated_language, inferred));
        }
        next += code_blocks;
    }
    parts.join("\n\n")
}

/// A heading's form: one short line on its own, without closing punctuation.
fn is_short_line(block: &[Line<'_>]) -> bool {
    let [line] = block else { return false };
    let text = line.text.trim();
    text.chars().count() <= MAXIMUM_HEADING_LENGTH
        && text.chars().any(char::is_alphanumeric)
        && !text.ends_with(CLOSING_PUNCTUATION)
        && bullet(line.text).is_none()
        && code::trailing_code(block) == 0
}

/// How many blocks the code at the end of the first one takes: more than one when it leaves a
/// bracket open that a later block closes.
fn blocks_of_code(blocks: &[&[Line<'_>]], code_start: usize) -> usize {
    let mut balance = bracket_balance(&blocks[0][code_start..]);
    if balance <= 0 {
        return 1;
    }
    for (index, block) in blocks.iter().enumerate().take(MAXIMUM_CODE_BLOCKS).skip(1) {
        balance += bracket_balance(block);
        if balance <= 0 {
            return index + 1;
        }
    }
    1
}

/// Paragraphs, lists and code of one block, in their order.
fn running_text(
    block: &[Line<'_>],
    stated_language: Option<&str>,
    inferred: &mut Vec<String>,
) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = block;
    while let Some(first) = rest.first() {
        let code = code::leading_code(rest);
        let (length, part) = if code > 0 {
            (code, fenced(&rest[..code], stated_language, inferred))
        } else if bullet(first.text).is_some() {
            let length = rest.iter().take_while(|line| bullet(line.text).is_some());
            let length = length.count();
            (length, list(&rest[..length]))
        } else {
            let text = |index: usize| {
                bullet(rest[index].text).is_none() && code::leading_code(&rest[index..]) == 0
            };
            let length = (1..rest.len()).find(|index| !text(*index));
            let length = length.unwrap_or(rest.len());
            let lines: Vec<String> = rest[..length]
                .iter()
                .map(|line| escape_line(line.text))
                .collect();
            (length, lines.join("\n"))
        };
        parts.push(part);
        rest = &rest[length..];
    }
    parts
}

fn fenced(code: &[Line<'_>], stated_language: Option<&str>, inferred: &mut Vec<String>) -> String {
    let text: Vec<&str> = code.iter().map(|line| line.text).collect();
    let language = code::language(&text, stated_language);
    inferred.push(match &language {
        Some(language) => format!(
            "line {}: {} line(s) read as code, language `{language}`",
            code[0].number,
            code.len()
        ),
        None => format!(
            "line {}: {} line(s) read as code, language unknown",
            code[0].number,
            code.len()
        ),
    });
    let text = text.join("\n");
    let fence = "`".repeat(longest_run_of_backticks(&text).max(2) + 1);
    format!("{fence}{}\n{text}\n{fence}", language.unwrap_or_default())
}

fn longest_run_of_backticks(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or(0)
}

/// A list; what is indented further than the bullet above is a list below it.
fn list(lines: &[Line<'_>]) -> String {
    let mut indents: Vec<usize> = Vec::new();
    let mut items = Vec::new();
    for line in lines {
        let Some(text) = bullet(line.text) else {
            continue;
        };
        let indent = line.text.len() - line.text.trim_start().len();
        while indents.last().is_some_and(|last| *last > indent) {
            indents.pop();
        }
        if indents.last().is_none_or(|last| *last < indent) {
            indents.push(indent);
        }
        let level = "  ".repeat(indents.len() - 1);
        items.push(format!("{level}- {}", escape_line(text)));
    }
    items.join("\n")
}

/// The text of a line that starts with a bullet.
pub(super) fn bullet(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix(BULLETS).map(str::trim)
}
