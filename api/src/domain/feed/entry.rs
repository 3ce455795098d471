//! A post as feeds show it.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::{Channel, NEWEST};
use crate::domain::error::Result;
use crate::domain::post::path;

/// A post as feeds show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identity across exports.
    pub reference: String,
    /// Where it is.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Its summary; may be empty.
    pub summary: String,
    /// Who wrote it, where that is known.
    pub author: Option<String>,
    /// When it was first published.
    pub published_at: DateTime<Utc>,
    /// When what it says was last changed; never before it was published.
    pub updated_at: DateTime<Utc>,
}

impl Entry {
    /// Its page on the site.
    pub(super) fn url(&self, channel: &Channel) -> String {
        format!("{}{}", channel.site_url, path(&self.slug))
    }

    /// What readers know it by: made from its reference, so that another slug, title or site is
    /// not another post.
    pub(super) fn urn(&self) -> String {
        urn(&self.reference)
    }

    /// What stands for its content where a format demands some.
    pub(super) fn text(&self) -> &str {
        match self.summary.trim() {
            "" => &self.title,
            summary => summary,
        }
    }
}

/// An identifier that is always the same for the same name.
pub(super) fn urn(name: &str) -> String {
    let hash = Sha256::digest(name);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes)
        .into_uuid()
        .urn()
        .to_string()
}

/// When the newest change of these posts was made; the beginning of time when there are none.
pub(super) fn last_change(entries: &[Entry]) -> DateTime<Utc> {
    let times = entries.iter().map(|entry| entry.updated_at);
    times.max().unwrap_or(DateTime::UNIX_EPOCH)
}

/// The newest posts that may be indexed, the newest first.
pub(super) async fn newest(connection: &DatabaseTransaction) -> Result<Vec<Entry>> {
    let select = Query::select()
        .column(("p", "reference"))
        .columns(["slug", "title", "summary"].map(|column| ("c", column)))
        .column(("r", "author"))
        .columns([("c", "published_at"), ("c", "updated_at")])
        .from_as("post_content", "c")
        .join_as(
            JoinType::InnerJoin,
            "post",
            "p",
            Expr::col(("p", "id")).equals(("c", "post_id")),
        )
        .join_as(
            JoinType::InnerJoin,
            "revision",
            "r",
            Expr::col(("r", "id")).equals(("c", "id")),
        )
        .and_where(Expr::col(("c", "published_at")).is_not_null())
        .and_where(Expr::col(("c", "needs_human_review")).eq(false))
        .order_by(("c", "published_at"), Order::Desc)
        .order_by(("c", "id"), Order::Desc)
        .limit(NEWEST)
        .to_owned();
    let rows = connection.query_all(&select).await?;
    let entries = rows.iter().map(|row| {
        let published_at = row.try_get_by_index(5)?;
        let updated_at: DateTime<Utc> = row.try_get_by_index(6)?;
        Ok(Entry {
            reference: row.try_get_by_index(0)?,
            slug: row.try_get_by_index(1)?,
            title: row.try_get_by_index(2)?,
            summary: row.try_get_by_index(3)?,
            author: row.try_get_by_index(4)?,
            published_at,
            updated_at: Ord::max(updated_at, published_at),
        })
    });
    entries.collect()
}
