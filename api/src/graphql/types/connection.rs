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

/// A list with one order: its connection and its edge. The rows of the domain become nodes by
/// `From`; `$count` counts what `$filter` lets through.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ident, $row:ty, $filter:ty, $count:path,
     $page_doc:literal, $row_doc:literal) => {
        #[doc = $page_doc]
        #[derive(async_graphql::SimpleObject)]
        #[graphql(complex)]
        pub struct $connection {
            /// Where the page stands in the list.
            pub page_info: $crate::graphql::types::connection::PageInfo,
            #[graphql(skip)]
            page: $crate::domain::page::Page<$row>,
            #[graphql(skip)]
            filter: $filter,
        }

        #[doc = $row_doc]
        #[derive(async_graphql::SimpleObject)]
        pub struct $edge {
            /// Its place: pass it as `after` or `before`.
            pub cursor: String,
            /// What is there.
            pub node: $node,
        }

        #[async_graphql::ComplexObject]
        impl $connection {
            /// What the page holds.
            async fn nodes(&self) -> Vec<$node> {
                let rows = self.page.rows.iter();
                rows.map(|(_, row)| row.clone().into()).collect()
            }

            /// What the page holds, with its places.
            async fn edges(&self) -> Vec<$edge> {
                let rows = self.page.rows.iter();
                rows.map(|(cursor, row)| $edge {
                    cursor: cursor.encode(),
                    node: row.clone().into(),
                })
                .collect()
            }

            /// How many the whole list has. Counted only when it is asked for.
            async fn total_count(
                &self,
                context: &async_graphql::Context<'_>,
            ) -> async_graphql::Result<i64> {
                let reader = $crate::graphql::context::reader(context);
                let count = $count(reader, &self.filter).await;
                $crate::graphql::error::OrGraphqlError::or_graphql_error(count, context)
            }
        }

        impl $connection {
            /// A page of a list.
            pub(in crate::graphql) fn new(
                page: $crate::domain::page::Page<$row>,
                filter: $filter,
            ) -> Self {
                Self {
                    page_info: (&page).into(),
                    page,
                    filter,
                }
            }
        }
    };
}
pub(super) use connection;
