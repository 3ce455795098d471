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
use croner::parser::{CronParser, Seconds, Year};

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
    /// What is wrong with either.
    pub fn parse(cron: &str, time_zone: &str) -> Result<Self, BadTimetable> {
        let zone = parse_zone(time_zone);
        let lines = parse_cron(cron);
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
        next_after(&self.moments, time.with_timezone(&self.zone))
    }

    /// The same in English, e.g. `At 03:30, on Sunday (Europe/Berlin)`.
    pub fn in_words(&self) -> String {
        let words = self.whole.describe();
        format!("{} ({})", words.trim_end_matches('.'), self.zone)
    }
}

fn next_after(moments: &[Cron], time: DateTime<Tz>) -> Option<DateTime<Utc>> {
    let next = moments
        .iter()
        .filter_map(|moment| moment.find_next_occurrence(&time, false).ok());
    Some(next.min()?.to_utc())
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

/// The line as it is, and one for each time of day that it names.
fn parse_cron(line: &str) -> Result<(Cron, Vec<Cron>), String> {
    const EXAMPLE: &str = "give minute, hour, day of month, month and day of week, \
                           e.g. `30 3 * * 1` for half past three on Mondays";
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    let parse = |line: &str| {
        let problem = |error| format!("`{line}` can't be read ({error}); {EXAMPLE}");
        parser.parse(line).map_err(problem)
    };
    let whole = parse(line)?;
    let fields: Vec<&str> = line.split_whitespace().collect();
    let moments = match fields[..] {
        [minutes, hours, ..]
            if fields.len() == 5 && !is_interval(minutes) && !is_interval(hours) =>
        {
            let days = fields[2..].join(" ");
            let (minutes, hours) = (&whole.pattern.minutes, &whole.pattern.hours);
            let times = hours.values().into_iter().flat_map(|hour| {
                let minutes = minutes.values().into_iter();
                minutes.map(move |minute| (minute, hour))
            });
            times
                .map(|(minute, hour)| parse(&format!("{minute} {hour} {days}")))
                .collect::<Result<_, _>>()?
        }
        _ => vec![whole.clone()],
    };
    let any = DateTime::UNIX_EPOCH.with_timezone(&Tz::UTC);
    match next_after(&moments, any) {
        Some(_) => Ok((whole, moments)),
        None => Err(format!("`{line}` never comes; {EXAMPLE}")),
    }
}

/// Whether a field says how often instead of when.
fn is_interval(field: &str) -> bool {
    field.contains(['*', '/'])
}
