//! Imports: what becomes of a document that comes from a source, and what is kept of it.
//!
//! A source is known by its key. What it looked like at its last import is kept as a hash, and with
//! it the revision it became, so that the next import can tell who has changed since:
//!
//! | the source | the post | |
//! |---|---|---|
//! | unknown | | created |
//! | unchanged | whatever | skipped |
//! | changed | as imported | a new head |
//! | changed | changed too, or in the trash | a revision beside the head: a conflict |
//!
//! `overwrite` makes the revision of a conflict the head, also when the conflict is of an earlier
//! run. A change of the figures alone (views, scores, redirects, dates) is no conflict.
//!
//! A source that names a post which no import knows (by its source id or its reference) is that
//! post's source from now on: unchanged when it says the same as the head, else a conflict.
//!
//! Two documents of one source in one run would take turns at every run, so the second is refused.
//! The run that has seen a source last is kept for that.
//!
//! # Runs
//!
//! A run is a row. Its batches are transactions that take hold of that row ([`hold`]), write posts,
//! the report of their documents and how far the run is, all together: whatever happens between two
//! batches, counts and report are those of what is in. The files of a run that workers carry out
//! ([`Uploader`]) are kept in the database, where every node can read them, until it is finished.

mod apply;
mod control;
mod difference;
mod format;
mod known;
mod list;
mod report;
mod revert;
mod run;
mod status;
mod stored;
mod update;
mod upload;

use std::sync::Arc;

use crate::domain::post::PreparedPost;

pub use apply::apply;
pub(in crate::domain) use control::wait_after;
pub use control::{
    JOB_KIND, JobPayload, REVERT_JOB_KIND, cancel, fail, is_cancelled, job, resume, revert, start,
};
pub use difference::differences;
pub use format::Format;
pub use list::{
    ReportFilter, RunFilter, count, count_report, find, jobs, list, report, revert_counts,
};
pub use report::{
    Finding, FindingKind, OutcomeKind, Reported, ReportedDocument, RevertCounts, RevertOutcome,
};
pub use revert::revert_batch;
pub use run::{
    Batch, Counts, ImportRun, NewRun, Place, Progress, begin, finish, hold, insert, record,
};
pub use status::RunStatus;
pub use stored::{StoredFile, chunk, drop_files, purge, stored_files};
pub use upload::{CHUNK_BYTES, NewUpload, Uploader};

/// The hash of a source whose document was taken back: no document looks like it, so that the next
/// import takes in whatever there is. The source has the time of that, and so has the post's being in
/// the trash.
const TAKEN_BACK: &str = "";

/// A document on its way in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// What its source is known by.
    pub source_key: String,
    /// What the source looks like.
    pub document_hash: String,
    /// Times the post was viewed, where the source counts them.
    pub view_count: Option<i64>,
    /// What the source says.
    pub post: Arc<PreparedPost>,
}

/// How documents are taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Make the head of every document's post live, whatever the document says, unless editors
    /// have gone on since.
    pub publish: bool,
    /// Make the revision of a conflict the head.
    pub overwrite: bool,
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new post.
    Created,
    /// A post that was there has changed.
    Updated,
    /// The source is as it was.
    Skipped,
    /// Its revision is beside the head, because of this.
    Conflicted(String),
    /// Nothing was written, because of this.
    Failed(String),
}

/// What became of a document, and whether it made something live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub outcome: Outcome,
    /// Whether the public sees something new by it.
    pub published: bool,
    /// What it did to its post.
    pub trace: Trace,
}

/// What a document did to its post: all that taking it back needs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The post.
    pub post_id: Option<i64>,
    /// The revision that the document is.
    pub revision_id: Option<i64>,
    /// The head before; none of a new post, and of one that was left alone.
    pub head_before: Option<i64>,
    /// The head after; none of a post that was left alone.
    pub head_after: Option<i64>,
    /// What was live before.
    pub live_before: Option<i64>,
    /// What was live after.
    pub live_after: Option<i64>,
    /// What its source looked like before, and the revision it was then.
    pub source_before: Option<(String, i64)>,
}

impl Answer {
    /// What became of a document that did nothing to a post.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            published: false,
            trace: Trace::default(),
        }
    }
}
