//! Writing new posts, one at a time.

use std::sync::Arc;

use super::archive::contents;
use super::content::Content;
use super::create::{SavedPost, create};
use super::editing::editing;
use super::patch::ContentPatch;
use super::prepare::{NewPost, NewRevision, PreparedPost, PreparedRevision};
use super::update::{author, prepare};
use crate::domain::error::{Error, Problem, Result};
use crate::domain::perspective::Reader;
use crate::domain::transaction::Transaction;

/// A post to be written.
#[derive(Clone, Debug, Default)]
pub struct PostDraft {
    /// What it says.
    pub content: ContentPatch,
    /// Its identity where it comes from.
    pub source_id: Option<String>,
    /// Its identity across exports; made when absent.
    pub reference: Option<String>,
    /// The version of its first revision; `1.0.0` when absent.
    pub version: Option<String>,
    /// What the first revision is about, in a sentence.
    pub message: Option<String>,
}

/// Checks and renders a post before the transaction that writes it.
///
/// # Errors
///
/// [`Error::Refused`] with everything that has to be put right.
pub async fn prepare_post(draft: PostDraft) -> Result<PreparedPost> {
    let mut content = Content::default();
    draft.content.apply(&mut content);
    // A slug that was not asked for may be changed until it is free.
    let asked_for = content.slug.clone();
    let revision = NewRevision {
        version: draft.version,
        message: draft.message,
        ..NewRevision::default()
    };
    let mut revision = prepare(content, revision).await?;
    revision.revision.content.slug = asked_for;
    let post = NewPost {
        source_id: draft.source_id,
        reference: draft.reference,
        ..NewPost::default()
    };
    prepared(post, revision)
}

/// Checks and renders a copy of what the newest revision of a post says.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post.
pub async fn prepare_copy(reader: &Reader, post_id: i64) -> Result<PreparedPost> {
    let head = editing(reader, &[post_id]).await?.remove(&post_id);
    let head = head.ok_or_else(|| Problem::not_found("id", "post"))?.head;
    let content = contents(reader, &[head]).await?.remove(&head);
    let mut content = content.ok_or_else(|| Problem::not_found("id", "post"))?;
    content.title = format!("{} (copy)", content.title);
    content.slug = None;
    let mut revision = prepare(content, NewRevision::default()).await?;
    revision.revision.content.slug = None;
    prepared(NewPost::default(), revision)
}

fn prepared(post: NewPost, revision: PreparedRevision) -> Result<PreparedPost> {
    Ok(PreparedPost::of(post, vec![revision])?)
}

/// Writes a post that belongs to the user who writes it. Nothing is live by this.
///
/// # Errors
///
/// [`Error::Refused`] when a slug, a reference or a source id is taken.
pub async fn write(
    transaction: &mut Transaction<'_>,
    mut prepared: PreparedPost,
) -> Result<SavedPost> {
    let (author_id, name) = author(transaction).await?;
    prepared.post.owner_id = author_id;
    for revision in &mut prepared.revisions {
        revision.revision.author_id = author_id;
        revision.revision.author.clone_from(&name);
    }
    let answers = create(transaction, vec![Arc::new(prepared)]).await?;
    match answers.into_iter().next() {
        Some(Ok(saved)) => Ok(saved),
        Some(Err(problems)) => {
            let problems = problems.into_iter().map(|problem| {
                if problem.field == "slug" {
                    problem.within("content")
                } else {
                    problem
                }
            });
            Err(Error::Refused(problems.collect()))
        }
        None => Err(Problem::invalid("content", "is missing").into()),
    }
}
