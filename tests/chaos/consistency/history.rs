//! What writers did and readers saw, and whether both can be true.
//!
//! Each post is a register that holds a number. One writer writes it, with greater and greater
//! numbers: an odd one is saved and never published, an even one is published.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// Who published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// This node, at the first attempt.
    Node(usize),
    /// A node, but which of the attempts did it is not known.
    SomeNode,
    /// A process that serves nobody.
    Outside,
}

/// A number was published. Times are since the run began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Publication {
    pub(super) post: usize,
    pub(super) number: u32,
    pub(super) origin: Origin,
    /// Before its first attempt.
    pub(super) asked: Duration,
    /// When whoever published was told so.
    pub(super) answered: Duration,
}

/// A number was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub(super) node: usize,
    /// Which of the documents that readers send.
    pub(super) document: usize,
    pub(super) post: usize,
    pub(super) number: u32,
    pub(super) asked: Duration,
    pub(super) answered: Duration,
    /// Whether it came from the cache.
    pub(super) kept: bool,
}

/// How long after a publication was answered what was live before may be seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// On the node that was asked to publish.
    pub(super) same_node: Duration,
    /// On other nodes.
    pub(super) other_node: Duration,
    /// When a process published that serves nobody.
    pub(super) outside: Duration,
}

impl Bounds {
    fn of(&self, origin: Origin, node: usize) -> Duration {
        match origin {
            Origin::Node(writer) if writer == node => self.same_node,
            Origin::Outside => self.outside,
            _ => self.other_node,
        }
    }
}

/// A whole run.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) publications: Vec<Publication>,
    pub(super) sightings: Vec<Sighting>,
}

impl History {
    /// What cannot be: nothing, if the cache is right.
    pub(super) fn faults(&self, bounds: &Bounds) -> Vec<String> {
        let mut faults = self.drafts_and_stale(bounds);
        faults.extend(self.backwards());
        faults
    }

    /// The longest time after the answer to a publication that something older was seen on another
    /// node, or on any when a process published that serves nobody.
    pub(super) fn longest_lag(&self) -> Duration {
        let published = self.published();
        let lags = self.sightings.iter().filter_map(|seen| {
            let newer = published.get(&seen.post)?.iter();
            let mut newer = newer.filter(|done| done.number > seen.number);
            let lag = seen.asked.checked_sub(newer.next()?.answered)?;
            Some(lag)
        });
        lags.max().unwrap_or_default()
    }

    /// Of each post, in the order of their numbers.
    fn published(&self) -> HashMap<usize, Vec<Publication>> {
        let mut published: HashMap<usize, Vec<Publication>> = HashMap::new();
        for publication in &self.publications {
            published
                .entry(publication.post)
                .or_default()
                .push(*publication);
        }
        for publications in published.values_mut() {
            publications.sort_by_key(|publication| publication.number);
        }
        published
    }

    /// Sightings of what was not published yet, or not any more.
    fn drafts_and_stale(&self, bounds: &Bounds) -> Vec<String> {
        let published = self.published();
        let nothing = Vec::new();
        let fault = |seen: &Sighting| {
            let publications = published.get(&seen.post).unwrap_or(&nothing);
            let found = publications.binary_search_by_key(&seen.number, |done| done.number);
            let Ok(found) = found else {
                return Some(format!("a draft was seen: {seen:?}"));
            };
            if publications[found].asked > seen.answered {
                return Some(format!("seen before it was asked for: {seen:?}"));
            }
            // One writer publishes them one after the other, so of those that follow, few were
            // answered before this was asked.
            let later = publications[found + 1..].iter();
            let mut later = later.take_while(|done| done.answered <= seen.asked);
            let due =
                later.find(|done| seen.asked >= done.answered + bounds.of(done.origin, seen.node));
            due.map(|done| {
                let late = seen.asked - done.answered;
                format!("stale by {late:?}: {seen:?}, although {done:?}")
            })
        };
        self.sightings.iter().filter_map(fault).collect()
    }

    /// Sightings of less than what the same document had shown on the same node before it was asked.
    fn backwards(&self) -> Vec<String> {
        let mut by_place: BTreeMap<(usize, usize, usize), Vec<Sighting>> = BTreeMap::new();
        for seen in &self.sightings {
            by_place
                .entry((seen.node, seen.document, seen.post))
                .or_default()
                .push(*seen);
        }
        let mut faults = Vec::new();
        for mut asked in by_place.into_values() {
            let mut answered = asked.clone();
            asked.sort_by_key(|seen| seen.asked);
            answered.sort_by_key(|seen| seen.answered);
            let mut before = answered.into_iter().peekable();
            let mut newest: Option<Sighting> = None;
            for seen in asked {
                while let Some(earlier) = before.next_if(|earlier| earlier.answered < seen.asked) {
                    if newest.is_none_or(|newest| newest.number < earlier.number) {
                        newest = Some(earlier);
                    }
                }
                if let Some(newest) = newest.filter(|newest| newest.number > seen.number) {
                    faults.push(format!("backwards: {seen:?} after {newest:?}"));
                }
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        same_node: Duration::ZERO,
        other_node: Duration::from_millis(20),
        outside: Duration::from_millis(5),
    };

    fn published(number: u32, origin: Origin, asked: u64, answered: u64) -> Publication {
        Publication {
            post: 0,
            number,
            origin,
            asked: Duration::from_millis(asked),
            answered: Duration::from_millis(answered),
        }
    }

    fn seen(node: usize, number: u32, asked: u64, answered: u64) -> Sighting {
        Sighting {
            node,
            document: 0,
            post: 0,
            number,
            asked: Duration::from_millis(asked),
            answered: Duration::from_millis(answered),
            kept: true,
        }
    }

    fn faults(sightings: &[Sighting]) -> Vec<String> {
        let history = History {
            publications: vec![
                published(2, Origin::Outside, 0, 10),
                published(4, Origin::Node(0), 100, 110),
                published(6, Origin::Outside, 200, 210),
            ],
            sightings: sightings.to_vec(),
        };
        let faults = history.faults(&BOUNDS).into_iter();
        faults
            .map(|fault| fault.split(':').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn what_may_be_is_no_fault() {
        let sightings = [
            seen(0, 2, 5, 6),
            // While it is published, either may be seen; who asked first may be answered last.
            seen(0, 4, 101, 105),
            seen(0, 2, 104, 120),
            seen(0, 4, 110, 111),
            // Another node may be behind for a while.
            seen(1, 2, 129, 140),
            seen(1, 4, 131, 135),
            seen(0, 4, 214, 220),
            seen(0, 6, 215, 220),
            seen(1, 6, 230, 231),
        ];
        assert_eq!(faults(&sightings), Vec::<String>::new());
    }

    #[test]
    fn what_may_not_be_is_found() {
        assert_eq!(faults(&[seen(0, 3, 50, 51)]), ["a draft was seen"]);
        assert_eq!(
            faults(&[seen(0, 4, 50, 99)]),
            ["seen before it was asked for"]
        );
        assert_eq!(faults(&[seen(0, 2, 110, 111)]), ["stale by 0ns"]);
        assert_eq!(faults(&[seen(1, 2, 130, 140)]), ["stale by 20ms"]);
        assert_eq!(faults(&[seen(0, 4, 215, 216)]), ["stale by 5ms"]);
        assert_eq!(
            faults(&[seen(1, 4, 112, 113), seen(1, 2, 114, 115)]),
            ["backwards"]
        );
        // Not even the one after next.
        assert_eq!(faults(&[seen(1, 2, 212, 213)]), ["stale by 102ms"]);
    }

    #[test]
    fn the_longest_lag_is_measured() {
        let history = History {
            publications: vec![
                published(2, Origin::Outside, 0, 10),
                published(4, Origin::Node(0), 100, 110),
            ],
            sightings: vec![
                seen(1, 2, 105, 120),
                seen(1, 2, 113, 120),
                seen(1, 4, 200, 201),
            ],
        };
        assert_eq!(history.longest_lag(), Duration::from_millis(3));
    }
}
