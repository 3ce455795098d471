//! The part of saving that needs no database: checking, rendering, hashing. It is the expensive
//! part, so an import does it on other threads before it opens its transaction.

use chrono::{DateTime, NaiveDate, Utc};

use super::check;
use super::content::{Content, RevisionStatus};
use crate::domain::error::Problem;
use crate::domain::markdown::{self, Rendered};
use crate::domain::slug::slug_of;
use crate::foundation::hash::sha256;

/// A post to be created.
#[derive(Clone, Debug, Default)]
pub struct NewPost {
    /// Its identity across exports. Made when absent.
    pub reference: Option<String>,
    /// Its identity where it came from.
    pub source_id: Option<String>,
    /// The program that wrote the source.
    pub generator: Option<String>,
    /// The content hash the source states.
    pub source_hash: Option<String>,
    /// Times it was viewed so far.
    pub view_count: i64,
    /// When it was first published; the time of the change when it is live and this is absent.
    pub published_at: Option<DateTime<Utc>>,
    /// The user it belongs to.
    pub owner_id: Option<i64>,
    /// When it was first written; the time of the change when absent.
    pub created_at: Option<DateTime<Utc>>,
    /// Paths on the site that lead to it.
    pub redirects: Vec<String>,
    /// Its assessments, oldest first.
    pub scores: Vec<NewScore>,
    /// Its revisions, oldest first; never empty. The newest is the head, and the newest that is
    /// published is live.
    pub revisions: Vec<NewRevision>,
}

/// A revision to be saved.
#[derive(Clone, Debug, Default)]
pub struct NewRevision {
    /// What it freezes.
    pub content: Content,
    /// Semantic version; `1.0.0` when absent.
    pub version: Option<String>,
    /// Where it stands.
    pub status: RevisionStatus,
    /// The day a person last checked it.
    pub last_reviewed: Option<NaiveDate>,
    /// Who wrote it, as the source names them.
    pub author: Option<String>,
    /// The user who wrote it.
    pub author_id: Option<i64>,
    /// What changed, in a sentence.
    pub message: Option<String>,
    /// When it was saved; the time of the change when absent.
    pub saved_at: Option<DateTime<Utc>>,
}

/// An assessment to be recorded.
#[derive(Clone, Debug, Default)]
pub struct NewScore {
    /// How well the post is made, 0 to 100.
    pub quality: i16,
    /// How well it fits the present state of its stack, 0 to 100.
    pub freshness: i16,
    /// How far it goes below the surface, 0 to 100.
    pub depth: i16,
    /// How easily it is understood, 0 to 100.
    pub clarity: i16,
    /// Who or what assessed it.
    pub assessor: Option<String>,
    /// When; the time of the change when absent.
    pub assessed_at: Option<DateTime<Utc>>,
}

/// A revision that is ready to be written.
#[derive(Clone, Debug)]
pub struct PreparedRevision {
    pub(in crate::domain) revision: NewRevision,
    pub(super) rendered: Rendered,
    pub(in crate::domain) content_hash: String,
    /// The slug that was given, or the one made from the title.
    pub(in crate::domain) slug: String,
}

/// A post that is ready to be written.
#[derive(Clone, Debug)]
pub struct PreparedPost {
    pub(in crate::domain) post: NewPost,
    pub(in crate::domain) revisions: Vec<PreparedRevision>,
}

impl PreparedRevision {
    /// Checks the content, renders its body and hashes it.
    ///
    /// # Errors
    ///
    /// Everything a person has to put right, all at once.
    pub fn new(revision: NewRevision) -> Result<Self, Vec<Problem>> {
        let mut problems = revision.content.check();
        problems.extend(check::version(revision.version.as_deref()));
        if !problems.is_empty() {
            return Err(problems);
        }
        let slug = match &revision.content.slug {
            Some(slug) => slug.clone(),
            None => match slug_of(&revision.content.title) {
                made if made.is_empty() => "post".to_owned(),
                made => made,
            },
        };
        Ok(Self {
            rendered: markdown::render(&revision.content.body),
            content_hash: content_hash(&revision.content, &slug),
            slug,
            revision,
        })
    }

    pub(super) fn reading_minutes(&self) -> u32 {
        self.revision
            .content
            .reading_minutes
            .unwrap_or_else(|| self.rendered.reading_minutes())
    }
}

impl PreparedPost {
    /// Prepares each revision of a post.
    ///
    /// # Errors
    ///
    /// Everything a person has to put right, all at once.
    pub fn new(mut post: NewPost) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if post.revisions.is_empty() {
            problems.push(Problem::invalid("revisions", "give at least one revision"));
        }
        problems.extend(check::post(&post));
        let mut revisions = Vec::with_capacity(post.revisions.len());
        for revision in std::mem::take(&mut post.revisions) {
            match PreparedRevision::new(revision) {
                Ok(prepared) => revisions.push(prepared),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() {
            Ok(Self { post, revisions })
        } else {
            Err(problems)
        }
    }

    /// A post of revisions that are prepared already, at least one.
    ///
    /// # Errors
    ///
    /// Everything about the post itself that a person has to put right.
    pub(super) fn of(
        post: NewPost,
        revisions: Vec<PreparedRevision>,
    ) -> Result<Self, Vec<Problem>> {
        let problems = check::post(&post);
        if problems.is_empty() {
            Ok(Self { post, revisions })
        } else {
            Err(problems)
        }
    }

    /// The slug of the newest revision: the one that was given, or the one made from the title.
    pub fn slug(&self) -> &str {
        &self.revisions[self.head()].slug
    }

    /// The newest revision.
    pub(in crate::domain) fn head(&self) -> usize {
        self.revisions.len() - 1
    }

    /// The newest revision that is published.
    pub(in crate::domain) fn live(&self) -> Option<usize> {
        self.revisions
            .iter()
            .rposition(|revision| revision.revision.status == RevisionStatus::Published)
    }
}

/// SHA-256 over the slug and the content as JSON, in hexadecimal: two revisions with the same hash
/// say the same. A slug that is given and the same slug made from the title make no difference.
fn content_hash(content: &Content, slug: &str) -> String {
    if content.slug.is_none() {
        let content = Content {
            slug: Some(slug.to_owned()),
            ..content.clone()
        };
        return content_hash(&content, slug);
    }
    // Writing plain data can't fail: there is no map with keys other than strings.
    let json = serde_json::to_vec(content).unwrap_or_default();
    sha256(&json)
}
