//! Since when answers that were made from a tag are out of date.
//!
//! Changes are numbered in the order in which this process hears of them. Each tag has a place that
//! holds the number of the last change that touched it; tags share places, so that there is a bound
//! to them, and what shares one is out of date a little too often, never too seldom.

use std::fmt::{self, Write};
use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::cache_tag::{CacheTag, joined};

/// Where PostgreSQL is told which tags a change touched.
pub const CHANNEL: &str = "alphanode_tags";

/// PostgreSQL takes no longer message than 8,000 bytes.
const LONGEST_MESSAGE: usize = 7_900;

/// As [`CacheTag::All`] is written.
const EVERYTHING: &str = "*";

/// The message that tells other processes of tags: as [`CacheTag`] writes them, with a space between,
/// or that it is too many to name.
pub fn message<'tag>(tags: impl IntoIterator<Item = &'tag CacheTag>) -> String {
    let text = joined(tags);
    match text.len() > LONGEST_MESSAGE {
        true => EVERYTHING.to_owned(),
        false => text,
    }
}

/// A power of two.
const PLACES: usize = 1 << 15;

/// Since when answers that were made from a tag are out of date.
#[derive(Clone, Debug, Default)]
pub struct TagVersions(Arc<Versions>);

/// A point between two changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// Where the tags of an answer are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places(Box<[u16]>);

impl Places {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

struct Versions {
    /// The number of the last change.
    now: AtomicU64,
    /// The last change that touched everything.
    everything: AtomicU64,
    places: Box<[AtomicU64]>,
    /// Held while a change is being noted.
    noting: Mutex<()>,
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            now: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            noting: Mutex::default(),
        }
    }
}

impl fmt::Debug for Versions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Versions")
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl TagVersions {
    /// Now. What is read after this has in it whatever was told before.
    pub fn now(&self) -> Moment {
        Moment(self.0.now.load(Ordering::Acquire))
    }

    /// Notes that a change touched these tags. It must have been committed, so that whoever reads
    /// after this sees it.
    pub fn bump<'tag>(&self, tags: impl IntoIterator<Item = &'tag CacheTag>) {
        self.note(|number| {
            for tag in tags {
                self.touch(*tag == CacheTag::All, tag, number);
            }
        });
    }

    /// The same for the [`message`] of another process.
    pub fn bump_message(&self, message: &str) {
        self.note(|number| {
            for tag in message.split_ascii_whitespace() {
                self.touch(tag == EVERYTHING, tag, number);
            }
        });
    }

    /// Notes that anything may have changed.
    pub fn bump_everything(&self) {
        self.bump(&[CacheTag::All]);
    }

    /// The places of tags.
    pub fn places<'tag>(&self, tags: impl IntoIterator<Item = &'tag CacheTag>) -> Places {
        let index = |tag| u16::try_from(place(tag)).unwrap_or_default();
        let mut places: Vec<u16> = tags.into_iter().map(index).collect();
        places.sort_unstable();
        places.dedup();
        Places(places.into())
    }

    /// Whether any of the tags was touched after `moment`.
    pub fn touched_since(&self, moment: Moment, places: &Places) -> bool {
        self.0.everything.load(Ordering::Acquire) > moment.0
            || places
                .0
                .iter()
                .any(|place| self.0.places[usize::from(*place)].load(Ordering::Acquire) > moment.0)
    }

    fn touch(&self, everything: bool, tag: impl fmt::Display, number: u64) {
        let touched = match everything {
            true => &self.0.everything,
            false => &self.0.places[place(tag)],
        };
        touched.store(number, Ordering::Release);
    }

    /// The places are written before the number is: whoever sees the number sees what it stands for.
    /// The other way round, somebody could look between the two, find nothing touched, and remember
    /// that up to this number nothing was.
    fn note(&self, touch: impl FnOnce(u64)) {
        let one_at_a_time = self.0.noting.lock();
        let _held = one_at_a_time.unwrap_or_else(PoisonError::into_inner);
        let number = self.0.now.load(Ordering::Relaxed) + 1;
        touch(number);
        self.0.now.store(number, Ordering::Release);
    }
}

/// Where the tag that is written like this is kept. The same in all processes, though none relies
/// on it.
fn place(tag: impl fmt::Display) -> usize {
    let mut text = Hashed(std::hash::DefaultHasher::new());
    // Hashing can't fail.
    let _ = write!(text, "{tag}");
    let hash = text.0.finish() & (PLACES as u64 - 1);
    usize::try_from(hash).unwrap_or_default()
}

/// Hashes what is written to it, without keeping it.
struct Hashed(std::hash::DefaultHasher);

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: CacheTag = CacheTag::Row("post", 17);
    const TOOL: CacheTag = CacheTag::Row("tool", 3);

    #[test]
    fn what_was_read_before_a_change_is_out_of_date_after_it() {
        let versions = TagVersions::default();
        let places = versions.places(&[POST, CacheTag::List("post")]);
        let before = versions.now();
        versions.bump(&[TOOL]);
        assert!(!versions.touched_since(before, &places));
        versions.bump(&[POST]);
        assert!(versions.touched_since(before, &places));
        assert!(!versions.touched_since(versions.now(), &places));
    }

    #[test]
    fn a_tag_that_came_as_text_is_the_same_tag() {
        let versions = TagVersions::default();
        let places = versions.places(&[CacheTag::List("entity")]);
        let before = versions.now();
        versions.bump_message("post:17 list:entities");
        assert!(versions.touched_since(before, &places));
    }

    #[test]
    fn tags_that_are_too_many_to_name_are_everything() {
        let few = [POST, CacheTag::List("post")];
        assert_eq!(message(&few), "post:17 list:posts");
        let many: Vec<CacheTag> = (0..2_000).map(|id| CacheTag::Row("post", id)).collect();
        assert_eq!(message(&many), "*");
        let versions = TagVersions::default();
        let (before, places) = (versions.now(), versions.places(&[TOOL]));
        versions.bump_message("*");
        assert!(versions.touched_since(before, &places));
    }

    #[test]
    fn everything_is_out_of_date_at_once() {
        let versions = TagVersions::default();
        let places = versions.places(&[]);
        let before = versions.now();
        versions.bump_everything();
        assert!(versions.touched_since(before, &places));
    }
}
