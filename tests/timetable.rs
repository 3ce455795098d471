//! When a schedule runs, through the nights in which clocks change.

use alphanode::queue::timetable::{Timetable, in_words};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use rstest::rstest;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The next so many times, as the clocks of the zone show them.
fn local(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let timetable = Timetable::parse(cron, zone).unwrap();
    let zone: Tz = zone.parse().unwrap();
    let mut at = time(after);
    let mut shown = Vec::new();
    for _ in 0..count {
        at = timetable.next_after(at).unwrap();
        let there = at.with_timezone(&zone);
        shown.push(there.format("%m-%d %H:%M%:z").to_string());
    }
    shown
}

#[rstest]
// Berlin has no half past two on 28 March 2027, and two of them on 31 October.
#[case::in_the_gap("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00:00Z",
    &["03-27 02:30+01:00", "03-28 03:00+02:00", "03-29 02:30+02:00"])]
#[case::twice("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z",
    &["10-31 02:30+02:00", "11-01 02:30+01:00"])]
#[case::between_the_two("30 2 * * *", "Europe/Berlin", "2027-10-31T00:45:00Z",
    &["11-01 02:30+01:00"])]
// Several times of a day are times all the same.
#[case::one_of_several_in_the_gap("30 2,14 * * *", "Europe/Berlin", "2027-03-27T20:00:00Z",
    &["03-28 03:00+02:00", "03-28 14:30+02:00", "03-29 02:30+02:00"])]
#[case::one_of_several_twice("0,30 2 * * *", "Europe/Berlin", "2027-10-30T12:00:00Z",
    &["10-31 02:00+02:00", "10-31 02:30+02:00", "11-01 02:00+01:00"])]
#[case::two_fall_on_one("0 2,3 * * *", "Europe/Berlin", "2027-03-27T20:00:00Z",
    &["03-28 03:00+02:00", "03-29 02:00+02:00", "03-29 03:00+02:00"])]
// An hour is an hour.
#[case::hourly_in_spring("0 * * * *", "Europe/Berlin", "2027-03-27T23:30:00Z",
    &["03-28 01:00+01:00", "03-28 03:00+02:00", "03-28 04:00+02:00"])]
#[case::hourly_in_autumn("0 * * * *", "Europe/Berlin", "2027-10-30T23:30:00Z",
    &["10-31 02:00+02:00", "10-31 02:00+01:00", "10-31 03:00+01:00"])]
#[case::half_hours_in_autumn("*/30 * * * *", "Europe/Berlin", "2027-10-31T00:05:00Z",
    &["10-31 02:30+02:00", "10-31 02:00+01:00", "10-31 02:30+01:00", "10-31 03:00+01:00"])]
// Clocks that are half an hour off, and change by half an hour.
#[case::half_hour_zone("30 2 * * *", "Asia/Kolkata", "2027-03-01T00:00:00Z",
    &["03-02 02:30+05:30", "03-03 02:30+05:30"])]
#[case::quarter_hour_zone("0 0 * * *", "Asia/Kathmandu", "2027-03-01T00:00:00Z",
    &["03-02 00:00+05:45"])]
#[case::half_hour_gap("10 2 * * *", "Australia/Lord_Howe", "2027-10-01T16:00:00Z",
    &["10-03 02:30+11:00", "10-04 02:10+11:00"])]
#[case::half_hour_twice("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T00:00:00Z",
    &["04-04 01:45+11:00", "04-05 01:45+10:30"])]
#[case::weekdays("0 9 * * MON-FRI", "America/New_York", "2027-07-02T14:00:00Z",
    &["07-05 09:00-04:00", "07-06 09:00-04:00"])]
#[case::leap_day("0 0 29 2 *", "UTC", "2026-03-01T00:00:00Z", &["02-29 00:00+00:00"])]
#[case::by_name("@daily", "UTC", "2026-03-01T00:00:00Z", &["03-02 00:00+00:00"])]
#[test]
fn clocks_that_change_drop_and_double_nothing(
    #[case] cron: &str,
    #[case] zone: &str,
    #[case] after: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(local(cron, zone, after, expected.len()), expected);
}

#[rstest]
#[case(
    "30 3 * *",
    "UTC",
    Some("`30 3 * *` can't be read: it has not five fields; give minute"),
    None
)]
#[case("", "UTC", Some("e.g. `30 3 * * 1`"), None)]
#[case("0 30 3 * * *", "UTC", Some("it has not five fields"), None)]
#[case(
    "61 3 * * *",
    "UTC",
    Some("can't be read: a field is no number, or beyond"),
    None
)]
#[case("every day", "UTC", Some("can't be read"), None)]
#[case("0 0 30 2 *", "UTC", Some("never comes"), None)]
#[case("0-59 0-23 30 2 *", "UTC", Some("never comes"), None)]
#[case(
    "0-59 9-17 * * *",
    "UTC",
    Some("540 times of a day, and 48 is the most"),
    None
)]
#[case("0 3 * * *", "berlin", None, Some("e.g. `Europe/Berlin`"))]
#[case("0 3 * * *", "new york", None, Some("e.g. `America/New_York`"))]
#[case("0 3 * * *", "", None, Some("is no time zone"))]
#[case("x", "Mars", Some("can't be read"), Some("`Mars` is no time zone"))]
#[test]
fn what_can_not_be_read_is_said_with_an_example(
    #[case] cron: &str,
    #[case] zone: &str,
    #[case] of_cron: Option<&str>,
    #[case] of_zone: Option<&str>,
) {
    let bad = Timetable::parse(cron, zone).unwrap_err();
    for (found, expected) in [(&bad.cron, of_cron), (&bad.time_zone, of_zone)] {
        assert_eq!(found.is_some(), expected.is_some(), "{bad}");
        let found = found.as_deref().unwrap_or_default();
        assert!(found.contains(expected.unwrap_or_default()), "{found}");
    }
}

#[test]
fn a_timetable_can_be_said_in_words() {
    let words = |cron| in_words(cron, "Europe/Berlin");
    assert_eq!(words("30 3 * * *"), "At 03:30 (Europe/Berlin)");
    assert_eq!(words("*/10 * * * *"), "At every 10 minutes (Europe/Berlin)");
    assert_eq!(words("0 4 * * 1"), "At 04:00, on Monday (Europe/Berlin)");
    assert!(words("61 4 * * 1").contains("can't be read"));
}

#[test]
fn a_line_is_as_long_as_a_person_writes() {
    // 193 bytes of minutes, and 8 of everything else.
    let long = format!("0{} 3 * * *", ",0".repeat(96));
    let bad = Timetable::parse(&long, "UTC").unwrap_err().to_string();
    assert!(bad.contains("at most 200 bytes, this one has 201"), "{bad}");
    assert!(Timetable::parse(&long[1..].replacen(',', "", 1), "UTC").is_ok());
    let bad = Timetable::parse(&"0,".repeat(100_000), "UTC").unwrap_err();
    assert!(bad.to_string().len() < 250, "it is not said back: {bad}");
}

#[test]
fn every_half_hour_of_a_day_may_be_named() {
    let spring = local(
        "0,30 0-23 * * *",
        "Europe/Berlin",
        "2027-03-28T00:10:00Z",
        3,
    );
    assert_eq!(
        spring,
        [
            "03-28 01:30+01:00",
            "03-28 03:00+02:00",
            "03-28 03:30+02:00"
        ]
    );
}

fn field(least: u32, most: u32) -> impl Strategy<Value = String> {
    let number = least..=most;
    prop_oneof![
        Just("*".to_owned()),
        number.clone().prop_map(|number| number.to_string()),
        (number.clone(), number).prop_map(|(a, b)| format!("{a},{b}")),
        (2..=12u32).prop_map(|step| format!("*/{step}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the line, the zone and the moment: the next time is to come, each is later than the
    /// one before, none is passed over by asking later, and all fall on whole minutes.
    #[test]
    fn the_next_time_is_always_to_come(
        minute in field(0, 59),
        hour in field(0, 23),
        weekday in prop_oneof![Just("*".to_owned()), (0..=6u32).prop_map(|day| day.to_string())],
        zone in 0..TZ_VARIANTS.len(),
        // From 2020 to 2040, in microseconds.
        start in 1_577_836_800_000_000i64..2_208_988_800_000_000,
    ) {
        let zone = TZ_VARIANTS[zone];
        let cron = format!("{minute} {hour} * * {weekday}");
        let timetable = Timetable::parse(&cron, zone.name()).unwrap();
        let mut before = DateTime::from_timestamp_micros(start).unwrap();
        for _ in 0..20 {
            let next = timetable.next_after(before).unwrap();
            prop_assert!(next > before, "{cron} {zone}: {next} after {before}");
            prop_assert!(next - before <= TimeDelta::days(8), "{cron} {zone}: {next} after {before}");
            prop_assert_eq!((next.second(), next.nanosecond()), (0, 0));
            let between = before + (next - before) / 2;
            prop_assert_eq!(timetable.next_after(between), Some(next), "{} {}", cron, zone);
            before = next;
        }
    }
}
