//! The arguments of lists, read once and in one way.

use crate::domain::error::{Error, Result};
use crate::domain::page::PAGE_LIMIT;
use crate::graphql::limits::ROWS;

/// Reads the argument of a list without pages.
///
/// # Errors
///
/// A bad argument when it is negative or too large.
pub(super) fn limit(name: &str, value: i32) -> Result<u32> {
    u32::try_from(value)
        .ok()
        .filter(|value| *value <= PAGE_LIMIT)
        .ok_or_else(|| {
            Error::BadArgument(format!("`{name}` is {value}; ask for 0 to {PAGE_LIMIT}"))
        })
}

/// Rows a page is counted as when the complexity of a query is worked out.
pub(super) fn rows(first: Option<i32>, last: Option<i32>) -> usize {
    let rows = first.or(last).map(|rows| rows.clamp(1, 100));
    rows.map_or(ROWS, |rows| usize::try_from(rows).unwrap_or(100))
}
