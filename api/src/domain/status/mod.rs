//! How the system is doing: four answers, each with a verdict, a sentence and figures, and the
//! alarms that an operator should look at.

mod alarm;
mod comparison;
mod jobs;
mod raise;
mod speed;
mod up;

use std::time::Duration;

pub use alarm::{Alarm, AlarmCode, alarms};
pub use comparison::{Comparison, Side, of_last_deployment};
pub use jobs::{QueueStatus, of_queue};
pub use raise::{Changes, JOB_KIND, check};
pub use speed::{Recent, SpeedStatus, of_speed};
pub use up::{UpStatus, of_nodes};

/// What to think of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing to do.
    Good,
    /// Too little is known to tell.
    Unknown,
    /// Look at it when it is day.
    Watch,
    /// Get up.
    Bad,
}

/// Requests that it takes to say that the site is slow, or fails.
pub const ENOUGH_TO_JUDGE: u64 = 20;

/// Minutes over which speed and failures are judged.
pub const WINDOW_MINUTES: i64 = 5;

/// The slowest twentieth of requests above this is worth a look.
pub const SLOWISH: Duration = Duration::from_millis(250);

/// The slowest twentieth of requests above this is an alarm.
pub const SLOW: Duration = Duration::from_secs(1);

/// The share of requests that fail above which it is worth a look.
pub const FAILS_SOMETIMES: f64 = 0.001;

/// The share of requests that fail above which it is an alarm.
pub const FAILS: f64 = 0.01;

/// A time as sentences have it.
fn in_words(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    match millis {
        _ if millis >= 10_000.0 => format!("{:.0} s", millis / 1_000.0),
        _ if millis >= 1_000.0 => format!("{:.1} s", millis / 1_000.0),
        _ if millis >= 10.0 => format!("{millis:.0} ms"),
        _ if millis >= 1.0 => format!("{millis:.1} ms"),
        _ => format!("{millis:.2} ms"),
    }
}

/// A share as sentences have it.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        _ if percent == 0.0 || percent >= 10.0 => format!("{percent:.0} %"),
        _ if percent >= 0.1 => format!("{percent:.1} %"),
        _ => "less than 0.1 %".to_owned(),
    }
}

/// A count and its noun.
fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("one {one}"),
        count => format!("{count} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        let times = [80, 1_500, 42_300, 999_000, 1_250_000, 12_000_000];
        let times = times.map(|micros| in_words(Duration::from_micros(micros)));
        assert_eq!(
            times,
            ["0.08 ms", "1.5 ms", "42 ms", "999 ms", "1.2 s", "12 s"]
        );
        let shares = [0.0, 0.0004, 0.012, 0.5].map(percent);
        assert_eq!(shares, ["0 %", "less than 0.1 %", "1.2 %", "50 %"]);
    }
}
