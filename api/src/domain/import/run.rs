//! Import runs: what was read, how much of it became what, and what there was to say.

use entity::{import_finding, import_run};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{Answer, Outcome};
use crate::domain::actor::Actor;
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::database::PARAMETERS;

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// What is read, e.g. the paths that were given.
    pub source: String,
    /// What it is read as.
    pub format: String,
    /// Whether everything is published.
    pub publish: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunStatus {
    /// Everything was read.
    Finished,
    /// It was stopped before the end, and can be run again.
    Interrupted,
}

/// How many documents became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New posts.
    pub created: u64,
    /// Posts that changed.
    pub updated: u64,
    /// Sources that are as they were.
    pub skipped: u64,
    /// Revisions beside the head.
    pub conflicted: u64,
    /// Documents that were not imported.
    pub failed: u64,
    /// Documents that made something live, of all the above.
    pub published: u64,
}

impl Counts {
    /// Counts a document.
    pub fn add(&mut self, answer: &Answer) {
        let count = match answer.outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Conflicted(_) => &mut self.conflicted,
            Outcome::Failed(_) => &mut self.failed,
        };
        *count += 1;
        self.published += u64::from(answer.published);
    }

    /// All documents.
    pub fn documents(&self) -> u64 {
        self.created + self.updated + self.skipped + self.conflicted + self.failed
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.skipped += other.skipped;
        self.conflicted += other.conflicted;
        self.failed += other.failed;
        self.published += other.published;
    }
}

/// What kind of thing a run has to say about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// The file left something open, and the import decided.
    Inferred,
    /// Source and post have both changed.
    Conflict,
    /// The document was not imported.
    Failed,
}

impl FindingKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// What a run has to say about a document.
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

/// Begins a run. One of the same source that is still said to be running was killed, or will find
/// at worst that its documents are in already: it is marked as interrupted.
///
/// # Errors
///
/// Those of the database.
pub async fn begin(store: &Store, run: &NewRun) -> Result<i64> {
    let transaction = Transaction::begin(store, Actor::CommandLine, Action::Import).await?;
    import_run::Entity::update_many()
        .col_expr(import_run::Column::Status, Expr::value("interrupted"))
        .col_expr(
            import_run::Column::FinishedAt,
            Expr::value(transaction.now()),
        )
        .filter(import_run::Column::Status.eq("running"))
        .filter(import_run::Column::Source.eq(&run.source))
        .exec(transaction.connection())
        .await?;
    let id = insert(&transaction, run).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Writes the row of a run that begins.
///
/// # Errors
///
/// Those of the database.
pub async fn insert(transaction: &Transaction<'_>, run: &NewRun) -> Result<i64> {
    let row = import_run::ActiveModel {
        source: Set(run.source.clone()),
        format: Set(run.format.clone()),
        publish: Set(run.publish),
        status: Set("running".to_owned()),
        started_at: Set(transaction.now()),
        ..Default::default()
    };
    Ok(row.insert(transaction.connection()).await?.id)
}

/// Ends a run.
///
/// # Errors
///
/// Those of the database.
pub async fn finish(store: &Store, run_id: i64, status: RunStatus) -> Result<()> {
    let transaction = Transaction::begin(store, Actor::CommandLine, Action::Import).await?;
    let status = match status {
        RunStatus::Finished => "finished",
        RunStatus::Interrupted => "interrupted",
    };
    import_run::Entity::update_many()
        .col_expr(import_run::Column::Status, Expr::value(status))
        .col_expr(
            import_run::Column::FinishedAt,
            Expr::value(transaction.now()),
        )
        .filter(import_run::Column::Id.eq(run_id))
        .exec(transaction.connection())
        .await?;
    transaction.commit().await
}

/// Adds to what a run has counted and found, in the transaction of the documents that it is about.
///
/// # Errors
///
/// Those of the database.
pub async fn record(
    transaction: &Transaction<'_>,
    run_id: i64,
    counts: &Counts,
    findings: &[Finding],
) -> Result<()> {
    use import_run::Column;
    let added = [
        (Column::Created, counts.created),
        (Column::Updated, counts.updated),
        (Column::Skipped, counts.skipped),
        (Column::Conflicted, counts.conflicted),
        (Column::Failed, counts.failed),
    ];
    let mut update = import_run::Entity::update_many().filter(Column::Id.eq(run_id));
    for (column, count) in added {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        update = update.col_expr(column, Expr::col(column).add(count));
    }
    update.exec(transaction.connection()).await?;
    for findings in findings.chunks(PARAMETERS / 5) {
        let rows = findings.iter().map(|finding| import_finding::ActiveModel {
            import_run_id: Set(run_id),
            kind: Set(finding.kind.as_str().to_owned()),
            path: Set(finding.path.clone()),
            line: Set(finding.line.and_then(|line| i64::try_from(line).ok())),
            message: Set(finding.message.clone()),
            ..Default::default()
        });
        import_finding::Entity::insert_many(rows)
            .exec_without_returning(transaction.connection())
            .await?;
    }
    Ok(())
}
