//! A batch: the documents that are written as one transaction.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Parsed;
use super::origin::{Found, Step};
use super::review::Review;
use crate::domain::error::Problem;
use crate::domain::import::Incoming;
use crate::domain::post::{PreparedPost, RevisionStatus};
use crate::transfer::post::signed;

/// Documents of a batch: enough to make a commit cheap, few enough to lose little when killed.
const DOCUMENTS: usize = 500;
/// Bytes of bodies in a batch, which bounds the memory that batches on their way take.
const BYTES: usize = 8 * 1024 * 1024;

/// What was read, and waits to be prepared.
#[derive(Default)]
pub(super) struct Batch {
    steps: Vec<Step>,
    documents: usize,
    weight: usize,
    /// Bytes that were read with it.
    pub(super) bytes: u64,
}

/// How documents are prepared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparation {
    /// Make every document's newest revision live.
    pub(super) publish: bool,
    /// The review that is asked for before anything goes live, if any is.
    pub(super) review: Option<Review>,
}

impl Batch {
    pub(super) fn push(&mut self, step: Step) {
        if let Step::Document(found) = &step {
            self.documents += 1;
            self.weight += found.weight();
        }
        self.steps.push(step);
    }

    pub(super) fn is_full(&self) -> bool {
        self.documents >= DOCUMENTS || self.weight >= BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Renders and hashes: the work that needs no database.
    pub(super) fn prepare(self, how: Preparation) -> PreparedBatch {
        let mut batch = PreparedBatch {
            steps: Vec::with_capacity(self.steps.len()),
            documents: Vec::with_capacity(self.documents),
            bytes: self.bytes,
        };
        for step in self.steps {
            let step = match step {
                Step::EndOfFile(path) => PreparedStep::EndOfFile(path),
                Step::Document(found) => {
                    let Found { path, result } = *found;
                    let line = match &result {
                        Ok(parsed) => Some(parsed.line),
                        Err(problem) => problem.line,
                    };
                    let result = result.map_err(|problem| problem.reason);
                    let (fate, inferred) = match result.and_then(|parsed| prepare(parsed, how)) {
                        Ok((incoming, inferred)) => {
                            batch.documents.push(incoming);
                            (Fate::Incoming(batch.documents.len() - 1), inferred)
                        }
                        Err(reason) => (Fate::Unreadable(reason), Vec::new()),
                    };
                    PreparedStep::Document {
                        path,
                        line,
                        inferred,
                        fate,
                    }
                }
            };
            batch.steps.push(step);
        }
        batch
    }
}

/// What is ready to be written.
pub(super) struct PreparedBatch {
    pub(super) steps: Vec<PreparedStep>,
    pub(super) documents: Vec<Incoming>,
    pub(super) bytes: u64,
}

/// What reading came across, prepared.
pub(super) enum PreparedStep {
    Document {
        path: Arc<str>,
        line: Option<u64>,
        inferred: Vec<String>,
        fate: Fate,
    },
    EndOfFile(Arc<str>),
}

/// What comes of a document.
pub(super) enum Fate {
    /// It is the document with this index.
    Incoming(usize),
    /// Nothing, because of this.
    Unreadable(String),
}

fn prepare(parsed: Parsed, how: Preparation) -> Result<(Incoming, Vec<String>), String> {
    let (document, mut inferred) = (parsed.document, parsed.inferred);
    let json = serde_json::to_vec(&document).map_err(|error| error.to_string())?;
    let document_hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&json));
    drop(json);
    let view_count = document.view_count.map(signed);
    let mut post = document.into_post();
    if how.publish
        && let Some(newest) = post.revisions.last_mut()
    {
        newest.status = RevisionStatus::Published;
    }
    if let Some(review) = how.review {
        review.hold_back(&mut post, &mut inferred);
    }
    let source_id = post.source_id.clone();
    let post = PreparedPost::new(post).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        problems.join("; ")
    })?;
    let incoming = Incoming {
        source_key: match source_id {
            Some(source_id) => format!("source:{source_id}"),
            None => format!("slug:{}", post.slug()),
        },
        document_hash,
        view_count,
        post: Arc::new(post),
    };
    Ok((incoming, inferred))
}

impl PreparedBatch {
    /// The same in two batches, with half of the documents each.
    pub(super) fn halves(mut self) -> (Self, Self) {
        let middle = self.documents.len() / 2;
        let second_documents = self.documents.split_off(middle);
        let is_second = |step: &PreparedStep| {
            matches!(step, PreparedStep::Document { fate: Fate::Incoming(index), .. }
                if *index >= middle)
        };
        let cut = self.steps.iter().position(is_second);
        let mut second_steps = self.steps.split_off(cut.unwrap_or(self.steps.len()));
        for step in &mut second_steps {
            if let PreparedStep::Document {
                fate: Fate::Incoming(index),
                ..
            } = step
            {
                *index -= middle;
            }
        }
        let second = Self {
            steps: second_steps,
            documents: second_documents,
            bytes: self.bytes,
        };
        (self, second)
    }

    /// The same with all its documents unreadable.
    pub(super) fn without_documents(mut self, reason: &str) -> Self {
        self.documents.clear();
        for step in &mut self.steps {
            if let PreparedStep::Document { fate, .. } = step
                && matches!(fate, Fate::Incoming(_))
            {
                *fate = Fate::Unreadable(reason.to_owned());
            }
        }
        self
    }
}
