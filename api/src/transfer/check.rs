//! What a document must keep to, whatever file it comes from.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::document::{Document, RevisionDetails, Score};
use crate::domain::error::Problem;
use crate::domain::post::Content;

impl Document {
    /// Everything that is wrong with the values of the document, all at once; empty when nothing
    /// is. Every import format is held to it.
    pub fn check(&self) -> Vec<Problem> {
        let mut invalid = self.content.check();
        for (field, text) in [
            ("sourceId", &self.source_id),
            ("reference", &self.reference),
            ("generator", &self.generator),
            ("hash", &self.hash),
        ] {
            if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
                invalid.push(Problem::invalid(
                    field,
                    "is empty; fill it in or leave it out",
                ));
            }
        }
        invalid.extend(check_revision("", &self.revision));
        for (field, time) in [
            ("publishedAt", self.published_at),
            ("createdAt", self.created_at),
            ("updatedAt", self.updated_at),
        ] {
            invalid.extend(check_time(field, time));
        }
        invalid.extend(
            self.score
                .iter()
                .flat_map(|score| check_score("score", score)),
        );
        for (index, score) in self.score_history.iter().enumerate() {
            invalid.extend(check_score(&format!("scoreHistory[{index}]"), score));
        }
        for (index, path) in self.redirects.iter().enumerate() {
            if !is_path(path) {
                invalid.push(Problem::invalid(
                    format!("redirects[{index}]"),
                    format!("`{path}` must be a path of this site that starts with one `/`"),
                ));
            }
        }
        for (index, earlier) in self.history.iter().enumerate() {
            let place = format!("history[{index}].");
            let content = check_content(&place, &earlier.content);
            invalid.extend(content.chain(check_revision(&place, &earlier.revision)));
        }
        invalid
    }
}

fn check_content(place: &str, content: &Content) -> impl Iterator<Item = Problem> {
    content
        .check()
        .into_iter()
        .map(move |invalid| Problem::invalid(format!("{place}{}", invalid.field), invalid.message))
}

fn check_revision(place: &str, revision: &RevisionDetails) -> Vec<Problem> {
    let mut invalid = Vec::new();
    if let Some(version) = &revision.version
        && semver::Version::parse(version).is_err()
    {
        invalid.push(Problem::invalid(
            format!("{place}revision.version"),
            format!(
                "`{version}` is not a semantic version{}",
                version_hint(version)
            ),
        ));
    }
    invalid.extend(check_time(
        &format!("{place}revision.savedAt"),
        revision.saved_at,
    ));
    if let Some(day) = revision.last_reviewed {
        invalid.extend(check_year(&format!("{place}revision.lastReviewed"), day));
    }
    invalid
}

fn version_hint(version: &str) -> String {
    let bare = version.trim().trim_start_matches(['v', 'V']);
    [bare.to_owned(), format!("{bare}.0"), format!("{bare}.0.0")]
        .into_iter()
        .find(|candidate| semver::Version::parse(candidate).is_ok())
        .map_or_else(
            || String::from("; write three numbers, e.g. `1.3.9`"),
            |candidate| format!("; write `{candidate}`"),
        )
}

fn check_score(place: &str, score: &Score) -> Vec<Problem> {
    let figures = [
        ("quality", score.quality),
        ("freshness", score.freshness),
        ("depth", score.depth),
        ("clarity", score.clarity),
    ];
    let mut invalid: Vec<_> = figures
        .into_iter()
        .filter(|(_, figure)| *figure > 100)
        .map(|(name, figure)| {
            Problem::invalid(
                format!("{place}.{name}"),
                format!("{figure} must be a whole number from 0 to 100"),
            )
        })
        .collect();
    invalid.extend(check_time(
        &format!("{place}.assessedAt"),
        score.assessed_at,
    ));
    invalid
}

fn check_time(field: &str, time: Option<DateTime<Utc>>) -> Option<Problem> {
    check_year(field, time?.date_naive())
}

/// Both databases and RFC 3339 hold years of four digits.
fn check_year(field: &str, day: NaiveDate) -> Option<Problem> {
    (!(1..=9999).contains(&day.year())).then(|| {
        Problem::invalid(
            field,
            format!("the year {} must be from 1 to 9999", day.year()),
        )
    })
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && !path.chars().any(|character| character.is_control())
}
