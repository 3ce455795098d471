//! Cache tags: the names by which an answer says what it was made from, and a change what it
//! touched.

use std::fmt;

/// One name, such as `post:17`, `tool:3` or `list:posts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheTag {
    /// One row: its noun and its key.
    Row(&'static str, i64),
    /// Any list, count or search over a noun, which it is written in the plural of.
    List(&'static str),
}

impl fmt::Display for CacheTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(noun, key) => write!(formatter, "{noun}:{key}"),
            Self::List("entity") => formatter.write_str("list:entities"),
            Self::List(noun) => write!(formatter, "list:{noun}s"),
        }
    }
}
