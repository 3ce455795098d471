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

mod apply;
mod known;
mod run;
mod update;

use std::sync::Arc;

use crate::domain::post::PreparedPost;

pub use apply::apply;
pub use run::{Counts, Finding, FindingKind, NewRun, RunStatus, begin, finish, insert, record};

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
}

impl Answer {
    fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            published: false,
        }
    }
}
