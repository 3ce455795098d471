//! What machines subscribe to: the newest posts as RSS, Atom and JSON Feed, and all of them as
//! sitemaps. A job renders them when something else is live, so that serving one is reading a row.
//!
//! Feeds hold the newest 50 posts, each with its summary and a link: what readers want to read
//! whole they read on the site. Posts that search engines must not index, because a person has to
//! look at them first, are in neither; sitemaps leave out those, too, whose original is elsewhere.

mod atom;
mod entry;
mod json_feed;
mod render;
mod rss;
mod sitemap;
mod xml;

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::feed::{Entity, Model};
use sea_orm::EntityTrait;
use serde_json::json;

use super::actor::Actor;
use super::error::Result;
use super::permission::Action;
use super::transaction::{Store, Transaction};
use crate::queue::{NewJob, Priority};

pub use atom::write as atom;
pub use entry::Entry;
pub use json_feed::write as json_feed;
pub use render::{Rendering, render};
pub use rss::write as rss;

/// RSS 2.0.
pub const RSS_PATH: &str = "/feed.xml";
/// Atom.
pub const ATOM_PATH: &str = "/atom.xml";
/// JSON Feed 1.1.
pub const JSON_PATH: &str = "/feed.json";
/// The index of the sitemaps.
pub const SITEMAP_PATH: &str = "/sitemap.xml";

/// Posts of a feed.
pub const NEWEST: u64 = 50;

/// What feeds say of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// What it is called.
    pub name: String,
    /// Where it is, without a slash at the end.
    pub site_url: String,
    /// Where the feeds are, without a slash at the end.
    pub public_url: String,
}

/// A file as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedFile {
    /// Its media type.
    pub content_type: String,
    /// What it says.
    pub body: String,
    /// Its entity tag, in quotation marks.
    pub etag: String,
    /// When it last became another one.
    pub changed_at: DateTime<Utc>,
}

impl From<Model> for FeedFile {
    fn from(row: Model) -> Self {
        Self {
            content_type: row.content_type,
            body: row.body,
            etag: row.etag,
            changed_at: row.changed_at,
        }
    }
}

/// The kind of the jobs made by [`job`].
pub const JOB_KIND: &str = "render_feeds";

/// The job that renders everything, for a change of what is live. It waits a little, so that many
/// changes are rendered once.
pub fn job() -> NewJob {
    NewJob {
        kind: JOB_KIND,
        payload: json!({}),
        unique_key: Some(String::new()),
        priority: Priority::Low,
        delay: Duration::from_secs(5),
    }
}

/// Asks for everything to be rendered as the program that begins now renders it: there may be
/// nothing yet, or the settings may be others.
///
/// # Errors
///
/// Those of the database.
pub async fn render_soon(store: &Store) -> Result<()> {
    let mut transaction = Transaction::begin(store, Actor::Worker, Action::Maintain).await?;
    transaction.enqueue(NewJob {
        delay: Duration::ZERO,
        ..job()
    });
    transaction.commit().await
}

/// Whether something is served under a path once it is rendered.
pub fn is_path(path: &str) -> bool {
    [RSS_PATH, ATOM_PATH, JSON_PATH, SITEMAP_PATH].contains(&path) || sitemap::is_part(path)
}

/// The file under a path; none when it is not rendered yet, or there is none.
///
/// # Errors
///
/// Those of the database.
pub async fn find(store: &Store, path: &str) -> Result<Option<FeedFile>> {
    let reader = store.database.reader();
    let found = Entity::find_by_id(path).one(reader).await?;
    Ok(found.map(FeedFile::from))
}
