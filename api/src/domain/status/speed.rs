//! Is it slow?

use chrono::{DateTime, Utc};

use super::{ENOUGH_TO_JUDGE, SLOW, SLOWISH, Verdict, WINDOW_MINUTES, in_words, percent};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::traffic::{self, Minute, Totals};
use crate::foundation::clock::Clock;

/// How fast requests are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedStatus {
    /// What to think of it.
    pub verdict: Verdict,
    /// How fast, in a sentence.
    pub summary: String,
    /// What was answered lately.
    pub recent: Recent,
}

/// What was answered in the last whole minutes, by all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// When they begin.
    pub from: DateTime<Utc>,
    /// When they end.
    pub to: DateTime<Utc>,
    /// What was answered.
    pub totals: Totals,
}

/// Reads what was answered in the last whole minutes.
pub(super) async fn recent(reader: &Reader, clock: &Clock) -> Result<Recent> {
    let end = Minute::of(clock.now());
    let start = end.plus(-WINDOW_MINUTES);
    Ok(Recent {
        from: start.start(),
        to: end.start(),
        totals: traffic::totals(reader, start..end).await?,
    })
}

/// How fast requests are answered.
///
/// # Errors
///
/// Those of the database.
pub async fn of_speed(reader: &Reader, clock: &Clock) -> Result<SpeedStatus> {
    let recent = recent(reader, clock).await?;
    let (verdict, summary) = judge(&recent.totals);
    Ok(SpeedStatus {
        verdict,
        summary,
        recent,
    })
}

fn judge(totals: &Totals) -> (Verdict, String) {
    let requests = totals.requests();
    let (Some(middle), Some(slowest)) = (totals.quantile(0.5), totals.quantile(0.95)) else {
        let summary = format!("Nobody asked for anything in the last {WINDOW_MINUTES} minutes.");
        return (Verdict::Unknown, summary);
    };
    let figures = format!(
        "half of {requests} requests of the last {WINDOW_MINUTES} minutes were answered within {}, \
         nineteen of twenty within {}",
        in_words(middle),
        in_words(slowest),
    );
    let cached = totals.hit_rate().map_or(String::new(), |rate| {
        format!(
            "; {} of what can be cached came from the cache",
            percent(rate)
        )
    });
    let (verdict, word) = match slowest {
        _ if requests < ENOUGH_TO_JUDGE => (Verdict::Unknown, "Too few requests to tell"),
        _ if slowest > SLOW => (Verdict::Bad, "Slow"),
        _ if slowest > SLOWISH => (Verdict::Watch, "Slower than it should be"),
        _ => (Verdict::Good, "Fast"),
    };
    (verdict, format!("{word}: {figures}{cached}."))
}
