//! Cache tags: the names by which an answer says what it was made from, and a change what it
//! touched.

use std::fmt::{self, Write};

/// The nouns that tags are made of.
const NOUNS: [&str; 9] = [
    "post",
    "tool",
    "stack",
    "entity",
    "redirect",
    "release",
    "import_run",
    "export_run",
    "cache_rule",
];

/// One name, such as `post:17`, `tool:3` or `list:posts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheTag {
    /// Everything, whatever it is.
    All,
    /// One row: its noun and its key.
    Row(&'static str, i64),
    /// Any list, count or search over a noun, which it is written in the plural of.
    List(&'static str),
}

impl CacheTag {
    /// Reads what [`CacheTag`] is written as: `*`, `post:17`, `list:posts`. None when it is not the
    /// name of anything that answers are made from.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (noun, key) = text.split_once(':')?;
        if noun == "list" {
            let lists = NOUNS.into_iter().map(Self::List);
            return lists.into_iter().find(|list| list.to_string() == text);
        }
        let noun = NOUNS.into_iter().find(|known| *known == noun)?;
        let tag = Self::Row(noun, key.parse().ok().filter(|key| *key > 0)?);
        // There is one way to write a tag: `post:+7` and `post:07` are none.
        (tag.to_string() == text).then_some(tag)
    }
}

/// Tags with spaces between, as headers and messages have them.
pub fn joined<'tag>(tags: impl IntoIterator<Item = &'tag CacheTag>) -> String {
    let mut text = String::new();
    for tag in tags {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a string can't fail.
        let _ = write!(text, "{space}{tag}");
    }
    text
}

impl fmt::Display for CacheTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("*"),
            Self::Row(noun, key) => write!(formatter, "{noun}:{key}"),
            Self::List("entity") => formatter.write_str("list:entities"),
            Self::List(noun) => write!(formatter, "list:{noun}s"),
        }
    }
}
