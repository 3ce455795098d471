//! Dates, scores and view counts that belong together.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

use super::random::Random;
use crate::domain::post::Difficulty;
use crate::transfer::Score;

/// 2026-01-01T00:00:00Z: every date is before it, so that no document depends on the clock.
const END: i64 = 1_767_225_600;

const DAY: i64 = 86_400;

/// The posts were written within ten years.
const SPAN: f64 = (3_652 * DAY) as f64;

/// The post in the middle of those years: a site gets its posts one after the other, and more of
/// them in later years.
const MIDDLE: f64 = 50_000.0;

/// How far posts are out of the order of their dates, as a part of the ten years: some wait long
/// before they are handed in.
const DISORDER: f64 = 0.03;

/// When a post was written, published and last changed.
pub(super) struct Dates {
    pub(super) created: DateTime<Utc>,
    pub(super) published: Option<DateTime<Utc>>,
    pub(super) updated: DateTime<Utc>,
}

/// The moment before which everything has happened.
pub(super) fn end() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(END)
}

/// A moment from `first` until the end, most often soon after `first`.
pub(super) fn soon_after(random: &mut Random, first: DateTime<Utc>) -> DateTime<Utc> {
    let eagerness = random.fraction();
    let room = (end() - first).num_seconds().max(1) as f64;
    let seconds = (room * eagerness * eagerness) as i64;
    (first + TimeDelta::seconds(seconds))
        .min(end() - TimeDelta::seconds(1))
        .max(first)
}

impl Dates {
    /// Dates of post `index`. Some are published at midnight, as when only the day is known, so that
    /// many share the same moment. A post that was not edited may be as it was published.
    pub(super) fn new(random: &mut Random, index: u64, published: bool, edited: bool) -> Self {
        let in_turn = MIDDLE / (MIDDLE + index as f64);
        let age = in_turn * (1.0 - DISORDER) + random.fraction() * DISORDER;
        // At least three days before the end, so that a post can wait for its publication.
        let created =
            end() - TimeDelta::seconds(3 * DAY + (age * (SPAN - 4.0 * DAY as f64)) as i64);
        if !published {
            let updated = soon_after(random, created);
            return Self {
                created,
                published: None,
                updated,
            };
        }
        let waiting = random.fraction() * random.fraction() * 40.0 * DAY as f64;
        let mut first = created + TimeDelta::seconds(waiting as i64);
        if first >= end() {
            first = created + TimeDelta::hours(1);
        }
        if random.chance(35) {
            let midnight = first.date_naive().and_time(NaiveTime::MIN).and_utc() + Days::new(1);
            if midnight < end() {
                first = midnight;
            }
        }
        let updated = match !edited && random.chance(40) {
            true => first,
            false => soon_after(random, first),
        };
        Self {
            created,
            published: Some(first),
            updated,
        }
    }
}

/// An assessment that fits the post: long and advanced ones are deep, advanced ones less clear, old
/// ones less fresh, and quality follows depth and clarity.
pub(super) fn score(
    random: &mut Random,
    difficulty: Difficulty,
    words: usize,
    age: TimeDelta,
) -> Score {
    let level = match difficulty {
        Difficulty::Beginner => 0.0,
        Difficulty::Intermediate => 1.0,
        Difficulty::Advanced => 2.0,
    };
    let years = age.num_days() as f64 / 365.0;
    let mut noise = |width: f64| (random.hump() - 0.5) * width;
    let depth = 35.0 + 11.0 * level + words as f64 / 35.0 + noise(40.0);
    let clarity = 84.0 - 7.0 * level + noise(45.0);
    let freshness = 95.0 - 8.0 * years + noise(25.0);
    let quality = 12.0 + 0.45 * depth + 0.4 * clarity + noise(30.0);
    Score {
        quality: percent(quality),
        freshness: percent(freshness),
        depth: percent(depth),
        clarity: percent(clarity),
        assessed_at: None,
        assessor: None,
    }
}

fn percent(value: f64) -> u8 {
    value.round().clamp(0.0, 100.0) as u8
}

/// How often a post was viewed: few are viewed very often (a Pareto distribution), and more so the
/// better and the older they are. Only roots, which every machine computes alike.
pub(super) fn view_count(random: &mut Random, quality: u8, age: TimeDelta) -> u64 {
    let root = random.fraction().sqrt();
    let rarity = 1.0 / (root * root.sqrt());
    let months = age.num_days() as f64 / 30.0;
    let views = 15.0 * (1.0 + months).sqrt() * f64::from(quality) / 10.0 * rarity;
    (views as u64).min(5_000_000)
}
