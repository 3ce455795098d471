//! How much two posts resemble each other, and why.

use std::collections::BTreeMap;

use super::profile::Profile;
use super::vocabulary::{Entry, Vocabulary};
use super::{Reason, ReasonKind};

pub(super) const SAME_CODE_LANGUAGE: f64 = 0.5;
const SAME_DIFFICULTY: f64 = 0.25;
const SAME_WORDS: f64 = 2.0;
const MOST_REASONS: usize = 5;

/// How much two posts resemble each other, and why.
pub(super) struct Resemblance {
    pub(super) weight: f64,
    /// Strongest first.
    pub(super) reasons: Vec<Reason>,
}

impl Vocabulary {
    /// Compares a post, whose terms are in this vocabulary, with another. The formula is explained
    /// at the top of [`super`].
    pub(super) fn resemblance(&self, post: &Profile, other: &Profile) -> Resemblance {
        let mut shared: BTreeMap<&str, (ReasonKind, &Entry)> = BTreeMap::new();
        for term in post.terms.intersection(&other.terms) {
            let Some(entry) = self.get(*term) else {
                continue;
            };
            let rarest = shared
                .entry(&entry.key)
                .or_insert((ReasonKind::from(term.0), entry));
            if entry.rarity > rarest.1.rarity {
                *rarest = (ReasonKind::from(term.0), entry);
            }
        }
        let mut weighed: Vec<(f64, ReasonKind, &str)> = shared
            .into_values()
            .map(|(kind, entry)| (entry.rarity, kind, entry.name.as_str()))
            .collect();
        if let Some(language) = &post.code_language
            && post.code_language == other.code_language
        {
            weighed.push((SAME_CODE_LANGUAGE, ReasonKind::CodeLanguage, language));
        }
        if let Some(difficulty) = &post.difficulty
            && post.difficulty == other.difficulty
        {
            weighed.push((SAME_DIFFICULTY, ReasonKind::Difficulty, difficulty));
        }
        // Of equals, the first by name: that is the order they are in.
        weighed.sort_by(|(left, ..), (right, ..)| right.total_cmp(left));
        let weight: f64 = weighed.iter().map(|(weight, ..)| weight).sum();
        Resemblance {
            weight: weight + SAME_WORDS * words_in_common(post, other),
            reasons: weighed
                .into_iter()
                .take(MOST_REASONS)
                .map(|(_, kind, name)| Reason {
                    kind,
                    name: name.to_owned(),
                })
                .collect(),
        }
    }
}

/// The cosine of the two sets of words: 0 when they have none in common, 1 when they are the same.
#[allow(clippy::cast_precision_loss)]
fn words_in_common(post: &Profile, other: &Profile) -> f64 {
    let common = post.words.intersection(&other.words).count();
    if common == 0 {
        return 0.0;
    }
    common as f64 / (post.words.len() as f64 * other.words.len() as f64).sqrt()
}
