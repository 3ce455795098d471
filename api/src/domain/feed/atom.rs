//! The newest posts as Atom (RFC 4287).

use chrono::{DateTime, SecondsFormat, Utc};

use super::entry::{last_change, urn};
use super::xml::{self, Document, element, empty, text};
use super::{ATOM_PATH, Channel, Entry};
use crate::domain::error::Result;

pub(super) const CONTENT_TYPE: &str = "application/atom+xml; charset=utf-8";

/// Writes it. A post whose author is not known is the site's.
///
/// # Errors
///
/// None that happen: it is written to memory.
pub fn write(channel: &Channel, entries: &[Entry]) -> Result<String> {
    let mut document = xml::document()?;
    let namespace = [("xmlns", "http://www.w3.org/2005/Atom")];
    element(&mut document, "feed", &namespace, |document| {
        text(
            document,
            "id",
            &urn(&format!("{} {ATOM_PATH}", channel.site_url)),
        )?;
        text(document, "title", &channel.name)?;
        text(document, "updated", &rfc3339(last_change(entries)))?;
        let itself = format!("{}{ATOM_PATH}", channel.public_url);
        let link = [
            ("href", itself.as_str()),
            ("rel", "self"),
            ("type", "application/atom+xml"),
        ];
        empty(document, "link", &link)?;
        alternate(document, &format!("{}/", channel.site_url))?;
        author(document, &channel.name)?;
        for entry in entries {
            element(document, "entry", &[], |document| {
                text(document, "id", &entry.urn())?;
                text(document, "title", &entry.title)?;
                alternate(document, &entry.url(channel))?;
                text(document, "published", &rfc3339(entry.published_at))?;
                text(document, "updated", &rfc3339(entry.updated_at))?;
                if let Some(name) = &entry.author {
                    author(document, name)?;
                }
                text(document, "summary", entry.text())
            })?;
        }
        Ok(())
    })?;
    xml::finish(document)
}

fn alternate(document: &mut Document, url: &str) -> Result<()> {
    let link = [("href", url), ("rel", "alternate"), ("type", "text/html")];
    empty(document, "link", &link)
}

fn author(document: &mut Document, name: &str) -> Result<()> {
    element(document, "author", &[], |document| {
        text(document, "name", name)
    })
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
