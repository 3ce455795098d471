//! Fills a database with synthetic posts through the domain.

use alphanode::domain::actor::Actor;
use alphanode::domain::post::{self, NewPost, NewRevision, NewScore, PreparedPost};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::foundation::clock::Clock;
use alphanode::foundation::database::{Database, DatabaseOptions};
use alphanode::transfer::{Document, RevisionDetails, Score, synth};

use crate::{Failure, Result};

/// The seed of all synthetic posts.
pub const SEED: u64 = 42;

const BATCH: u64 = 200;

pub async fn fill(url: &str, posts: u64) -> Result<()> {
    let mut options = DatabaseOptions::new(url);
    options.relaxed = true;
    let store = Store::new(Database::open(&options).await?, Clock::system());
    let prepare = |start: u64| {
        tokio::task::spawn_blocking(move || {
            let end = posts.min(start + BATCH);
            synth::documents(SEED, start..end)
                .map(|document| PreparedPost::new(new_post(document)).map_err(said))
                .collect::<Result<Vec<PreparedPost>>>()
        })
    };
    let mut next = Some(prepare(0));
    let mut start = 0;
    while let Some(batch) = next.take() {
        let batch = batch.await??;
        start += BATCH;
        if start < posts {
            next = Some(prepare(start));
        }
        let mut transaction = Transaction::begin(&store, Actor::CommandLine, None).await?;
        for saved in post::create(&mut transaction, batch).await? {
            saved.map_err(said)?;
        }
        transaction.commit().await?;
    }
    store.database.close().await?;
    Ok(())
}

fn said(problem: impl std::fmt::Debug) -> Failure {
    format!("{problem:?}").into()
}

fn new_post(document: Document) -> NewPost {
    let score = |score: Score| NewScore {
        quality: score.quality.into(),
        freshness: score.freshness.into(),
        depth: score.depth.into(),
        clarity: score.clarity.into(),
        assessor: score.assessor,
        assessed_at: score.assessed_at,
    };
    let updated_at = document.updated_at;
    let revision = |content, details: RevisionDetails| NewRevision {
        content,
        version: details.version,
        status: details.status,
        last_reviewed: details.last_reviewed,
        author: details.author,
        message: details.message,
        saved_at: details.saved_at.or(updated_at),
    };
    let history = document.history.into_iter();
    let mut revisions: Vec<NewRevision> = history
        .map(|earlier| revision(earlier.content, earlier.revision))
        .collect();
    revisions.push(revision(document.content, document.revision));
    let scores = document.score_history.into_iter().chain(document.score);
    NewPost {
        reference: document.reference,
        source_id: document.source_id,
        generator: document.generator,
        source_hash: document.hash,
        view_count: document.view_count.unwrap_or(0) as i64,
        published_at: document.published_at,
        created_at: document.created_at,
        redirects: document.redirects,
        scores: scores.map(score).collect(),
        revisions,
    }
}

