//! The report of a run: what became of each of its documents.

use entity::import_document;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::Value;

use super::run::{ImportRun, signed, unsigned};
use super::{Answer, Outcome, Trace};
use crate::domain::error::Result;
use crate::domain::post::RevisionDiff;
use crate::domain::transaction::Transaction;
use crate::foundation::database::PARAMETERS;

/// What kind of thing there is to say about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// The file left something open, and the import decided.
    Inferred,
    /// Source and post have both changed.
    Conflict,
    /// The document was not imported.
    Failed,
}

/// What there is to say about a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of thing it is.
    pub kind: FindingKind,
    /// The file.
    pub path: String,
    /// The line of the file, counted from 1, where there is one.
    pub line: Option<u64>,
    /// A sentence for people.
    pub message: String,
}

/// What becomes of a document, for the report.
#[derive(Clone, Debug)]
pub struct Reported {
    /// The file.
    pub path: String,
    /// The line of the file it starts on, counted from 1, where there is one.
    pub line: Option<u64>,
    /// What became of it.
    pub answer: Answer,
    /// What the file left open and the import decided, a sentence each.
    pub inferred: Vec<String>,
    /// What it would change of the head of its post; only a dry run says so.
    pub diff: Option<RevisionDiff>,
}

/// What taking a document back came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevertOutcome {
    /// The post that it made is in the trash.
    Trashed,
    /// Its post shows again what it showed before.
    Restored,
    /// Its post was changed since, and stays as it is.
    Kept,
    /// What it did shows nowhere.
    Nothing,
}

impl RevertOutcome {
    const ALL: [Self; 4] = [Self::Trashed, Self::Restored, Self::Kept, Self::Nothing];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Trashed => "trashed",
            Self::Restored => "restored",
            Self::Kept => "kept",
            Self::Nothing => "nothing",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}

/// What taking a run back came to, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevertCounts {
    /// Posts that are in the trash by it.
    pub trashed: i64,
    /// Posts that show again what they showed before.
    pub restored: i64,
    /// Posts that were changed since, and stay as they are.
    pub kept: i64,
}

/// A document of a report.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportedDocument {
    /// Its place in the run, from 1.
    pub number: i64,
    /// The file.
    pub path: String,
    /// The line of the file it starts on, counted from 1, where there is one.
    pub line: Option<u64>,
    /// What became of it, and what it did to its post.
    pub answer: Answer,
    /// What the file left open and the import decided, a sentence each.
    pub inferred: Vec<String>,
    /// What it would change of the head of its post, where a dry run says so.
    pub diff: Option<RevisionDiff>,
    /// What taking it back came to, once that was done.
    pub revert: Option<RevertOutcome>,
    /// Why its post stays as it is.
    pub revert_message: Option<String>,
}

/// What became of a document, without the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the outcome of the same name")]
pub enum OutcomeKind {
    Created,
    Updated,
    Skipped,
    Conflicted,
    Failed,
}

impl OutcomeKind {
    /// The word in the database.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Skipped => "skipped",
            Self::Conflicted => "conflicted",
            Self::Failed => "failed",
        }
    }
}

impl Outcome {
    /// The outcome without its reason.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Created => OutcomeKind::Created,
            Self::Updated => OutcomeKind::Updated,
            Self::Skipped => OutcomeKind::Skipped,
            Self::Conflicted(_) => OutcomeKind::Conflicted,
            Self::Failed(_) => OutcomeKind::Failed,
        }
    }

    /// Why a person has to look at the document, where one has to.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Conflicted(reason) | Self::Failed(reason) => Some(reason),
            Self::Created | Self::Updated | Self::Skipped => None,
        }
    }
}

impl ReportedDocument {
    /// Reads a row of the report.
    pub(super) fn of(row: import_document::Model) -> Result<Self> {
        let message = row.message.unwrap_or_default();
        let outcome = match row.outcome.as_str() {
            "created" => Outcome::Created,
            "updated" => Outcome::Updated,
            "skipped" => Outcome::Skipped,
            "conflicted" => Outcome::Conflicted(message),
            _ => Outcome::Failed(message),
        };
        Ok(Self {
            number: row.number,
            path: row.path,
            line: row.line.map(unsigned),
            answer: Answer {
                outcome,
                published: row.published,
                trace: Trace {
                    post_id: row.post_id,
                    revision_id: row.revision_id,
                    head_before: row.head_before,
                    head_after: row.head_after,
                    live_before: row.live_before,
                    live_after: row.live_after,
                    source_before: row.source_hash.zip(row.source_revision),
                },
            },
            inferred: match row.inferred {
                Some(sentences) => serde_json::from_value(sentences)?,
                None => Vec::new(),
            },
            diff: row.diff.map(serde_json::from_value).transpose()?,
            revert: row.revert.as_deref().and_then(RevertOutcome::from_word),
            revert_message: row.revert_message,
        })
    }
}

/// Writes what became of documents, which follow those that `run` counts.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    run: &ImportRun,
    documents: &[Reported],
) -> Result<()> {
    const COLUMNS: usize = 17;
    let first = signed(run.counts.documents()) + 1;
    let mut rows = Vec::with_capacity(documents.len());
    for (document, number) in documents.iter().zip(first..) {
        rows.push(row(run, number, document)?);
    }
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(PARAMETERS / COLUMNS));
        import_document::Entity::insert_many(std::mem::replace(&mut rows, rest))
            .exec_without_returning(transaction.connection())
            .await?;
    }
    Ok(())
}

fn row(run: &ImportRun, number: i64, document: &Reported) -> Result<import_document::ActiveModel> {
    let Answer {
        outcome,
        published,
        trace,
    } = &document.answer;
    let message = outcome.reason().map(str::to_owned);
    let inferred = match outcome {
        Outcome::Created | Outcome::Updated | Outcome::Conflicted(_)
            if !document.inferred.is_empty() =>
        {
            Some(Value::from(document.inferred.clone()))
        }
        _ => None,
    };
    let trace = match run.dry_run {
        // What it would have written has no keys.
        true => &Trace {
            post_id: trace.post_id.filter(|_| *outcome != Outcome::Created),
            ..Trace::default()
        },
        false => trace,
    };
    let (source_hash, source_revision) = trace.source_before.clone().unzip();
    Ok(import_document::ActiveModel {
        import_run_id: Set(run.id),
        number: Set(number),
        path: Set(document.path.clone()),
        line: Set(document.line.map(signed)),
        outcome: Set(outcome.kind().as_str().to_owned()),
        published: Set(*published),
        message: Set(message),
        inferred: Set(inferred),
        post_id: Set(trace.post_id),
        revision_id: Set(trace.revision_id),
        head_before: Set(trace.head_before),
        head_after: Set(trace.head_after),
        live_before: Set(trace.live_before),
        live_after: Set(trace.live_after),
        source_hash: Set(source_hash),
        source_revision: Set(source_revision),
        diff: Set(document
            .diff
            .as_ref()
            .map(serde_json::to_value)
            .transpose()?),
        ..Default::default()
    })
}
