//! The newest posts as RSS 2.0.

use super::entry::last_change;
use super::xml::{self, element, empty, text, text_with};
use super::{Channel, Entry, RSS_PATH};
use crate::domain::error::Result;

pub(super) const CONTENT_TYPE: &str = "application/rss+xml; charset=utf-8";

/// Writes it. The names of authors have an element of Dublin Core: that of RSS takes addresses.
///
/// # Errors
///
/// None that happen: it is written to memory.
pub fn write(channel: &Channel, entries: &[Entry]) -> Result<String> {
    let mut document = xml::document()?;
    let namespaces = [
        ("version", "2.0"),
        ("xmlns:atom", "http://www.w3.org/2005/Atom"),
        ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
    ];
    element(&mut document, "rss", &namespaces, |document| {
        element(document, "channel", &[], |document| {
            text(document, "title", &channel.name)?;
            text(document, "link", &format!("{}/", channel.site_url))?;
            let description = format!("The newest posts of {}", channel.name);
            text(document, "description", &description)?;
            let itself = format!("{}{RSS_PATH}", channel.public_url);
            let link = [
                ("href", itself.as_str()),
                ("rel", "self"),
                ("type", "application/rss+xml"),
            ];
            empty(document, "atom:link", &link)?;
            if !entries.is_empty() {
                text(
                    document,
                    "lastBuildDate",
                    &last_change(entries).to_rfc2822(),
                )?;
            }
            for entry in entries {
                element(document, "item", &[], |document| {
                    text(document, "title", &entry.title)?;
                    text(document, "link", &entry.url(channel))?;
                    text_with(document, "guid", &[("isPermaLink", "false")], &entry.urn())?;
                    if let Some(author) = &entry.author {
                        text(document, "dc:creator", author)?;
                    }
                    text(document, "pubDate", &entry.published_at.to_rfc2822())?;
                    text(document, "description", &as_html(entry.text()))
                })?;
            }
            Ok(())
        })
    })?;
    xml::finish(document)
}

/// Readers take a description for HTML.
fn as_html(text: &str) -> String {
    quick_xml::escape::partial_escape(text).into_owned()
}
