//! The words and figures of the metadata become values.

use chrono::NaiveDate;
use serde_json::Value;

use crate::domain::post::{Difficulty, RevisionStatus};
use crate::transfer::import::dates;

/// A value, or how it should have been written.
pub(super) type Taken<T> = Result<T, &'static str>;

pub(super) fn minutes(text: &str) -> Taken<u32> {
    digits(text).ok_or("write the minutes as a whole number, e.g. `13`")
}

pub(super) fn count(text: &str) -> Taken<u64> {
    digits(text)
        .filter(|count| i64::try_from(*count).is_ok())
        .ok_or("write a whole number without separators, e.g. `364217`")
}

pub(super) fn figure(text: &str) -> Taken<u8> {
    digits(text)
        .filter(|figure| *figure <= 100)
        .ok_or("write a whole number from 0 to 100")
}

pub(super) fn flag(text: &str) -> Taken<bool> {
    match text {
        "0" | "false" | "no" => Ok(false),
        "1" | "true" | "yes" => Ok(true),
        _ => Err("write `1` for yes or `0` for no"),
    }
}

pub(super) fn difficulty(text: &str) -> Taken<Difficulty> {
    match text.to_lowercase().as_str() {
        "beginner" => Ok(Difficulty::Beginner),
        "intermediate" => Ok(Difficulty::Intermediate),
        "advanced" => Ok(Difficulty::Advanced),
        _ => Err("write `beginner`, `intermediate` or `advanced`"),
    }
}

pub(super) fn version(text: &str) -> Taken<String> {
    match semver::Version::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("write a semantic version of three numbers, e.g. `1.3.9`"),
    }
}

pub(super) fn day(text: &str) -> Taken<NaiveDate> {
    dates::parse(text)
        .map(|time| time.date_naive())
        .map_err(|_| "write the day as `2020-11-19`")
}

/// The status a word stands for, in the words of the page and their usual synonyms.
pub(in crate::transfer::import) fn status(text: &str) -> Taken<RevisionStatus> {
    match text.to_lowercase().replace(['_', '-'], " ").as_str() {
        "drafted" | "draft" => Ok(RevisionStatus::Drafted),
        "in review" | "review" | "pending" => Ok(RevisionStatus::InReview),
        "approved" => Ok(RevisionStatus::Approved),
        "published" | "live" => Ok(RevisionStatus::Published),
        "superseded" => Ok(RevisionStatus::Superseded),
        "rejected" => Ok(RevisionStatus::Rejected),
        _ => {
            Err("write `drafted`, `in review`, `approved`, `published`, `superseded` or `rejected`")
        }
    }
}

/// A whole number in its usual spelling becomes a number, everything else stays text: `007` and
/// `1.0` would not come back as they were.
pub(super) fn payload(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return Value::from(number);
    }
    Value::from(text)
}

fn digits<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}
