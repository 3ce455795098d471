//! What the doctor found, as a table for people and as an object for programs.

use std::io::Write;

use serde_json::{Value, json};

use crate::cli::Failure;
use crate::domain::doctor::{Finding, State};

/// A row for each check, and what to do below it.
pub(super) fn table(out: &mut impl Write, findings: &[(String, Finding)]) -> Result<(), Failure> {
    let widths = findings.iter().map(|(name, _)| name.chars().count());
    let width = widths.max().unwrap_or(0).max("CHECK".len());
    writeln!(out, "{:width$}  STATE  FOUND", "CHECK")?;
    for (name, finding) in findings {
        let state = finding.state.as_str().to_uppercase();
        writeln!(out, "{name:width$}  {state:5}  {}", finding.found)?;
        if let Some(remedy) = &finding.remedy {
            writeln!(out, "{:width$}         -> {remedy}", "")?;
        }
    }
    let count = |state| count(findings, state);
    writeln!(
        out,
        "\n{} failed, {} to look at, {} as they should be, {} not made",
        count(State::Fail),
        count(State::Warn),
        count(State::Ok),
        count(State::Skip),
    )?;
    Ok(())
}

/// Everything in one object.
pub(super) fn object(out: &mut impl Write, findings: &[(String, Finding)]) -> Result<(), Failure> {
    let checks = findings.iter().map(|(name, finding)| {
        json!({
            "check": name,
            "state": finding.state.as_str(),
            "found": finding.found,
            "remedy": finding.remedy,
        })
    });
    let object = json!({
        "checks": checks.collect::<Vec<Value>>(),
        "ok": count(findings, State::Ok),
        "warn": count(findings, State::Warn),
        "fail": count(findings, State::Fail),
        "skip": count(findings, State::Skip),
    });
    writeln!(out, "{object}")?;
    Ok(())
}

fn count(findings: &[(String, Finding)], state: State) -> usize {
    let of_state = findings.iter().filter(|(_, found)| found.state == state);
    of_state.count()
}
