//! A run: documents are read, prepared and written at the same time, a batch after the other.
//!
//! One thread reads. Batches are prepared on other threads, a few at a time, and written in the
//! order they were read in, each as one transaction with all that the run has to say about it.
//! A run that is killed has taken in whole batches, and when it is run again it skips them: the
//! result is that of one clean run.
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
use super::batch::{Batch, Fate, PreparedBatch, PreparedStep};
use super::origin::Origin;
use crate::domain::actor::Actor;
use crate::domain::error::{Failure, Result};
use crate::domain::import::{
    self, Answer, Counts, Finding, FindingKind, Incoming, Manner, NewRun, Outcome, RunStatus,
};
use crate::domain::permission::Action;
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
    tell: &mut (dyn FnMut(ImportEvent) + Send),
) -> Result<ImportReport> {
    let new_run = NewRun {
        source: origin.name().to_owned(),
        format: origin.format().to_owned(),
        publish: options.manner.publish,
    };
    let run_id = match options.dry_run {
        true => None,
        false => Some(import::begin(store, &new_run).await?),
    };
    let bytes = Arc::new(AtomicU64::new(0));
    let (sender, mut prepared) = mpsc::channel(BATCHES_ON_THEIR_WAY);
    let reader = read(store, origin, options.manner.publish, &bytes, stop, sender);
    let mut writer = Writer {
        store,
        options,
        new_run,
        run_id,
        total: Counts::default(),
        file: Counts::default(),
        tell,
    };
    let mut interrupted = false;
    while let Some(batch) = prepared.recv().await {
        let batch = joined(batch).await?;
        writer.write(batch).await?;
        (writer.tell)(ImportEvent::Progress {
            documents: writer.total.documents(),
            bytes: bytes.load(Ordering::Relaxed),
        });
        if stop.is_cancelled() {
            prepared.close();
            interrupted = prepared.recv().await.is_some();
            break;
        }
    }
    drop(prepared);
    interrupted |= joined(reader).await?.is_break();
    let status = match interrupted {
        true => RunStatus::Interrupted,
        false => RunStatus::Finished,
    };
    if let Some(run_id) = run_id {
        import::finish(store, run_id, status).await?;
    }
    Ok(ImportReport {
        counts: writer.total,
        status,
    })
}

/// Reads on a thread of its own, and has batches prepared on others. The channel bounds how many.
fn read(
    store: &Store,
    origin: Origin,
    publish: bool,
    bytes: &Arc<AtomicU64>,
    stop: &CancellationToken,
    sender: mpsc::Sender<JoinHandle<PreparedBatch>>,
) -> JoinHandle<ControlFlow<()>> {
    let context = ImportContext {
        now: store.clock.now(),
    };
    let (bytes, stop, runtime) = (Arc::clone(bytes), stop.clone(), Handle::current());
    let send = move |batch: Batch| {
        let batch = runtime.spawn_blocking(move || batch.prepare(publish));
        match sender.blocking_send(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    };
    spawn_blocking(move || {
        let mut batch = Batch::default();
        origin.read(&context, &bytes, &mut |step| {
            if stop.is_cancelled() {
                return ControlFlow::Break(());
            }
            batch.push(step);
            match batch.is_full() {
                true => send(std::mem::take(&mut batch)),
                false => ControlFlow::Continue(()),
            }
        })?;
        match batch.is_empty() {
            true => ControlFlow::Continue(()),
            false => send(batch),
        }
    })
}

/// Writes batches, and keeps count.
struct Writer<'run> {
    store: &'run Store,
    options: ImportOptions,
    new_run: NewRun,
    /// None in a dry run, which leaves no row behind.
    run_id: Option<i64>,
    total: Counts,
    file: Counts,
    tell: &'run mut (dyn FnMut(ImportEvent) + Send),
}

impl Writer<'_> {
    /// Writes a batch. One that holds a value which the database refuses is written in two halves,
    /// and so on, until only the document with that value is left out.
    async fn write(&mut self, batch: PreparedBatch) -> Result<()> {
        let mut pending = vec![batch];
        while let Some(batch) = pending.pop() {
            match self.try_to_write(&batch).await {
                Ok(answers) => self.report(batch, answers),
                Err(error) if matches!(error.failure(), Failure::Busy | Failure::Other) => {
                    return Err(error);
                }
                Err(error) if batch.documents.len() > 1 => {
                    let (first, second) = batch.halves();
                    tracing::debug!(%error, "a batch is written in two halves");
                    pending.extend([second, first]);
                }
                Err(error) => {
                    let reason = format!("the database refuses it: {error}");
                    let batch = batch.without_documents(&reason);
                    let answers = self.try_to_write(&batch).await?;
                    self.report(batch, answers);
                }
            }
        }
        Ok(())
    }

    /// Writes a batch, again when another writer was in the way.
    async fn try_to_write(&self, batch: &PreparedBatch) -> Result<Vec<Answer>> {
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

    async fn write_once(&self, batch: &PreparedBatch) -> Result<Vec<Answer>> {
        let mut transaction =
            Transaction::begin(self.store, Actor::CommandLine, Action::Import).await?;
        let run_id = match self.run_id {
            Some(run_id) => run_id,
            None => import::insert(&transaction, &self.new_run).await?,
        };
        let documents: &[Incoming] = &batch.documents;
        let manner = self.options.manner;
        let answers = import::apply(&mut transaction, run_id, documents, manner).await?;
        let mut counts = Counts::default();
        let mut findings = Vec::new();
        for step in &batch.steps {
            if let Some(answer) = step.answer(&answers) {
                counts.add(&answer);
                findings.extend(step.findings(&answer));
            }
        }
        import::record(&transaction, run_id, &counts, &findings).await?;
        match self.options.dry_run {
            true => transaction.roll_back().await?,
            false => transaction.commit().await?,
        }
        Ok(answers)
    }

    fn report(&mut self, batch: PreparedBatch, answers: Vec<Answer>) {
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

impl PreparedStep {
    /// What became of it, if it is a document.
    fn answer(&self, answers: &[Answer]) -> Option<Answer> {
        let Self::Document { fate, .. } = self else {
            return None;
        };
        Some(match fate {
            Fate::Incoming(index) => answers.get(*index)?.clone(),
            Fate::Unreadable(reason) => Answer {
                outcome: Outcome::Failed(reason.clone()),
                published: false,
            },
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
