//! A time, or so long before now, as an argument.

use chrono::{DateTime, TimeDelta, Utc};

/// A time, or so long before now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl Since {
    pub(super) fn time(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(time) => time,
            Self::Ago(age) => now - age,
        }
    }
}

/// Reads one: `30m`, `6h`, `2d`, or a time of RFC 3339.
pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(time) = text.parse() {
        return Ok(Since::At(time));
    }
    let wrong = || "give an age such as 30m, 6h or 2d, or a time such as 2026-01-31T12:00:00Z";
    let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
    let number: u32 = number.parse().map_err(|_| wrong().to_owned())?;
    match unit {
        "m" => Ok(Since::Ago(TimeDelta::minutes(number.into()))),
        "h" => Ok(Since::Ago(TimeDelta::hours(number.into()))),
        "d" => Ok(Since::Ago(TimeDelta::days(number.into()))),
        _ => Err(wrong().to_owned()),
    }
}
