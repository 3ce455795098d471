//! Chance that depends on the seed and the index alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The longest list that [`Random::zipf`] knows.
const LONGEST_LIST: usize = 1024;

/// Sums of 1/1 + 1/2 + 1/3 + …, in millionths. Integers, so that every machine draws alike.
const CUMULATIVE_WEIGHTS: [u32; LONGEST_LIST] = {
    let mut weights = [0; LONGEST_LIST];
    let mut sum = 0;
    let mut rank = 0;
    while rank < LONGEST_LIST {
        sum += 1_000_000 / (rank as u32 + 1);
        weights[rank] = sum;
        rank += 1;
    }
    weights
};

/// The chance of one document. Numbers are derived from the generator here and not by a library,
/// so that a newer release of it cannot change the documents of a seed.
pub(super) struct Random(ChaCha8Rng);

impl Random {
    /// The chance of document `index` of `seed`.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(index);
        Self(generator)
    }

    /// A number below `end`, all equally likely; 0 when `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A number from 0 (excluded) to 1, all equally likely.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.below(1 << 24) + 1) as f64 / f64::from(1 << 24)
    }

    /// A number from 0 to 1, most often near 0.5: the mean of four.
    pub(super) fn hump(&mut self) -> f64 {
        (0..4).map(|_| self.fraction()).sum::<f64>() / 4.0
    }

    /// One of the items, all equally likely.
    pub(super) fn pick<T>(&mut self, items: &'static [T]) -> &'static T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of the items; the second half as often as the first, the third a third as often.
    pub(super) fn zipf<T>(&mut self, items: &'static [T]) -> &'static T {
        let known = items.len().min(LONGEST_LIST);
        let drawn = self.below(u64::from(CUMULATIVE_WEIGHTS[known - 1])) as u32;
        &items[CUMULATIVE_WEIGHTS[..known].partition_point(|sum| *sum <= drawn)]
    }

    /// Up to `count` different items, equally likely, in a random order.
    pub(super) fn several<T>(&mut self, items: &'static [T], count: usize) -> Vec<&'static T> {
        let mut waiting: Vec<&'static T> = items.iter().collect();
        let count = count.min(waiting.len());
        for position in 0..count {
            let other = self.between(position as u64, waiting.len() as u64 - 1);
            waiting.swap(position, other as usize);
        }
        waiting.truncate(count);
        waiting
    }
}

/// Spreads a number over all 64 bits (the finalizer of SplitMix64).
pub(super) fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Where `position` lands when the numbers below `count` are shuffled by `seed`: a Feistel cipher,
/// walked until it lands inside. It needs no table, so any position can be asked for first.
pub(super) fn shuffled(seed: u64, position: u64, count: u64) -> u64 {
    let half = (u64::BITS - count.leading_zeros()).div_ceil(2);
    let mask = (1 << half) - 1;
    let mut place = position;
    loop {
        let (mut left, mut right) = (place >> half, place & mask);
        for round in 0..4 {
            let key = mix(seed.wrapping_add(round));
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        place = (left << half) | right;
        if place < count {
            return place;
        }
    }
}
