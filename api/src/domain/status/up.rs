//! Is it up?

use std::time::{Duration, Instant};

use super::speed::recent;
use super::{
    ENOUGH_TO_JUDGE, FAILS, FAILS_SOMETIMES, Verdict, WINDOW_MINUTES, counted, in_words, percent,
};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::traffic::{self, Minute, Node, Totals};
use crate::foundation::clock::Clock;
use crate::foundation::sentence::sentence;

/// Minutes after which a process that has written nothing is not heard of any more. It writes when
/// each has ended.
const SILENT_MINUTES: i64 = 3;

/// Minutes for which a process that was lost is told.
const TOLD_MINUTES: i64 = 30;

/// Which processes answer requests.
#[derive(Clone, Debug, PartialEq)]
pub struct UpStatus {
    /// What to think of it.
    pub verdict: Verdict,
    /// Whether it is up, in a sentence.
    pub summary: String,
    /// How long the database took to answer one question.
    pub database_time: Duration,
    /// The processes that answer requests.
    pub running: Vec<Node>,
    /// Those that ended in the last half hour without having been told to.
    pub lost: Vec<Node>,
    /// The share of the requests of the last minutes that failed by our fault; none without any.
    pub failure_rate: Option<f64>,
}

/// Which processes answer requests.
///
/// # Errors
///
/// Those of the database.
pub async fn of_nodes(reader: &Reader, clock: &Clock) -> Result<UpStatus> {
    let started = Instant::now();
    let nodes = nodes(reader, clock).await?;
    let database_time = started.elapsed();
    let (running, lost) = sort(nodes, clock);
    let totals = recent(reader, clock).await?.totals;
    Ok(UpStatus {
        verdict: verdict(&running, &lost, &totals),
        summary: summary(&running, &lost, &totals, database_time),
        database_time,
        running,
        lost,
        failure_rate: totals.failure_rate(),
    })
}

/// The processes that ended a short while ago without having been told to.
pub(super) async fn lost_nodes(reader: &Reader, clock: &Clock) -> Result<Vec<Node>> {
    let (_, lost) = sort(nodes(reader, clock).await?, clock);
    Ok(lost)
}

async fn nodes(reader: &Reader, clock: &Clock) -> Result<Vec<Node>> {
    let now = Minute::of(clock.now());
    traffic::nodes(reader, now.plus(-TOLD_MINUTES)).await
}

/// Those that run, and those that were lost.
fn sort(nodes: Vec<Node>, clock: &Clock) -> (Vec<Node>, Vec<Node>) {
    let now = Minute::of(clock.now());
    let mut nodes = nodes;
    nodes.retain(|node| !node.stopped);
    nodes
        .into_iter()
        .partition(|node| now.since(node.last_minute) <= SILENT_MINUTES)
}

fn verdict(running: &[Node], lost: &[Node], totals: &Totals) -> Verdict {
    let rate = totals.failure_rate().unwrap_or(0.0);
    let enough = totals.requests() >= ENOUGH_TO_JUDGE;
    if enough && rate > FAILS {
        Verdict::Bad
    } else if !lost.is_empty() || (enough && rate > FAILS_SOMETIMES) {
        Verdict::Watch
    } else if running.is_empty() {
        // Whoever reads this was answered, but by a process that has written nothing yet.
        Verdict::Unknown
    } else {
        Verdict::Good
    }
}

fn summary(running: &[Node], lost: &[Node], totals: &Totals, database_time: Duration) -> String {
    let mut parts = vec![format!(
        "{}, and the database took {}",
        counted(
            running.len() as u64,
            "process answers requests",
            "processes answer requests",
        ),
        in_words(database_time),
    )];
    if !lost.is_empty() {
        let names: Vec<&str> = lost.iter().map(|node| node.name.as_str()).collect();
        parts.push(format!("ended without being told to: {}", names.join(", ")));
    }
    if let Some(rate) = totals.failure_rate() {
        parts.push(format!(
            "of {} of the last {WINDOW_MINUTES} minutes {} failed by our fault",
            counted(totals.requests(), "request", "requests"),
            percent(rate),
        ));
    }
    sentence(&parts.join("; "))
}
