//! Pages of lists, in the shape that clients such as Relay know.

use async_graphql::SimpleObject;

use crate::domain::page::Page;

/// Where a page stands in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether the list goes on after this page: ask again with `after: endCursor`.
    pub has_next_page: bool,
    /// Whether the list begins before this page: ask again with `before: startCursor`.
    pub has_previous_page: bool,
    /// The place of the page's first row; absent on an empty page.
    pub start_cursor: Option<String>,
    /// The place of the page's last row; absent on an empty page.
    pub end_cursor: Option<String>,
}

impl<T> From<&Page<T>> for PageInfo {
    fn from(page: &Page<T>) -> Self {
        Self {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: page.rows.first().map(|(cursor, _)| cursor.encode()),
            end_cursor: page.rows.last().map(|(cursor, _)| cursor.encode()),
        }
    }
}
