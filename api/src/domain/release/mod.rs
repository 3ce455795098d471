//! Releases: posts that go live, or out of sight, together, and can be taken back together.
//!
//! A release holds at most one item a post: the revision that is to be live, or that the post is to
//! be unpublished. Shipping remembers what was live before; rolling back restores that. Both are
//! one transaction: all of it or nothing.

mod conflict;
mod details;
mod edit;
mod items;
mod lock;
mod obstacle;
mod plan;
mod preview;
mod read;
mod roll_back;
mod schedule;
mod ship;
mod source;
mod wanting;

use chrono::{DateTime, Utc};

pub use conflict::{Conflict, ConflictKind};
pub use details::{Details, DetailsPatch};
pub use edit::{create, delete, update};
pub use items::{add, remove};
pub use obstacle::{Choice, LaterEdits, Obstacle, ObstacleKind};
pub use preview::{LeftRedirect, PlannedChange, Preview, preview};
pub use read::{ReleaseFilter, count, find, items_of, list};
pub use roll_back::roll_back;
pub use schedule::{JOB_KIND, JobPayload, cancel, schedule, ship_as_scheduled};
pub use ship::ship;
pub(in crate::domain) use wanting::wanting;

/// The most posts of one release.
pub const MOST_ITEMS: usize = super::post::MOST_SWITCHES;

/// Where a release stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReleaseStatus {
    /// Being put together.
    #[default]
    Open,
    /// Going to ship by itself at a set time.
    Scheduled,
    /// Shipped.
    Shipped,
    /// Shipped, and taken back.
    RolledBack,
}

impl ReleaseStatus {
    const ALL: [Self; 4] = [Self::Open, Self::Scheduled, Self::Shipped, Self::RolledBack];

    /// The word in the database.
    pub(in crate::domain) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Scheduled => "scheduled",
            Self::Shipped => "shipped",
            Self::RolledBack => "rolled_back",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Whether it has still to ship.
    pub(in crate::domain) fn is_ahead(self) -> bool {
        matches!(self, Self::Open | Self::Scheduled)
    }

    /// In a sentence after "the release".
    fn in_words(self) -> &'static str {
        match self {
            Self::Open => "is open",
            Self::Scheduled => "is scheduled",
            Self::Shipped => "has shipped",
            Self::RolledBack => "was rolled back",
        }
    }
}

/// Posts that go live, or out of sight, together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Release {
    /// Its key.
    pub id: i64,
    /// Where it stands.
    pub status: ReleaseStatus,
    /// What people wrote about it.
    pub details: Details,
    /// How many posts it holds.
    pub item_count: i64,
    /// When it is to ship by itself.
    pub ship_at: Option<DateTime<Utc>>,
    /// Why it did not ship when it was to; none once it is scheduled again or has shipped.
    pub ship_failure: Option<ShipFailure>,
    /// When it shipped.
    pub shipped_at: Option<DateTime<Utc>>,
    /// When it was rolled back.
    pub rolled_back_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Why a release did not ship when it was to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShipFailure {
    /// When that was found.
    pub at: DateTime<Utc>,
    /// Each a sentence.
    pub problems: Vec<String>,
}

/// What a release does to one post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseItem {
    /// Its key.
    pub id: i64,
    /// The release.
    pub release_id: i64,
    /// The post, which may have been deleted since.
    pub post_id: i64,
    /// The reference of the post.
    pub post_reference: String,
    /// The title of the post when it was added.
    pub post_title: String,
    /// The revision that goes live; none when the post is unpublished.
    pub revision_id: Option<i64>,
    /// What was live before the release shipped; none when the post was not live.
    pub replaced_content: Option<i64>,
    /// Whether the rollback brought that back; false where it kept a later edit.
    pub restored: Option<bool>,
}
