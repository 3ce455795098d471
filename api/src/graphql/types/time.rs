//! Which times are taken.

use chrono::{DateTime, Datelike, Utc};

/// Checks a time that a client gives: every `DateTime` of an argument or an input has it as its
/// validator. Outside these years the databases read and compare times each in a way of its own,
/// or not at all.
///
/// # Errors
///
/// What is wrong with it.
pub fn check_time(time: &DateTime<Utc>) -> Result<(), String> {
    match time.year() {
        1..=9999 => Ok(()),
        year => Err(format!(
            "a time is in the year {year}; give one from 1 to 9999"
        )),
    }
}
