//! Perspectives as clients write them.

use async_graphql::ID;
use chrono::{DateTime, Datelike, Utc};

use super::node_id::NodeType;
use crate::domain::error::{Error, Result};
use crate::domain::perspective::{PUBLISHED, Perspective};

pub use crate::domain::perspective::HEADER;

const FORMS: &str = "write `published`, `draft`, `trash`, `draft:` and the id of a post, `revision:` \
    and the id of a revision, `release:` and the id of a release, or `at:` and a time such as \
    `2026-06-01T12:00:00Z`";

/// Reads a perspective. The ids in it are those of the API.
///
/// # Errors
///
/// [`Error::BadArgument`] when it is none; the text lists what can be written.
pub fn parse(text: &str) -> Result<Perspective> {
    let key = |node: NodeType, id: &str| node.key(&ID::from(id));
    let perspective = match text.split_once(':') {
        None if text == PUBLISHED => Ok(Perspective::Published),
        None if text == "draft" => Ok(Perspective::Draft),
        None if text == "trash" => Ok(Perspective::Trash),
        Some(("draft", id)) => key(NodeType::Post, id).map(Perspective::DraftOf),
        Some(("revision", id)) => key(NodeType::Revision, id).map(Perspective::Revision),
        Some(("release", id)) => key(NodeType::Release, id).map(Perspective::Release),
        Some(("at", text)) => time(text).map(Perspective::At),
        _ => Err(Error::BadArgument("there is none of this form".into())),
    };
    perspective
        .map_err(|why| Error::BadArgument(format!("`{text}` is no perspective: {why}; {FORMS}")))
}

fn time(text: &str) -> Result<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    // Years of more than four digits would not compare with others as text.
    match time {
        Ok(time) if (0..=9999).contains(&time.year()) => Ok(time),
        _ => Err(Error::BadArgument(format!(
            "`{text}` is no time of RFC 3339"
        ))),
    }
}
