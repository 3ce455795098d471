//! What a post is about, and its title and slug: each combination of problem, stack, angle and
//! scope once, in an order shuffled by the seed.

use std::sync::LazyLock;

use super::random::shuffled;
use super::vocabulary::{Angle, Stack, VOCABULARY};

/// What a post is about.
pub(super) struct Subject {
    /// The technology.
    pub(super) stack: &'static Stack,
    /// The problem, e.g. `handling background jobs`.
    pub(super) problem: &'static str,
    /// Where it appears; may be empty.
    pub(super) scope: &'static str,
    /// The way the post looks at it.
    pub(super) angle: &'static Angle,
    /// 1, until all combinations are used up; then 2, and so on.
    pub(super) round: u64,
}

/// The first combination after those of each stack. Popular stacks have more scopes, and so more
/// posts.
static ENDS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut end = 0;
    let stacks = VOCABULARY.stacks.iter().enumerate();
    let ends = stacks.map(|(rank, stack)| {
        end += stack.problems.len() as u64 * VOCABULARY.angles.len() as u64 * scopes(rank);
        end
    });
    ends.collect()
});

/// How many scopes the stack of that rank has: all for the first, a fifth for the last.
fn scopes(rank: usize) -> u64 {
    let (all, last) = (
        VOCABULARY.scopes.len() as u64,
        VOCABULARY.stacks.len() as u64,
    );
    all - (all * 4 / 5) * rank as u64 / last
}

impl Subject {
    /// The subject of document `index`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let count = ENDS.last().copied().unwrap_or(1);
        let mut place = shuffled(seed, index % count, count);
        let rank = ENDS.partition_point(|end| *end <= place);
        place -= rank.checked_sub(1).map_or(0, |before| ENDS[before]);

        let stack = &VOCABULARY.stacks[rank];
        let (scopes, angles) = (scopes(rank), VOCABULARY.angles.len() as u64);
        Self {
            stack,
            problem: stack.problems[(place / scopes / angles) as usize],
            scope: VOCABULARY.scopes[(place % scopes) as usize],
            angle: &VOCABULARY.angles[(place / scopes % angles) as usize],
            round: index / count + 1,
        }
    }

    /// The last part of the post's path.
    pub(super) fn slug(&self) -> String {
        let parts = [self.problem, self.stack.slug, self.scope, self.angle.slug];
        let mut slug = slugify(&parts.join(" "));
        if self.round > 1 {
            slug.push_str(&format!("-part-{}", self.round));
        }
        slug
    }
}

/// Letters and digits in lower case, everything between them as one hyphen.
pub(super) fn slugify(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}
