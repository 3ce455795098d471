//! Pages of lists: how many rows, from where, in which direction, and the cursors between them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::error::{Error, Result};

/// The most rows a page has.
pub const PAGE_LIMIT: u32 = 100;

/// Rows of a page when nothing is said.
pub const PAGE_DEFAULT: u32 = 20;

/// The furthest a page may be asked for by counting; a cursor goes on from there.
pub const OFFSET_LIMIT: u32 = 10_000;

/// Which way a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Smallest, oldest or first in the alphabet first.
    Ascending,
    /// Largest, newest or last in the alphabet first.
    Descending,
}

impl Direction {
    /// The other way.
    pub fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }
}

/// The value a row is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SortKey {
    /// A number.
    #[serde(rename = "i")]
    Integer(i64),
    /// A text, compared byte by byte.
    #[serde(rename = "s")]
    Text(String),
    /// A time.
    #[serde(rename = "t")]
    Time(DateTime<Utc>),
}

/// A place in a list: the sort key of a row and, among rows that share it, the row. Opaque to
/// clients; it holds the order it belongs to, so that it can't be used with another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// The order of the list, e.g. `published_at`.
    #[serde(rename = "o")]
    pub order: String,
    /// The sort key of the row.
    #[serde(rename = "k")]
    pub key: SortKey,
    /// The row.
    #[serde(rename = "r")]
    pub row: i64,
}

impl Cursor {
    /// The cursor as clients hold it.
    pub fn encode(&self) -> String {
        // Plain data always becomes JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a cursor that must belong to a list in `order`.
    ///
    /// # Errors
    ///
    /// [`Error::BadArgument`] when it is none of ours, or belongs to another list.
    pub fn decode(text: &str, order: &str) -> Result<Self> {
        let cursor: Option<Self> = URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match cursor {
            Some(cursor) if cursor.order == order => Ok(cursor),
            Some(cursor) => Err(Error::BadArgument(format!(
                "the cursor belongs to a list ordered by {}, this one is ordered by {order}; \
                 start again without `after` and `before`",
                cursor.order
            ))),
            None => Err(Error::BadArgument(
                "the cursor can't be read; pass one that a page of this list gave you".into(),
            )),
        }
    }
}

/// Which rows of a list are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// How many rows.
    pub limit: u32,
    /// Whether they are the last rows before the cursor instead of the first after it.
    pub backward: bool,
    /// Where to go on from.
    pub cursor: Option<String>,
    /// Rows to pass over.
    pub offset: u32,
}

impl PageRequest {
    /// The first `limit` rows.
    pub fn first(limit: u32) -> Self {
        Self {
            limit,
            backward: false,
            cursor: None,
            offset: 0,
        }
    }

    /// Reads the arguments of a list.
    ///
    /// # Errors
    ///
    /// [`Error::BadArgument`] when they contradict each other or ask for too much.
    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        offset: Option<i32>,
    ) -> Result<Self> {
        let refuse = |text: &str| Err(Error::BadArgument(text.to_owned()));
        let limit = |name: &str, value: i32| match u32::try_from(value) {
            Ok(value) if value <= PAGE_LIMIT => Ok(value),
            _ => Err(Error::BadArgument(format!(
                "`{name}` is {value}; ask for 0 to {PAGE_LIMIT} and go on with a cursor"
            ))),
        };
        let offset = match u32::try_from(offset.unwrap_or(0)) {
            Ok(offset) if offset <= OFFSET_LIMIT => offset,
            _ => {
                return Err(Error::BadArgument(format!(
                    "`offset` must be from 0 to {OFFSET_LIMIT}; go further with a cursor"
                )));
            }
        };
        if first.is_some() && last.is_some() {
            return refuse("give `first` or `last`, not both");
        }
        if after.is_some() && before.is_some() {
            return refuse("give `after` or `before`, not both");
        }
        if after.is_some() && last.is_some() {
            return refuse("`after` goes with `first`");
        }
        if before.is_some() && first.is_some() {
            return refuse("`before` goes with `last`");
        }
        let backward = last.is_some() || before.is_some();
        let cursor = after.or(before);
        if offset > 0 && cursor.is_some() {
            return refuse("`offset` counts from the end of the list; leave out the cursor");
        }
        let limit = match (first, last) {
            (Some(value), _) => limit("first", value)?,
            (_, Some(value)) => limit("last", value)?,
            _ => PAGE_DEFAULT,
        };
        Ok(Self {
            limit,
            backward,
            cursor,
            offset,
        })
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its rows, in the order of the list, each with its place.
    pub rows: Vec<(Cursor, T)>,
    /// Whether there are rows before the first.
    pub has_previous: bool,
    /// Whether there are rows after the last.
    pub has_next: bool,
}

impl<T> Page<T> {
    /// Makes a page of rows read in the direction of `request`, one more than asked for where there
    /// are that many.
    pub fn new(request: &PageRequest, mut rows: Vec<(Cursor, T)>) -> Self {
        let limit = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let passed = request.cursor.is_some() || request.offset > 0;
        if request.backward {
            rows.reverse();
            Self {
                rows,
                has_previous: more,
                has_next: passed,
            }
        } else {
            Self {
                rows,
                has_previous: passed,
                has_next: more,
            }
        }
    }
}
