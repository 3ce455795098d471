//! A run: documents are read, prepared and written at the same time, a batch after the other.
//!
//! One thread reads. Batches are prepared on other threads, a few at a time, and written in the
//! order they were read in, each as one transaction with all that the run has to say about it.
//! A run that is killed has taken in whole batches, and when it is run again it skips them: the
//! result is that of one clean run.
//!
//! A run over files of this machine ([`run()`]) reads all of them again. One over files that are
//! kept in the database ([`carry_out`]) goes on where it was: how far it is, is written with each
//! batch, and each batch begins by making sure that nobody else has gone on from there.
//!
//! A dry run does everything but commit. A batch does not see what an earlier one would have
//! written, so it misses names that two documents more than a batch apart both want.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use super::ImportContext;
use super::batch::{Batch, Fate, Preparation, PreparedBatch, PreparedStep};
use super::origin::Origin;
use super::review::Review;
use super::stored::StoredFiles;
use crate::domain::actor::{Actor, Caller};
use crate::domain::error::{Failure, Result};
use crate::domain::import::{
    self, Answer, Counts, Finding, FindingKind, ImportRun, Manner, NewRun, Outcome, Place,
    Reported, RunStatus,
};
use crate::domain::permission::Action;
use crate::domain::post::RevisionDiff;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::thread::joined;

/// Batches that are prepared or wait to be written.
const BATCHES_ON_THEIR_WAY: usize = 3;
/// How often a batch is tried when other writers are in the way.
const TRIES: u32 = 5;

/// How an import is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// How documents are taken in.
    pub manner: Manner,
    /// Do everything but commit.
    pub dry_run: bool,
}

/// What a run tells while it runs, always after the commit of what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportEvent {
    /// There is something to say about a document.
    Found(Finding),
    /// A file is done.
    FileDone {
        /// Which.
        path: String,
        /// What became of its documents.
        counts: Counts,
    },
    /// A batch is done.
    Progress {
        /// Documents so far.
        documents: u64,
        /// Bytes read so far, a little ahead of the documents.
        bytes: u64,
    },
}

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// What became of all documents.
    pub counts: Counts,
    /// Whether everything was read.
    pub status: RunStatus,
}

/// Runs an import to its end, or until `stop` is cancelled; then the batch under way is finished.
///
/// # Errors
///
/// Those of the database that are no fault of a document. What is committed by then stays, and the
/// run can be run again.
pub async fn run(
    store: &Store,
    origin: Origin,
    options: ImportOptions,
    stop: &CancellationToken,
    tell: &mut (dyn FnMut(ImportEvent) + Send + Sync),
) -> Result<ImportReport> {
    let new_run = NewRun {
        source: origin.name().to_owned(),
        format: origin.format().to_owned(),
        manner: options.manner,
        dry_run: options.dry_run,
        total_bytes: origin.bytes(),
    };
    let ledger = match options.dry_run {
        true => Ledger::None(new_run),
        false => Ledger::Run(import::begin(store, &new_run).await?),
    };
    let context = ImportContext {
        now: store.clock.now(),
    };
    // The command line is the operator's own decision.
    let preparation = Preparation {
        publish: options.manner.publish,
        review: None,
    };
    let writer = Writer {
        store,
        caller: Actor::CommandLine.into(),
        manner: options.manner,
        dry_run: options.dry_run,
        ledger,
        place: Place::default(),
        total: Counts::default(),
        file: Counts::default(),
        tell,
    };
    writer.run(origin, context, preparation, stop).await
}

/// Carries out a run whose files are kept in the database, from where it is to its end, or until
/// `stop` is cancelled, or it is cancelled or carried out by somebody else. Everything it does is the
/// same, whatever attempt it is: what is read counts as read when the run was started.
///
/// # Errors
///
/// Those of [`run()`].
pub async fn carry_out(
    store: &Store,
    run: &ImportRun,
    stop: &CancellationToken,
    tell: &mut (dyn FnMut(ImportEvent) + Send + Sync),
) -> Result<ImportReport> {
    let files = StoredFiles::of(&store.database, run).await?;
    let context = ImportContext {
        now: run.started_at,
    };
    let preparation = Preparation {
        publish: run.manner.publish,
        review: (!run.is_the_operators()).then_some(Review {
            required: store.review_required,
            author_id: run.user_id,
        }),
    };
    let writer = Writer {
        store,
        caller: run.caller(),
        manner: run.manner,
        dry_run: run.dry_run,
        ledger: Ledger::Run(run.id),
        place: run.place,
        total: run.counts,
        file: Counts::default(),
        tell,
    };
    let origin = Origin::stored(run, files);
    writer.run(origin, context, preparation, stop).await
}

/// Reads on a thread of its own, and has batches prepared on others. The channel bounds how many.
fn read(
    origin: Origin,
    context: ImportContext,
    preparation: Preparation,
    bytes: &Arc<AtomicU64>,
    stop: &CancellationToken,
    sender: mpsc::Sender<JoinHandle<PreparedBatch>>,
) -> JoinHandle<Result<ControlFlow<()>>> {
    let (bytes, stop, runtime) = (Arc::clone(bytes), stop.clone(), Handle::current());
    let read = Arc::clone(&bytes);
    let send = move |mut batch: Batch| {
        batch.bytes = read.load(Ordering::Relaxed);
        let batch = runtime.spawn_blocking(move || batch.prepare(preparation));
        match sender.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    spawn_blocking(move || {
        let mut batch = Batch::default();
        let flow = origin.read(&context, &bytes, &mut |step| {
            if stop.is_cancelled() {
                return ControlFlow::Break(());
            }
            batch.push(step);
            match batch.is_full() {
                true => send(std::mem::take(&mut batch)),
                false => ControlFlow::Continue(()),
            }
        })?;
        Ok(match batch.is_empty() || flow.is_break() {
            true => flow,
            false => send(batch),
        })
    })
}

/// Where a run is written down.
enum Ledger {
    /// In the row with this key.
    Run(i64),
    /// Nowhere: a dry run from the command line leaves nothing behind, its own row neither.
    None(NewRun),
}

/// Writes batches, and keeps count.
struct Writer<'run> {
    store: &'run Store,
    caller: Caller,
    manner: Manner,
    dry_run: bool,
    ledger: Ledger,
    place: Place,
    total: Counts,
    file: Counts,
    tell: &'run mut (dyn FnMut(ImportEvent) + Send + Sync),
}

impl Writer<'_> {
    async fn run(
        mut self,
        origin: Origin,
        context: ImportContext,
        preparation: Preparation,
        stop: &CancellationToken,
    ) -> Result<ImportReport> {
        let bytes = Arc::new(AtomicU64::new(0));
        let (sender, mut prepared) = mpsc::channel(BATCHES_ON_THEIR_WAY);
        let reader = read(origin, context, preparation, &bytes, stop, sender);
        let (mut interrupted, mut is_ours) = (false, true);
        while let Some(batch) = prepared.recv().await {
            let batch = joined(batch).await?;
            is_ours = self.write(batch).await?;
            if !is_ours {
                break;
            }
            (self.tell)(ImportEvent::Progress {
                documents: self.total.documents(),
                bytes: bytes.load(Ordering::Relaxed),
            });
            if stop.is_cancelled() {
                prepared.close();
                interrupted = prepared.recv().await.is_some();
                break;
            }
        }
        drop(prepared);
        let end = joined(reader).await??;
        interrupted |= end.is_break() || !is_ours;
        let status = match interrupted {
            true => RunStatus::Interrupted,
            false => RunStatus::Finished,
        };
        // Where it is not ours any more, whoever took it says how it stands.
        if let Ledger::Run(run_id) = self.ledger
            && is_ours
        {
            import::finish(self.store, self.caller, run_id, status).await?;
        }
        Ok(ImportReport {
            counts: self.total,
            status,
        })
    }

    /// Writes a batch, and answers whether to go on. One that holds a value which the database refuses
    /// is written in two halves, and so on, until only the document with that value is left out.
    async fn write(&mut self, batch: PreparedBatch) -> Result<bool> {
        let mut pending = vec![batch];
        while let Some(batch) = pending.pop() {
            let answers = match self.try_to_write(&batch).await {
                Err(error) if matches!(error.failure(), Failure::Busy | Failure::Other) => {
                    return Err(error);
                }
                Err(error) if batch.documents.len() > 1 => {
                    let (first, second) = batch.halves();
                    tracing::debug!(%error, "a batch is written in two halves");
                    pending.extend([second, first]);
                    continue;
                }
                Err(error) => {
                    let reason = format!("the database refuses it: {error}");
                    let batch = batch.without_documents(&reason);
                    let Some(answers) = self.try_to_write(&batch).await? else {
                        return Ok(false);
                    };
                    self.report(batch, answers);
                    continue;
                }
                Ok(answers) => answers,
            };
            let Some(answers) = answers else {
                return Ok(false);
            };
            self.report(batch, answers);
        }
        Ok(true)
    }

    /// Writes a batch, again when another writer was in the way.
    async fn try_to_write(&self, batch: &PreparedBatch) -> Result<Option<Vec<Answer>>> {
        let mut tried = 1;
        loop {
            match self.write_once(batch).await {
                Err(error) if error.failure().is_in_the_way() && tried < TRIES => {
                    tracing::debug!(%error, tried, "another writer was in the way");
                    tokio::time::sleep(Duration::from_millis(50) * tried * tried).await;
                    tried += 1;
                }
                other => return other,
            }
        }
    }

    /// Writes a batch in one transaction. Nothing when the run is not to go on.
    async fn write_once(&self, batch: &PreparedBatch) -> Result<Option<Vec<Answer>>> {
        let mut transaction = self.begin().await?;
        let run_id = match &self.ledger {
            Ledger::None(new_run) => {
                let run_id = import::insert(&transaction, new_run).await?;
                let documents = &batch.documents;
                let answers = import::apply(&mut transaction, run_id, documents, self.manner).await;
                transaction.roll_back().await?;
                return answers.map(Some);
            }
            Ledger::Run(run_id) => *run_id,
        };
        let Some(mut run) = import::hold(&transaction, run_id, self.place).await? else {
            transaction.roll_back().await?;
            return Ok(None);
        };
        let answers =
            import::apply(&mut transaction, run_id, &batch.documents, self.manner).await?;
        let mut diffs = Vec::new();
        if self.dry_run {
            transaction.roll_back().await?;
            diffs = import::differences(self.store, &batch.documents, &answers).await?;
            transaction = self.begin().await?;
            let Some(held) = import::hold(&transaction, run_id, self.place).await? else {
                transaction.roll_back().await?;
                return Ok(None);
            };
            run = held;
        }
        let batch = import::Batch {
            documents: reported(&batch.steps, &answers, diffs),
            place: place_after(self.place, &batch.steps),
            done_bytes: batch.bytes,
        };
        import::record(&mut transaction, &run, &batch).await?;
        transaction.commit().await?;
        Ok(Some(answers))
    }

    async fn begin(&self) -> Result<Transaction<'_>> {
        Transaction::begin(self.store, self.caller.clone(), Action::Import).await
    }

    fn report(&mut self, batch: PreparedBatch, answers: Vec<Answer>) {
        self.place = place_after(self.place, &batch.steps);
        for step in batch.steps {
            if let Some(answer) = step.answer(&answers) {
                self.file.add(&answer);
                self.total.add(&answer);
                for finding in step.findings(&answer) {
                    (self.tell)(ImportEvent::Found(finding));
                }
            }
            if let PreparedStep::EndOfFile(path) = step {
                (self.tell)(ImportEvent::FileDone {
                    path: path.to_string(),
                    counts: std::mem::take(&mut self.file),
                });
            }
        }
    }
}

/// How far a run is after these steps.
fn place_after(mut place: Place, steps: &[PreparedStep]) -> Place {
    for step in steps {
        match step {
            PreparedStep::Document { .. } => place.document += 1,
            PreparedStep::EndOfFile(_) => {
                place.file += 1;
                place.document = 0;
            }
        }
    }
    place
}

/// What the report says of these steps; `diffs` are by document, where there are any.
fn reported(
    steps: &[PreparedStep],
    answers: &[Answer],
    mut diffs: Vec<Option<RevisionDiff>>,
) -> Vec<Reported> {
    let documents = steps.iter().filter_map(|step| {
        let PreparedStep::Document {
            path,
            line,
            inferred,
            fate,
        } = step
        else {
            return None;
        };
        let diff = match fate {
            Fate::Incoming(index) => diffs.get_mut(*index).and_then(Option::take),
            Fate::Unreadable(_) => None,
        };
        Some(Reported {
            path: path.to_string(),
            line: *line,
            answer: step.answer(answers)?,
            inferred: inferred.clone(),
            diff,
        })
    });
    documents.collect()
}

impl PreparedStep {
    /// What became of it, if it is a document.
    fn answer(&self, answers: &[Answer]) -> Option<Answer> {
        let Self::Document { fate, .. } = self else {
            return None;
        };
        Some(match fate {
            Fate::Incoming(index) => answers.get(*index)?.clone(),
            Fate::Unreadable(reason) => Answer::of(Outcome::Failed(reason.clone())),
        })
    }

    /// What there is to say about it.
    fn findings(&self, answer: &Answer) -> Vec<Finding> {
        let Self::Document {
            path,
            line,
            inferred,
            ..
        } = self
        else {
            return Vec::new();
        };
        let finding = |kind, message: &String| Finding {
            kind,
            path: path.to_string(),
            line: *line,
            message: message.clone(),
        };
        let inferred = || {
            let sentences = inferred.iter();
            sentences.map(|sentence| finding(FindingKind::Inferred, sentence))
        };
        match &answer.outcome {
            Outcome::Created | Outcome::Updated => inferred().collect(),
            Outcome::Skipped => Vec::new(),
            Outcome::Conflicted(reason) => inferred()
                .chain([finding(FindingKind::Conflict, reason)])
                .collect(),
            Outcome::Failed(reason) => vec![finding(FindingKind::Failed, reason)],
        }
    }
}
