//! Are jobs failing?

use chrono::{DateTime, TimeDelta, Utc};

use super::alarm::{Alarm, AlarmCode, job_alarms};
use super::{Verdict, counted};
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::foundation::clock::Clock;
use crate::foundation::sentence::sentence;
use crate::queue::{self, Counts, Pause};

/// How the queue is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// What to think of it.
    pub verdict: Verdict,
    /// How it is, in a sentence.
    pub summary: String,
    /// How many jobs wait, run and are dead.
    pub counts: Counts,
    /// Since when the job has been due that has been due longest.
    pub oldest_due: Option<DateTime<Utc>>,
    /// The kinds that are not run for now.
    pub paused: Vec<Pause>,
}

/// How the queue is doing.
///
/// # Errors
///
/// Those of the database.
pub async fn of_queue(reader: &Reader, clock: &Clock) -> Result<QueueStatus> {
    let counts = queue::counts(reader.database(), clock).await?;
    let age = counts.oldest_due.map(TimeDelta::from_std);
    let paused = queue::pauses(reader.database().reader()).await?;
    let alarms = job_alarms(reader, clock).await?;
    Ok(QueueStatus {
        verdict: verdict(&alarms, &paused),
        summary: summary(&alarms, &counts, &paused),
        counts,
        oldest_due: age.and_then(|age| Some(clock.now() - age.ok()?)),
        paused,
    })
}

fn verdict(alarms: &[Alarm], paused: &[Pause]) -> Verdict {
    let urgent = |alarm: &Alarm| {
        matches!(
            alarm.code,
            AlarmCode::OverduePublication | AlarmCode::NoWorker | AlarmCode::DeliveriesLate
        )
    };
    match alarms.iter().any(urgent) {
        true => Verdict::Bad,
        false if alarms.is_empty() && paused.is_empty() => Verdict::Good,
        false => Verdict::Watch,
    }
}

fn summary(alarms: &[Alarm], counts: &Counts, paused: &[Pause]) -> String {
    let mut parts: Vec<String> = alarms.iter().map(|alarm| alarm.message.clone()).collect();
    if !paused.is_empty() {
        let kinds: Vec<&str> = paused.iter().map(|pause| pause.kind.as_str()).collect();
        parts.push(format!("paused by hand: {}", kinds.join(", ")));
    }
    if parts.is_empty() {
        let waiting = counted(counts.waiting, "job waits", "jobs wait");
        let running = counted(counts.running, "runs", "run");
        parts.push(format!("no job has failed for good; {waiting}, {running}"));
    }
    let sentences = parts.iter().map(|part| sentence(part));
    sentences.collect::<Vec<_>>().join(" ")
}
