//! Answers that are ready to be sent again: what anonymous readers of published content asked for,
//! as bytes, with everything that has to be known to send them.
//!
//! An answer is kept with the tags of what it was made from and the moment before it was read. Once
//! one of the tags is touched after that moment it is never sent again, and so an answer that began
//! before a change was committed can't outlive it. What other processes change is told by the
//! database (`foundation/news.rs`); while nothing can be heard from there, nothing is sent from here.

mod entry;
mod flight;
mod rules;
mod trust;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use moka::sync::Cache;

use self::flight::Flights;
use self::rules::Rules;
use self::trust::Trust;
use crate::domain::cache_rule::{Policy, RuleSet};
use crate::domain::error::Result;
use crate::domain::transaction::Store;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::news::News;
use crate::foundation::tag_versions::{CHANNEL, Moment, TagVersions};

pub use self::entry::{EntityTags, Entry, NewEntry, TagHeaders};
pub use self::flight::{Flight, Landing};

/// What a request is kept under.
pub type Key = Arc<str>;

/// Answers that are ready to be sent again.
#[derive(Clone, Debug)]
pub struct ResponseCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    entries: Cache<Key, Arc<Entry>>,
    /// Whether anything may be kept at all.
    on: bool,
    versions: TagVersions,
    trust: Trust,
    flights: Flights,
    rules: Rules,
}

/// An answer that may be sent.
#[derive(Clone, Debug)]
pub enum Found {
    /// As good as new.
    Fresh(Arc<Entry>),
    /// Past its age, though nothing that it was made from has been touched: it may be sent while it is
    /// being made anew.
    Stale(Arc<Entry>),
}

impl ResponseCache {
    /// A cache of so many bytes, over what a store tells; none keeps nothing.
    pub fn new(bytes: u64, store: Store) -> Self {
        let weight = |key: &Key, entry: &Arc<Entry>| {
            u32::try_from(key.len() + entry.bytes()).unwrap_or(u32::MAX)
        };
        Self(Arc::new(Inner {
            entries: Cache::builder().max_capacity(bytes).weigher(weight).build(),
            on: bytes > 0,
            versions: store.versions.clone(),
            trust: Trust::default(),
            flights: Flights::default(),
            rules: Rules::new(store),
        }))
    }

    /// Takes in what the database tells of other processes.
    pub fn hear(&self, news: &News) {
        let Inner {
            versions, trust, ..
        } = &*self.0;
        match news {
            News::Connected | News::Written => versions.bump_everything(),
            News::Said { channel, payload } if channel == CHANNEL => versions.bump_message(payload),
            News::Said { .. } => {}
            News::UpToDate { until } => trust.until(*until),
            News::Lost => trust.end(),
        }
    }

    /// Relies on what is kept for so long from now on. It is what [`ResponseCache::hear`] does as long
    /// as the database answers.
    pub fn trust(&self, time: Duration) {
        self.0.trust.until(Instant::now() + time);
    }

    /// The point between changes that it is now; to be taken before anything is read for an answer.
    pub fn now(&self) -> Moment {
        self.0.versions.now()
    }

    /// What is kept for a request, when it may be sent.
    pub fn find(&self, key: &str, now: DateTime<Utc>) -> Option<Found> {
        if !self.is_trusted() {
            return None;
        }
        let entry = self.0.entries.get(key)?;
        let found = self.judge(&entry, now);
        if found.is_none() {
            self.0.entries.invalidate(key);
        }
        found
    }

    /// Keeps an answer, unless something it was made from has been touched meanwhile.
    pub fn keep(&self, key: Key, entry: &Arc<Entry>) {
        if self.0.on && !self.is_out_of_date(entry) {
            self.0.entries.insert(key, Arc::clone(entry));
        }
    }

    /// Whether an answer that somebody else waited for may be sent to one who came later.
    pub fn may_share(&self, entry: &Entry) -> bool {
        self.is_trusted() && !self.is_out_of_date(entry)
    }

    /// Takes part in making an answer: the first makes it, those who come meanwhile wait for it.
    pub fn join(&self, key: &Key) -> Flight {
        self.0.flights.join(key)
    }

    /// The rules as they are now.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn rules(&self) -> Result<Arc<RuleSet>> {
        self.0.rules.current(self.is_trusted()).await
    }

    /// Makes an answer ready to be kept.
    pub fn entry(&self, new: NewEntry) -> Entry {
        // A rule that changes ends what was kept by it.
        let rules = [CacheTag::List("cache_rule")];
        let places = self.0.versions.places(new.tags.iter().chain(&rules));
        Entry::new(new, places)
    }

    /// How many answers are kept.
    pub fn entries(&self) -> u64 {
        self.0.entries.entry_count()
    }

    /// How many bytes they have together.
    pub fn bytes(&self) -> u64 {
        self.0.entries.weighted_size()
    }

    fn judge(&self, entry: &Arc<Entry>, now: DateTime<Utc>) -> Option<Found> {
        if self.is_out_of_date(entry) {
            return None;
        }
        let Policy {
            shared_max_age,
            stale_while_revalidate,
            ..
        } = entry.policy;
        let age = entry.age(now);
        if age < u64::from(shared_max_age) {
            Some(Found::Fresh(Arc::clone(entry)))
        } else if age < u64::from(shared_max_age) + u64::from(stale_while_revalidate) {
            Some(Found::Stale(Arc::clone(entry)))
        } else {
            None
        }
    }

    fn is_out_of_date(&self, entry: &Entry) -> bool {
        self.0.versions.touched_since(entry.read_at, &entry.places)
    }

    fn is_trusted(&self) -> bool {
        self.0.on && self.0.trust.holds()
    }
}
