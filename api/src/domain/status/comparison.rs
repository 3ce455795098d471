//! Did the last deployment change anything?

use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::{Verdict, in_words, percent};
use crate::domain::deployment::{self, Deployment};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::traffic::{self, Minute, Totals, whole_minutes};
use crate::foundation::clock::Clock;

/// Requests that it takes on each side to tell.
pub const ENOUGH_TO_COMPARE: u64 = 100;

/// The longest time that is compared.
const LONGEST: TimeDelta = TimeDelta::hours(24);

/// What a deployment changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What to think of it.
    pub verdict: Verdict,
    /// What changed, in a sentence.
    pub summary: String,
    /// The last deployment; none until a server has been started.
    pub deployment: Option<Deployment>,
    /// The one before it.
    pub previous: Option<Deployment>,
    /// What was answered before it, and after.
    pub sides: Option<(Side, Side)>,
}

/// What was answered on one side of a deployment, by all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends.
    pub to: DateTime<Utc>,
    /// What was answered.
    pub totals: Totals,
}

/// What the last deployment changed: the time since it, of a day at most, beside as much time before
/// it, by whole minutes, and not further back than to the deployment before.
///
/// # Errors
///
/// Those of the database.
pub async fn of_last_deployment(reader: &Reader, clock: &Clock) -> Result<Comparison> {
    let mut newest = deployment::newest(reader, 2).await?.into_iter();
    let (Some(deployment), previous) = (newest.next(), newest.next()) else {
        return Ok(Comparison {
            verdict: Verdict::Unknown,
            summary: "No server has been started yet.".into(),
            deployment: None,
            previous: None,
            sides: None,
        });
    };
    let Some(before_it) = &previous else {
        return Ok(Comparison {
            verdict: Verdict::Unknown,
            summary: "There is nothing to compare with: this is the first deployment.".into(),
            deployment: Some(deployment),
            previous,
            sides: None,
        });
    };
    let start = deployment.started_at;
    let length = (clock.now() - start).min(LONGEST);
    let before = whole_minutes((start - length).max(before_it.started_at), start);
    let after = whole_minutes(start, start + length);
    let sides = (side(reader, before).await?, side(reader, after).await?);
    let (verdict, summary) = judge(&sides.0, &sides.1);
    Ok(Comparison {
        verdict,
        summary,
        deployment: Some(deployment),
        previous,
        sides: Some(sides),
    })
}

async fn side(reader: &Reader, minutes: Range<Minute>) -> Result<Side> {
    Ok(Side {
        from: minutes.start.start(),
        to: minutes.end.start().max(minutes.start.start()),
        totals: traffic::totals(reader, minutes).await?,
    })
}

/// One figure on both sides, where both have it.
struct Change {
    what: &'static str,
    before: String,
    after: String,
    verdict: Verdict,
}

fn judge(before: &Side, after: &Side) -> (Verdict, String) {
    let compared = format!(
        "compared are {} before it and {} after it",
        span(before),
        span(after)
    );
    let [was, is] = [before, after].map(|side| side.totals.requests());
    if was.min(is) < ENOUGH_TO_COMPARE {
        let summary = format!(
            "Too few requests to tell: {was} before the deployment and {is} after it, and it takes \
             {ENOUGH_TO_COMPARE} on each side; {compared}."
        );
        return (Verdict::Unknown, summary);
    }
    let changes = changes(&before.totals, &after.totals);
    let verdict = changes.iter().map(|change| change.verdict).max();
    let verdict = verdict.unwrap_or(Verdict::Good);
    let worse: Vec<String> = changes
        .iter()
        .filter(|change| change.verdict > Verdict::Good)
        .map(|change| {
            let Change {
                what,
                before,
                after,
                ..
            } = change;
            format!("{what} went from {before} to {after}")
        })
        .collect();
    let told = match worse.is_empty() {
        true => {
            "Nothing got worse with it: latency, failures, cache hits and statements a request \
                 are as they were or better"
                .to_owned()
        }
        false => format!("It got worse: {}", worse.join(", ")),
    };
    (verdict, format!("{told}; {compared}."))
}

fn changes(before: &Totals, after: &Totals) -> Vec<Change> {
    let worse = |is_bad: bool, is_worse: bool| match (is_bad, is_worse) {
        (true, _) => Verdict::Bad,
        (false, true) => Verdict::Watch,
        (false, false) => Verdict::Good,
    };
    let mut changes = Vec::new();
    for (what, share) in [
        ("the median time of an answer", 0.5),
        (
            "the time within which nineteen of twenty are answered",
            0.95,
        ),
    ] {
        if let (Some(was), Some(is)) = (before.quantile(share), after.quantile(share)) {
            let more = is.saturating_sub(was);
            changes.push(Change {
                what,
                before: in_words(was),
                after: in_words(is),
                // As many times and as much longer: a fifth of a millisecond more is no news, and
                // neither are ten milliseconds to somebody who waits a second.
                verdict: worse(
                    is > was.mul_f64(2.0) && more > Duration::from_millis(50),
                    is > was.mul_f64(1.3) && more > Duration::from_millis(2),
                ),
            });
        }
    }
    if let (Some(was), Some(is)) = (before.failure_rate(), after.failure_rate()) {
        changes.push(Change {
            what: "requests that fail",
            before: percent(was),
            after: percent(is),
            verdict: worse(is > was + 0.01, is > was + 0.001),
        });
    }
    if let (Some(was), Some(is)) = (before.hit_rate(), after.hit_rate()) {
        changes.push(Change {
            what: "answers from the cache",
            before: percent(was),
            after: percent(is),
            verdict: worse(is < was - 0.3, is < was - 0.1),
        });
    }
    if let (Some(was), Some(is)) = (before.statements_each(), after.statements_each()) {
        changes.push(Change {
            what: "statements a request",
            before: format!("{was:.1}"),
            after: format!("{is:.1}"),
            verdict: worse(is > was * 2.0 + 1.0, is > was * 1.2 + 0.2),
        });
    }
    changes
}

fn span(side: &Side) -> String {
    let [from, to] =
        [side.from, side.to].map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true));
    let minutes = (side.to - side.from).num_minutes();
    format!("{minutes} minutes ({from} to {to})")
}
