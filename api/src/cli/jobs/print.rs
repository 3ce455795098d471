//! Jobs, kinds and schedules as tables for people, and as objects for programs.

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::cli::Failure;
use crate::domain::job::{Attempt, Job, KindStanding, Priority, Status};
use crate::domain::schedule::Schedule;

/// A list of jobs.
pub(super) fn jobs(
    out: &mut impl Write,
    jobs: &[Job],
    json: bool,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    if json {
        return lines(out, jobs.iter().map(job_object));
    }
    let heads = ["JOB", "KIND", "STATUS", "ENQUEUED", "TRIES", "NOTE"];
    let rows = jobs.iter().map(|job| {
        [
            job.id.to_string(),
            job.kind.clone(),
            job.status.name().to_owned(),
            age(now - job.created_at),
            job.attempts.to_string(),
            note(job, now),
        ]
    });
    table(out, heads, rows.collect())
}

/// What matters most about a job now.
fn note(job: &Job, now: DateTime<Utc>) -> String {
    let error = || {
        let line = job.last_error.as_deref().unwrap_or_default();
        line.lines().next().unwrap_or_default().to_owned()
    };
    match job.status {
        Status::Waiting if job.due_at > now => {
            let wait = format!("due in {}", span(job.due_at - now));
            match &job.last_error {
                Some(_) => format!("{wait}; {}", error()),
                None => wait,
            }
        }
        Status::Waiting => format!("due {}", age(now - job.due_at)),
        Status::Running if job.cancel_requested_at.is_some() => "told to end".to_owned(),
        Status::Running => progress(job).unwrap_or_default(),
        Status::Dead => error(),
        Status::Done | Status::Cancelled => String::new(),
    }
}

fn progress(job: &Job) -> Option<String> {
    let progress = job.progress?;
    Some(match progress.total {
        Some(total) => format!("{} of {total}", progress.done),
        None => format!("{} done", progress.done),
    })
}

/// All about one job.
pub(super) fn job(
    out: &mut impl Write,
    job: &Job,
    attempts: &[Attempt],
    json: bool,
) -> Result<(), Failure> {
    if json {
        let mut object = job_object(job);
        object["attempts"] = attempts.iter().map(attempt_object).collect();
        return lines(out, std::iter::once(object));
    }
    writeln!(out, "job {}: {}, {}", job.id, job.kind, job.status.name())?;
    let mut line = |name: &str, value: Option<String>| -> std::io::Result<()> {
        match value {
            Some(value) => writeln!(out, "  {name:<13}{value}"),
            None => Ok(()),
        }
    };
    line("payload", Some(cut(job.payload.to_string())))?;
    line("unique key", job.unique_key.clone())?;
    line("priority", Some(priority(job.priority).to_owned()))?;
    line("asked by", job.asked_by.clone())?;
    line("enqueued", Some(time(job.created_at)))?;
    line("due", Some(time(job.due_at)))?;
    line("began", job.started_at.map(time))?;
    line("over", job.finished_at.map(time))?;
    line("told to end", job.cancel_requested_at.map(time))?;
    line("progress", progress(job))?;
    line("last error", job.last_error.clone())?;
    for attempt in attempts {
        let outcome = attempt.outcome.as_deref().unwrap_or("runs");
        let took = attempt.finished_at.map(|at| at - attempt.started_at);
        let took = took.map_or_else(String::new, |took| format!(" after {}", span(took)));
        let (at, worker) = (time(attempt.started_at), &attempt.worker);
        writeln!(out, "  attempt at {at} by {worker}: {outcome}{took}")?;
        if let Some(error) = &attempt.error {
            writeln!(out, "    {error}")?;
        }
        for line in &attempt.lines {
            writeln!(out, "    {} {}", time(line.at), line.text)?;
        }
    }
    Ok(())
}

/// The kinds of jobs.
pub(super) fn kinds(
    out: &mut impl Write,
    kinds: &[KindStanding],
    json: bool,
) -> Result<(), Failure> {
    if json {
        return lines(out, kinds.iter().map(kind_object));
    }
    let heads = ["KIND", "WAITING", "RUNNING", "DEAD", "", "WHAT FOR"];
    let rows = kinds.iter().map(|kind| {
        let state = match (&kind.pause, kind.oldest_due) {
            (Some(pause), _) => format!("paused by {} at {}", pause.by, time(pause.since)),
            (None, Some(waited)) => format!("due for {}", short(waited)),
            (None, None) => String::new(),
        };
        let purpose = kind.known.map(|known| known.purpose);
        [
            kind.name.clone(),
            kind.waiting.to_string(),
            kind.running.to_string(),
            kind.dead.to_string(),
            state,
            purpose.unwrap_or("from another version").to_owned(),
        ]
    });
    table(out, heads, rows.collect())
}

/// The schedules.
pub(super) fn schedules(
    out: &mut impl Write,
    schedules: &[Schedule],
    json: bool,
) -> Result<(), Failure> {
    if json {
        return lines(out, schedules.iter().map(schedule_object));
    }
    let heads = ["SCHEDULE", "WHEN", "NEXT", "LAST", "WHAT FOR"];
    let rows = schedules.iter().map(|schedule| {
        let next = match &schedule.paused_by {
            Some(by) => format!("paused by {by}"),
            None => time(schedule.next_run_at),
        };
        [
            schedule.name.clone(),
            schedule.in_words(),
            next,
            schedule.last_run_at.map_or_else(|| "never".into(), time),
            schedule.purpose.clone(),
        ]
    });
    table(out, heads, rows.collect())
}

fn job_object(job: &Job) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind,
        "status": job.status.name(),
        "payload": job.payload,
        "uniqueKey": job.unique_key,
        "priority": priority(job.priority),
        "askedBy": job.asked_by,
        "createdAt": job.created_at,
        "dueAt": job.due_at,
        "startedAt": job.started_at,
        "finishedAt": job.finished_at,
        "cancelRequestedAt": job.cancel_requested_at,
        "attemptCount": job.attempts,
        "worker": job.worker,
        "lastError": job.last_error,
        "progress": job.progress.map(|progress| {
            json!({ "done": progress.done, "total": progress.total })
        }),
    })
}

fn attempt_object(attempt: &Attempt) -> Value {
    let lines = attempt.lines.iter();
    let lines: Value = lines
        .map(|line| json!({ "at": line.at, "text": line.text }))
        .collect();
    json!({
        "startedAt": attempt.started_at,
        "finishedAt": attempt.finished_at,
        "worker": attempt.worker,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "logLines": lines,
    })
}

fn kind_object(kind: &KindStanding) -> Value {
    json!({
        "kind": kind.name,
        "purpose": kind.known.map(|known| known.purpose),
        "waiting": kind.waiting,
        "running": kind.running,
        "dead": kind.dead,
        "oldestDueSeconds": kind.oldest_due.map(|waited| waited.as_secs()),
        "pausedAt": kind.pause.as_ref().map(|pause| pause.since),
        "pausedBy": kind.pause.as_ref().map(|pause| &pause.by),
        "maxRunning": kind.known.and_then(|known| known.max_running),
        "maxAttempts": kind.known.map(|known| known.max_attempts),
        "timeLimitSeconds": kind.known.map(|known| known.time_limit.as_secs()),
    })
}

fn schedule_object(schedule: &Schedule) -> Value {
    json!({
        "name": schedule.name,
        "kind": schedule.kind,
        "payload": schedule.payload,
        "purpose": schedule.purpose,
        "cron": schedule.cron,
        "timeZone": schedule.time_zone,
        "inWords": schedule.in_words(),
        "builtInCron": schedule.built_in_cron,
        "builtInTimeZone": schedule.built_in_time_zone,
        "nextRunAt": schedule.paused_at.is_none().then_some(schedule.next_run_at),
        "pausedAt": schedule.paused_at,
        "pausedBy": schedule.paused_by,
        "lastRunAt": schedule.last_run_at,
        "lastJobId": schedule.last_job_id,
    })
}

fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
    }
}

/// An object a line.
fn lines(out: &mut impl Write, objects: impl Iterator<Item = Value>) -> Result<(), Failure> {
    for object in objects {
        writeln!(out, "{object}")?;
    }
    Ok(())
}

/// Columns as wide as what is in them; the last one as long as it is.
fn table<const COLUMNS: usize>(
    out: &mut impl Write,
    heads: [&str; COLUMNS],
    mut rows: Vec<[String; COLUMNS]>,
) -> Result<(), Failure> {
    rows.insert(0, heads.map(str::to_owned));
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The beginning of a text that would fill the screen.
fn cut(text: String) -> String {
    const SHOWN: usize = 500;
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => {
            let (start, length) = (&text[..end], text.len());
            format!("{start}… ({length} bytes; `--json` prints all)")
        }
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn age(age: TimeDelta) -> String {
    format!("{} ago", span(age))
}

fn span(span: TimeDelta) -> String {
    short(span.to_std().unwrap_or_default())
}

/// A span in its largest unit.
fn short(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
