//! Which lines of an article are code, and in which language. The rules are written out in
//! `docs/import-formats.md`; a change here is a change there.

use super::Line;
use super::body::bullet;

/// Words that start a line of code when the line also has a sign that prose has not.
const KEYWORDS: &[&str] = &[
    "alter",
    "async",
    "await",
    "class",
    "const",
    "create",
    "def",
    "delete",
    "drop",
    "enum",
    "explain",
    "export",
    "fn",
    "for",
    "from",
    "func",
    "function",
    "if",
    "impl",
    "import",
    "insert",
    "interface",
    "let",
    "match",
    "mod",
    "namespace",
    "package",
    "private",
    "protected",
    "pub",
    "public",
    "return",
    "select",
    "static",
    "struct",
    "switch",
    "trait",
    "try",
    "type",
    "update",
    "use",
    "var",
    "where",
    "while",
    "with",
];

const COMMANDS: &[&str] = &[
    "apt", "bun", "cargo", "cat", "cd", "chmod", "cp", "curl", "deno", "docker", "git", "kubectl",
    "make", "mkdir", "node", "npm", "npx", "pip", "pnpm", "psql", "python", "sqlite3", "sudo",
    "yarn",
];

const SQL: &[&str] = &[
    "alter", "create", "delete", "drop", "explain", "insert", "select", "update",
];

/// Languages that share the signs of JavaScript; the stated one of them is believed.
const SCRIPT: &[&str] = &[
    "javascript",
    "js",
    "jsx",
    "ts",
    "tsx",
    "typescript",
    "svelte",
    "vue",
];

const MAXIMUM_MAPPING_LINES: usize = 100;

/// How many lines at the beginning are one piece of code.
pub(super) fn leading_code(lines: &[Line<'_>]) -> usize {
    // Bounded, because every line of a paragraph asks this of all lines below it.
    if (2..=MAXIMUM_MAPPING_LINES).contains(&lines.len())
        && lines.iter().all(|line| is_mapping_line(line.text))
    {
        return lines.len();
    }
    if !lines.first().is_some_and(|line| is_code_line(line.text)) {
        return 0;
    }
    let mut open = 0;
    let mut length = 0;
    for line in lines {
        let goes_on = open > 0 || is_code_line(line.text) || is_indented(line.text);
        if !goes_on || bullet(line.text).is_some() {
            break;
        }
        open += bracket_balance(std::slice::from_ref(line));
        length += 1;
    }
    length
}

/// How many lines at the end are one piece of code.
pub(super) fn trailing_code(lines: &[Line<'_>]) -> usize {
    let mut start = 0;
    while start < lines.len() {
        match leading_code(&lines[start..]) {
            0 => start += 1,
            length if start + length == lines.len() => return length,
            length => start += length,
        }
    }
    0
}

/// Opening brackets less closing ones.
pub(super) fn bracket_balance(lines: &[Line<'_>]) -> i64 {
    let characters = lines.iter().flat_map(|line| line.text.chars());
    characters.fold(0, |balance, character| match character {
        '(' | '[' | '{' => balance + 1,
        ')' | ']' | '}' => balance - 1,
        _ => balance,
    })
}

/// Whether a line is code on its own: it ends as only code does, or starts with a keyword, a
/// command or a tag and has the signs of one.
fn is_code_line(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || bullet(line).is_some() {
        return false;
    }
    let ends_as_code = line.ends_with(['{', '}', ';']) || is_only_brackets(line);
    if ends_as_code || line.starts_with("$ ") || line.starts_with("#[") || line.starts_with("//") {
        return true;
    }
    if line.ends_with(['.', '!', '?', ',']) {
        return false;
    }
    let first = line.split(' ').next().unwrap_or_default();
    let signs = [
        "()", "(\"", "('", " = ", "=>", "->", "::", "{ ", " from '", " from \"", "):",
    ];
    let sql_signs = [
        " from ", " into ", " table ", " index ", " set ", "select *",
    ];
    let command_signs = [" --", " -", " && ", " | ", " ./"];
    let has = |signs: &[&str]| signs.iter().any(|sign| line.contains(sign));
    (KEYWORDS.contains(&first) && has(&signs))
        || (SQL.contains(&first) && line.contains('*') && has(&sql_signs))
        || (COMMANDS.contains(&first) && has(&command_signs))
        || (line.starts_with('<') && line.ends_with('>'))
}

fn is_only_brackets(line: &str) -> bool {
    line.chars().all(|character| "()[]{},;".contains(character))
}

fn is_indented(line: &str) -> bool {
    (line.starts_with("  ") || line.starts_with('\t')) && bullet(line).is_none()
}

/// A line of YAML: `key:` or `key: value`, the key without blanks, indented or not.
fn is_mapping_line(line: &str) -> bool {
    let line = line.trim().trim_start_matches("- ");
    let Some((key, value)) = line.split_once(':') else {
        return false;
    };
    let is_key = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    !key.is_empty()
        && key.chars().all(is_key)
        && (value.is_empty() || value.starts_with(' '))
        && !value.ends_with(['.', '!', '?'])
}

/// The language of a piece of code: by its signs, or the one the metadata states when the signs
/// do not speak against it.
pub(super) fn language(code: &[&str], stated: Option<&str>) -> Option<String> {
    let stated = stated.filter(|name| {
        name.chars()
            .all(|character| character.is_alphanumeric() || "+#.-_".contains(character))
    });
    match (signature(code), stated) {
        (Some("javascript"), Some(stated)) if SCRIPT.contains(&stated) => Some(stated.to_owned()),
        (Some(language), _) => Some(language.to_owned()),
        (None, stated) => stated.map(str::to_owned),
    }
}

fn signature(code: &[&str]) -> Option<&'static str> {
    let text = code.join("\n");
    let any = |test: &dyn Fn(&str) -> bool| code.iter().any(|line| test(line.trim()));
    let starts = |words: &[&str]| any(&|line| words.iter().any(|word| line.starts_with(word)));
    let first = code.first().map(|line| line.trim()).unwrap_or_default();
    let first_word = first.split(' ').next().unwrap_or_default();

    if text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok()
    {
        Some("json")
    } else if first.starts_with("$ ") || COMMANDS.contains(&first_word) {
        Some("bash")
    } else if SQL.contains(&first_word) && !text.contains("=>") {
        Some("sql")
    } else if text.contains("<?php") || any(&|line| line.starts_with('$') && line.ends_with(';')) {
        Some("php")
    } else if starts(&["fn ", "pub ", "impl ", "let mut ", "#["])
        || any(&|line| line.starts_with("use ") && line.ends_with(';'))
    {
        Some("rust")
    } else if starts(&["func ", "package "]) {
        Some("go")
    } else if any(&|line| {
        (line.starts_with("def ") || line.starts_with("class ")) && line.ends_with(':')
    }) {
        Some("python")
    } else if first.starts_with('<') {
        Some("html")
    } else if starts(&[
        "const ",
        "let ",
        "var ",
        "export ",
        "async ",
        "function ",
        "interface ",
        "import ",
    ]) {
        Some("javascript")
    } else if code.iter().all(|line| is_mapping_line(line)) {
        Some("yaml")
    } else {
        None
    }
}
