//! When a schedule runs: a line of cron, and the zone whose clocks it goes by.
//!
//! Clocks are put forward and back. A time of day that a day does not have, such as half past two
//! in the night in which two o'clock becomes three, is made up for at the first moment after it; one
//! that a day has twice counts the first time. What is said with `*` or a step in the hours or the
//! minutes is an interval, and goes on by the time that passes: every hour is every hour.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};

/// How many bytes a line may have; one that names 24 hours, 31 days and 12 months has fewer.
const LONGEST_LINE: usize = 200;

/// How many times of a day a line may name: each is looked for by itself.
const MOST_MOMENTS: usize = 48;

const EXAMPLE: &str = "give minute, hour, day of month, month and day of week, \
                       e.g. `30 3 * * 1` for half past three on Mondays";

/// When a schedule runs.
#[derive(Clone, Debug)]
pub struct Timetable {
    zone: Tz,
    whole: Cron,
    /// The same times: one line for each time of day that it names. Several times of day in one line
    /// would be an interval to the library, and clocks that change would drop or double them.
    moments: Vec<Cron>,
}

/// Why there is no such timetable; each text is for the person who wrote the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BadTimetable {
    /// What is wrong with the line of cron.
    pub cron: Option<String>,
    /// What is wrong with the name of the zone.
    pub time_zone: Option<String>,
}

impl fmt::Display for BadTimetable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<&str> = [&self.cron, &self.time_zone]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        formatter.write_str(&texts.join("; "))
    }
}

impl Timetable {
    /// Reads a line of five fields (minute, hour, day of month, month, day of week), or `@hourly`,
    /// `@daily`, `@weekly`, `@monthly`, `@yearly`, and the name of a zone such as `Europe/Berlin`.
    ///
    /// # Errors
    ///
    /// What is wrong with either. A line has at most 200 bytes and names at most 48 times of a day.
    pub fn parse(cron: &str, time_zone: &str) -> Result<Self, BadTimetable> {
        let zone = parse_zone(time_zone);
        let lines = parse_line(cron).and_then(|whole| {
            let moments = moments(cron, &whole)?;
            Ok((whole, moments))
        });
        match (lines, zone) {
            (Ok((whole, moments)), Ok(zone)) => Ok(Self {
                zone,
                whole,
                moments,
            }),
            (lines, zone) => Err(BadTimetable {
                cron: lines.err(),
                time_zone: zone.err(),
            }),
        }
    }

    /// The first time after `time`. There is always one, but for zones that skip hours on end.
    pub fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let time = time.with_timezone(&self.zone);
        let next = self
            .moments
            .iter()
            .filter_map(|moment| moment.find_next_occurrence(&time, false).ok());
        Some(next.min()?.to_utc())
    }
}

impl fmt::Display for Timetable {
    /// In English, e.g. `At 03:30, on Sunday (Europe/Berlin)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&words(&self.whole, self.zone))
    }
}

/// A line of cron and the name of a zone in English, e.g. `At 03:30, on Sunday (Europe/Berlin)`, or
/// why they can't be read.
pub fn in_words(cron: &str, time_zone: &str) -> String {
    match (parse_line(cron), parse_zone(time_zone)) {
        (Ok(whole), Ok(zone)) => words(&whole, zone),
        (line, zone) => BadTimetable {
            cron: line.err(),
            time_zone: zone.err(),
        }
        .to_string(),
    }
}

fn words(whole: &Cron, zone: Tz) -> String {
    format!("{} ({zone})", whole.describe().trim_end_matches('.'))
}

fn parse_zone(name: &str) -> Result<Tz, String> {
    let name = name.trim();
    name.parse().map_err(|_| {
        let lower = name.to_lowercase().replace(' ', "_");
        let close = TZ_VARIANTS
            .iter()
            .find(|zone| !lower.is_empty() && zone.name().to_lowercase().contains(&lower));
        let example = close.unwrap_or(&Tz::Europe__Berlin);
        format!(
            "`{name}` is no time zone; give a name of the IANA database, e.g. `{example}`, or `UTC`"
        )
    })
}

fn parse_line(line: &str) -> Result<Cron, String> {
    if line.len() > LONGEST_LINE {
        let length = line.len();
        return Err(format!(
            "a line of cron has at most {LONGEST_LINE} bytes, this one has {length}; {EXAMPLE}"
        ));
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let problem = |error| format!("`{line}` can't be read: {}; {EXAMPLE}", reason(&error));
    parser.parse(line).map_err(problem)
}

/// What is wrong with a line. The library's own words are about its insides.
fn reason(error: &CronError) -> &'static str {
    match error {
        CronError::EmptyPattern => "it is empty",
        CronError::InvalidPattern(_) => "it has not five fields",
        CronError::IllegalCharacters(_) => "it holds signs that mean nothing there",
        CronError::ComponentError(_) => "a field is no number, or beyond what it may be",
        CronError::InvalidDate | CronError::InvalidTime | CronError::TimeSearchLimitExceeded => {
            "it names no time"
        }
    }
}

/// A line for each time of day that `line` names, or itself when it says how often.
fn moments(line: &str, whole: &Cron) -> Result<Vec<Cron>, String> {
    // Its days are those of every moment, so that the calendar need be searched but once.
    let any = DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC);
    if whole.find_next_occurrence(&any, false).is_err() {
        return Err(format!("`{line}` never comes; {EXAMPLE}"));
    }
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [minutes, hours, days @ ..] = &fields[..] else {
        return Ok(vec![whole.clone()]);
    };
    if is_interval(minutes) || is_interval(hours) {
        return Ok(vec![whole.clone()]);
    }
    let days = days.join(" ");
    let (minutes, hours) = (whole.pattern.minutes.values(), whole.pattern.hours.values());
    let count = minutes.len() * hours.len();
    if count > MOST_MOMENTS {
        return Err(format!(
            "`{line}` names {count} times of a day, and {MOST_MOMENTS} is the most; say how often \
             with `*` or a step instead, e.g. `*/5 9-17 * * *` for every five minutes of those hours"
        ));
    }
    let times = hours
        .iter()
        .flat_map(|hour| minutes.iter().map(move |minute| (minute, hour)));
    times
        .map(|(minute, hour)| parse_line(&format!("{minute} {hour} {days}")))
        .collect()
}

/// Whether a field says how often instead of when.
fn is_interval(field: &str) -> bool {
    field.contains(['*', '/'])
}
