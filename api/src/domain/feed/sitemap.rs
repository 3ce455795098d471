//! Every post, for search engines: an index of sitemaps, each of a range of keys, so that a change
//! changes one of them, and none ever comes near the 50,000 addresses and 50 MB that it may have.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::Channel;
use super::atom::rfc3339;
use super::xml::{self, Document, element, text};
use crate::domain::error::Result;
use crate::domain::post::path;

pub(super) const CONTENT_TYPE: &str = "application/xml; charset=utf-8";

/// Keys of posts that one sitemap is for, all of which may be posts in it: slugs have at most 200
/// bytes, so that it has at most a few megabytes.
pub(super) const KEYS_OF_A_PART: i64 = 10_000;

const NAMESPACE: [(&str, &str); 1] = [("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9")];

/// The sitemap of the keys from `number * KEYS_OF_A_PART`. A sitemap speaks for the folder that it
/// is in, so all of them are at the top.
pub(super) fn part_path(number: i64) -> String {
    format!("/sitemap-{number}.xml")
}

/// Whether a path is that of such a sitemap.
pub(super) fn is_part(path: &str) -> bool {
    let number = path.strip_prefix("/sitemap-");
    let number = number.and_then(|rest| rest.strip_suffix(".xml"));
    let number = number.and_then(|number| number.parse::<i64>().ok());
    number.is_some_and(|number| part_path(number) == path && number >= 0)
}

/// A page of a sitemap.
struct Page {
    slug: String,
    updated_at: DateTime<Utc>,
}

/// Writes a sitemap. The first one has the front page of the site, too; any other that has no post
/// is none.
pub(super) async fn write_part(
    connection: &DatabaseTransaction,
    channel: &Channel,
    number: i64,
) -> Result<Option<String>> {
    let pages = pages(connection, channel, number).await?;
    if pages.is_empty() && number > 0 {
        return Ok(None);
    }
    let mut document = xml::document()?;
    element(&mut document, "urlset", &NAMESPACE, |document| {
        if number == 0 {
            url(document, &format!("{}/", channel.site_url), None)?;
        }
        for page in &pages {
            let address = format!("{}{}", channel.site_url, path(&page.slug));
            url(document, &address, Some(page.updated_at))?;
        }
        Ok(())
    })?;
    xml::finish(document).map(Some)
}

/// Writes the index over sitemaps: the path of each, and when it last changed.
pub(super) fn write_index(channel: &Channel, parts: &[(String, DateTime<Utc>)]) -> Result<String> {
    let mut document = xml::document()?;
    element(&mut document, "sitemapindex", &NAMESPACE, |document| {
        for (path, changed_at) in parts {
            element(document, "sitemap", &[], |document| {
                text(document, "loc", &format!("{}{path}", channel.public_url))?;
                text(document, "lastmod", &rfc3339(*changed_at))
            })?;
        }
        Ok(())
    })?;
    xml::finish(document)
}

fn url(document: &mut Document, address: &str, updated_at: Option<DateTime<Utc>>) -> Result<()> {
    element(document, "url", &[], |document| {
        text(document, "loc", address)?;
        match updated_at {
            Some(time) => text(document, "lastmod", &rfc3339(time)),
            None => Ok(()),
        }
    })
}

/// The pages of a range of keys that may be indexed and have their original here.
async fn pages(
    connection: &DatabaseTransaction,
    channel: &Channel,
    number: i64,
) -> Result<Vec<Page>> {
    let first = number * KEYS_OF_A_PART;
    let select = Query::select()
        .columns(["slug", "updated_at", "published_at", "seo_canonical"].map(|name| ("c", name)))
        .from_as("post", "p")
        .join_as(
            JoinType::InnerJoin,
            "post_content",
            "c",
            Expr::col(("c", "id")).equals(("p", "live_content")),
        )
        .and_where(Expr::col(("p", "id")).between(first, first + KEYS_OF_A_PART - 1))
        .and_where(Expr::col(("p", "live_content")).is_not_null())
        .and_where(Expr::col(("c", "needs_human_review")).eq(false))
        .order_by(("p", "id"), Order::Asc)
        .to_owned();
    let mut pages = Vec::new();
    for row in connection.query_all(&select).await? {
        let slug: String = row.try_get_by_index(0)?;
        let updated_at: DateTime<Utc> = row.try_get_by_index(1)?;
        let published_at: Option<DateTime<Utc>> = row.try_get_by_index(2)?;
        let canonical: Option<String> = row.try_get_by_index(3)?;
        let own = format!("{}{}", channel.site_url, path(&slug));
        if canonical.is_some_and(|url| is_elsewhere(&url, &own)) {
            continue;
        }
        pages.push(Page {
            slug,
            updated_at: published_at.map_or(updated_at, |time| Ord::max(time, updated_at)),
        });
    }
    Ok(pages)
}

/// Whether what a source calls the original is an address, and another one.
fn is_elsewhere(canonical: &str, own: &str) -> bool {
    (canonical.starts_with("https://") || canonical.starts_with("http://"))
        && canonical.trim_end_matches('/') != own
}
