//! A document becomes a post, and a post a document.

use super::document::{Document, EarlierRevision, RevisionDetails, Score};
use crate::domain::post::{Content, NewPost, NewRevision, NewScore};

impl Document {
    /// The post that the document describes.
    pub fn into_post(self) -> NewPost {
        let mut content = self.content;
        content.payload.extend(self.unknown);
        let mut details = self.revision;
        details.saved_at = details.saved_at.or(self.updated_at);
        let earlier = self.history.into_iter();
        let mut revisions: Vec<NewRevision> = earlier
            .map(|earlier| revision(earlier.content, earlier.revision))
            .collect();
        revisions.push(revision(content, details));
        let scores = self.score_history.into_iter().chain(self.score);
        NewPost {
            reference: self.reference,
            source_id: self.source_id,
            generator: self.generator,
            source_hash: self.hash,
            view_count: signed(self.view_count.unwrap_or(0)),
            owner_id: None,
            published_at: self.published_at,
            created_at: self.created_at,
            redirects: self.redirects,
            scores: scores.map(new_score).collect(),
            revisions,
        }
    }

    /// The document that describes a post.
    pub fn of(mut post: NewPost) -> Self {
        let head = post.revisions.pop().unwrap_or_default();
        let updated_at = head.saved_at;
        let mut revision = details(&head);
        revision.saved_at = None;
        let score = post.scores.pop();
        let history = post.revisions.into_iter();
        Self {
            source_id: post.source_id,
            reference: post.reference,
            generator: post.generator,
            hash: post.source_hash,
            content: head.content,
            revision,
            view_count: u64::try_from(post.view_count).ok(),
            score: score.map(written_score),
            score_history: post.scores.into_iter().map(written_score).collect(),
            published_at: post.published_at,
            created_at: post.created_at,
            updated_at,
            redirects: post.redirects,
            history: history
                .map(|earlier| EarlierRevision {
                    revision: details(&earlier),
                    content: earlier.content,
                })
                .collect(),
            unknown: serde_json::Map::new(),
        }
    }
}

/// Views beyond what a database counts are as many as it can.
pub(super) fn signed(view_count: u64) -> i64 {
    i64::try_from(view_count).unwrap_or(i64::MAX)
}

fn revision(content: Content, details: RevisionDetails) -> NewRevision {
    NewRevision {
        content,
        version: details.version,
        status: details.status,
        last_reviewed: details.last_reviewed,
        author: details.author,
        author_id: None,
        message: details.message,
        saved_at: details.saved_at,
    }
}

fn details(revision: &NewRevision) -> RevisionDetails {
    RevisionDetails {
        version: revision.version.clone(),
        status: revision.status,
        last_reviewed: revision.last_reviewed,
        author: revision.author.clone(),
        message: revision.message.clone(),
        saved_at: revision.saved_at,
    }
}

fn new_score(score: Score) -> NewScore {
    NewScore {
        quality: score.quality.into(),
        freshness: score.freshness.into(),
        depth: score.depth.into(),
        clarity: score.clarity.into(),
        assessor: score.assessor,
        assessed_at: score.assessed_at,
    }
}

fn written_score(score: NewScore) -> Score {
    let figure = |figure: i16| u8::try_from(figure).unwrap_or_default();
    Score {
        quality: figure(score.quality),
        freshness: figure(score.freshness),
        depth: figure(score.depth),
        clarity: figure(score.clarity),
        assessed_at: score.assessed_at,
        assessor: score.assessor,
    }
}
