//! The newest posts as JSON Feed 1.1.

use serde_json::{Value, json};

use super::atom::rfc3339;
use super::{Channel, Entry, JSON_PATH};
use crate::domain::error::Result;

pub(super) const CONTENT_TYPE: &str = "application/feed+json; charset=utf-8";

/// Writes it.
///
/// # Errors
///
/// None that happen: it is written to memory.
pub fn write(channel: &Channel, entries: &[Entry]) -> Result<String> {
    let items: Vec<Value> = entries.iter().map(|entry| item(channel, entry)).collect();
    let feed = json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.name,
        "description": format!("The newest posts of {}", channel.name),
        "home_page_url": format!("{}/", channel.site_url),
        "feed_url": format!("{}{JSON_PATH}", channel.public_url),
        "items": items,
    });
    Ok(serde_json::to_string_pretty(&feed)?)
}

fn item(channel: &Channel, entry: &Entry) -> Value {
    let mut item = json!({
        "id": entry.urn(),
        "url": entry.url(channel),
        "title": entry.title,
        "content_text": entry.text(),
        "date_published": rfc3339(entry.published_at),
        "date_modified": rfc3339(entry.updated_at),
    });
    if let Some(author) = &entry.author {
        item["authors"] = json!([{ "name": author }]);
    }
    item
}
