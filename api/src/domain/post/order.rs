//! The orders of a list of posts.

use sea_orm::QueryResult;
use sea_orm::sea_query::{Expr, SimpleExpr};

use crate::domain::error::{Error, Result};
use crate::domain::page::{Cursor, Direction, SortKey};
use crate::domain::perspective::Perspective;

/// What a list of posts is ordered by. Posts with the same value follow their content's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PostOrder {
    /// The value.
    pub by: PostOrderField,
    /// The way.
    pub direction: Direction,
}

impl Default for PostOrder {
    fn default() -> Self {
        Self {
            by: PostOrderField::PublishedAt,
            direction: Direction::Descending,
        }
    }
}

/// What a list of posts can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum PostOrderField {
    PublishedAt,
    UpdatedAt,
    CreatedAt,
    Title,
    ViewCount,
    ReadingMinutes,
    WordCount,
    Quality,
    Freshness,
    Depth,
    Clarity,
}

impl PostOrderField {
    /// The name in cursors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PublishedAt => "published_at",
            Self::UpdatedAt => "updated_at",
            Self::CreatedAt => "created_at",
            Self::Title => "title",
            Self::ViewCount => "view_count",
            Self::ReadingMinutes => "reading_minutes",
            Self::WordCount => "word_count",
            Self::Quality => "quality",
            Self::Freshness => "freshness",
            Self::Depth => "depth",
            Self::Clarity => "clarity",
        }
    }

    /// Whether the value is on the post; otherwise it is on its content.
    pub(super) fn is_on_post(self, perspective: Perspective) -> bool {
        match self {
            Self::PublishedAt => perspective != Perspective::Published,
            Self::UpdatedAt | Self::Title | Self::ReadingMinutes | Self::WordCount => false,
            Self::CreatedAt
            | Self::ViewCount
            | Self::Quality
            | Self::Freshness
            | Self::Depth
            | Self::Clarity => true,
        }
    }

    /// The value as SQL; never null. A post without a score sorts below 0, one that was never
    /// published by the time it was written.
    pub(super) fn to_sql(self, perspective: Perspective) -> SimpleExpr {
        match (self, perspective) {
            (Self::PublishedAt, Perspective::Published) => Expr::col(("c", "published_at")),
            (Self::PublishedAt, _) => Expr::cust("COALESCE(p.published_at, p.created_at)"),
            (Self::UpdatedAt | Self::Title | Self::ReadingMinutes | Self::WordCount, _) => {
                Expr::col(("c", self.name()))
            }
            (Self::CreatedAt | Self::ViewCount, _) => Expr::col(("p", self.name())),
            (Self::Quality | Self::Freshness | Self::Depth | Self::Clarity, _) => {
                Expr::cust(format!("COALESCE(p.{}, -1)", self.name()))
            }
        }
    }

    /// Reads the value from the column at `index`.
    pub(super) fn read(self, row: &QueryResult, index: usize) -> Result<SortKey> {
        Ok(match self {
            Self::PublishedAt | Self::UpdatedAt | Self::CreatedAt => {
                SortKey::Time(row.try_get_by_index(index)?)
            }
            Self::Title => SortKey::Text(row.try_get_by_index(index)?),
            Self::ViewCount => SortKey::Integer(row.try_get_by_index(index)?),
            Self::ReadingMinutes | Self::WordCount => {
                SortKey::Integer(row.try_get_by_index::<i32>(index)?.into())
            }
            Self::Quality | Self::Freshness | Self::Depth | Self::Clarity => {
                // PostgreSQL widens the column to the literal it is coalesced with.
                let value = row
                    .try_get_by_index::<i32>(index)
                    .or_else(|_| row.try_get_by_index::<i16>(index).map(i32::from))?;
                SortKey::Integer(value.into())
            }
        })
    }

    /// Reads a cursor of a list in this order.
    ///
    /// # Errors
    ///
    /// [`Error::BadArgument`] when it is none, or its key is not of this order.
    pub(super) fn cursor(self, text: &str) -> Result<Cursor> {
        let cursor = Cursor::decode(text, self.name())?;
        let fits = match self {
            Self::PublishedAt | Self::UpdatedAt | Self::CreatedAt => {
                matches!(cursor.key, SortKey::Time(_))
            }
            Self::Title => matches!(cursor.key, SortKey::Text(_)),
            _ => matches!(cursor.key, SortKey::Integer(_)),
        };
        if fits {
            Ok(cursor)
        } else {
            Err(Error::BadArgument(
                "the cursor can't be read; pass one that a page of this list gave you".into(),
            ))
        }
    }
}
