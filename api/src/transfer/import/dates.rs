//! Dates as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

const DAYS: &[&str] = &[
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%B %d, %Y",
    "%B %d %Y",
    "%d %B %Y",
    "%A, %B %d, %Y",
];

const TIMES: &[&str] = &["%H:%M:%S%.f", "%H:%M", "%I:%M %p"];

const ZONES: &[&str] = &["%#z", " %#z", " UTC", " GMT", "Z", " Z"];

/// The time a date stands for. A date without a time is its midnight, a time without a zone is
/// taken as UTC. What can be read in two ways is refused.
pub(super) fn parse(text: &str) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Ok(time.to_utc());
    }
    if is_ambiguous(text) {
        return Err(format!(
            "`{text}` can be read in more than one way; write it as `2024-01-31`"
        ));
    }
    for day in DAYS {
        if let Ok(day) = NaiveDate::parse_from_str(text, day) {
            return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
        }
    }
    for day in DAYS {
        for (time, between) in TIMES.iter().flat_map(|time| [(time, " "), (time, "T")]) {
            if let Some(found) = parse_time(text, &format!("{day}{between}{time}")) {
                return Ok(found);
            }
        }
    }
    Err(format!(
        "`{text}` is no date; write it as `2024-01-31` or `2024-01-31T10:00:00Z`"
    ))
}

fn parse_time(text: &str, format: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
        return Some(time.and_utc());
    }
    ZONES.iter().find_map(|zone| {
        let format = format!("{format}{zone}");
        if zone.contains('%') {
            let time = DateTime::parse_from_str(text, &format).ok()?;
            Some(time.to_utc())
        } else {
            NaiveDateTime::parse_from_str(text, &format)
                .ok()
                .map(|time| time.and_utc())
        }
    })
}

/// Three numbers that do not start with a year of four digits: `01/02/2024`, `24-01-31`.
fn is_ambiguous(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> = date.split(['/', '.', '-']).collect();
    parts.len() == 3
        && parts[0].len() != 4
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
