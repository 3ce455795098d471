//! A document that is about a post that is there already.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use entity::{post, post_slug, revision};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::apply::sentence;
use super::known::KnownPost;
use super::{Answer, Incoming, Manner, Outcome, TAKEN_BACK, Trace};
use crate::domain::error::{Error, Problem, ProblemCode, Result};
use crate::domain::post::{
    PreparedPost, PreparedRevision, RevisionStatus, Standing, amend, publish, restore, revise,
};
use crate::domain::transaction::Transaction;

/// What became of it.
pub(super) enum Update {
    /// The source is as it was.
    Unchanged(Answer),
    /// The source has changed, or a conflict was decided.
    Changed {
        /// The revision that the source is now.
        revision_id: i64,
        /// What to report.
        answer: Answer,
    },
    /// It can't be taken in, because of this.
    Refused(String),
}

/// Takes in a document about a post.
pub(super) async fn update(
    transaction: &mut Transaction<'_>,
    document: &Incoming,
    known: &KnownPost<'_>,
    manner: Manner,
) -> Result<Update> {
    let updated = match known.source {
        Some(source) if source.document_hash == document.document_hash => {
            leave(transaction, document, known, source.revision_id, manner).await
        }
        _ => match taken_slugs(transaction, known.post.id, &document.post).await? {
            Some(refused) => return Ok(Update::Refused(refused)),
            None => change(transaction, document, known, manner).await,
        },
    };
    match updated {
        Err(Error::Refused(problems)) => Ok(Update::Refused(sentence(&problems))),
        other => other,
    }
}

/// Takes in a document that is as it was.
async fn leave(
    transaction: &mut Transaction<'_>,
    document: &Incoming,
    known: &KnownPost<'_>,
    revision_id: i64,
    manner: Manner,
) -> Result<Update> {
    let post = known.post;
    if manner.overwrite && is_open_conflict(known, revision_id) {
        make_head(transaction, post, revision_id).await?;
        let published = go_live(transaction, document, post, revision_id).await?;
        let live = if published {
            Some(revision_id)
        } else {
            post.live_content
        };
        return Ok(changed(
            known,
            revision_id,
            Outcome::Updated,
            (revision_id, live),
        ));
    }
    let is_head = post.head_content == revision_id;
    if manner.publish && is_head && go_live(transaction, document, post, revision_id).await? {
        let shown = (post.head_content, Some(revision_id));
        let answer = answer(known, revision_id, Outcome::Skipped, shown);
        return Ok(Update::Unchanged(answer));
    }
    let mut answer = Answer::of(Outcome::Skipped);
    answer.trace.post_id = Some(post.id);
    answer.trace.revision_id = Some(revision_id);
    Ok(Update::Unchanged(answer))
}

async fn change(
    transaction: &mut Transaction<'_>,
    document: &Incoming,
    known: &KnownPost<'_>,
    manner: Manner,
) -> Result<Update> {
    let post = &out_of_the_trash(transaction, known).await?;
    let stated = &document.post;
    let (head, live) = (stated.head(), stated.live());
    let imported = known.source.map(|source| source.revision_id);
    let untouched = post.trashed_at.is_none() && imported == Some(post.head_content);

    // Only what is unknown becomes a revision: an export that is imported again adds none.
    let hashes: HashSet<&str> = known
        .revisions
        .iter()
        .map(|r| r.content_hash.as_str())
        .collect();
    let mut newly_live = None;
    for (index, earlier) in stated.revisions[..head].iter().enumerate() {
        if !hashes.contains(earlier.content_hash.as_str()) {
            let saved = revise(transaction, post.id, earlier.clone(), Standing::Beside).await?;
            if live == Some(index) {
                newly_live = Some(saved.revision_id);
            }
        }
    }
    let newest = &stated.revisions[head];
    let same = known.revisions.iter().find(|row| {
        (row.id == post.head_content || Some(row.id) == imported) && says_the_same(row, newest)
    });
    let amended = amend(transaction, post.id, &stated.post, document.view_count).await?;
    let linked = known.source.is_none();
    if let Some(same) = same {
        let is_head = same.id == post.head_content;
        let published = is_head && go_live(transaction, document, post, same.id).await?;
        let moved = is_head && move_forward(transaction, same, newest).await?;
        let outcome = if linked && !(amended || published || moved) {
            Outcome::Skipped
        } else {
            Outcome::Updated
        };
        let live = if published {
            Some(same.id)
        } else {
            post.live_content
        };
        return Ok(changed(known, same.id, outcome, (post.head_content, live)));
    }

    let standing = if untouched || manner.overwrite {
        Standing::Head
    } else {
        Standing::Beside
    };
    let revision_id = revise(transaction, post.id, newest.clone(), standing)
        .await?
        .revision_id;
    if standing == Standing::Beside {
        let since = if post.trashed_at.is_some() {
            "it is in the trash"
        } else if linked {
            "it says something else, and no import wrote it"
        } else {
            "it was edited since the last import"
        };
        let conflict = Outcome::Conflicted(format!(
            "post {} stays as it is, because {since}; the document is kept as a revision beside \
             it. Compare the two, or import again and overwrite",
            post.reference
        ));
        let shown = (post.head_content, post.live_content);
        return Ok(changed(known, revision_id, conflict, shown));
    }
    let mut live = post.live_content;
    if go_live(transaction, document, post, revision_id).await? {
        live = Some(revision_id);
    } else if let Some(earlier) = newly_live
        && post.trashed_at.is_none()
    {
        publish(transaction, post.id, earlier).await?;
        live = Some(earlier);
    }
    Ok(changed(
        known,
        revision_id,
        Outcome::Updated,
        (revision_id, live),
    ))
}

/// The post, which comes out of the trash when it is there because an import was taken back, and
/// nobody has touched it since.
async fn out_of_the_trash(
    transaction: &mut Transaction<'_>,
    known: &KnownPost<'_>,
) -> Result<post::Model> {
    let mut post = known.post.clone();
    let taken_back = known.source.is_some_and(|source| {
        let micros = |time: DateTime<Utc>| time.timestamp_micros();
        source.document_hash == TAKEN_BACK
            && post.trashed_at.map(micros) == Some(micros(source.imported_at))
    });
    if taken_back {
        restore(transaction, post.id).await?;
        post.trashed_at = None;
    }
    Ok(post)
}

fn changed(
    known: &KnownPost<'_>,
    revision_id: i64,
    outcome: Outcome,
    shown: (i64, Option<i64>),
) -> Update {
    Update::Changed {
        revision_id,
        answer: answer(known, revision_id, outcome, shown),
    }
}

/// What became of a document; `shown` is the head of its post and what is live of it now.
fn answer(
    known: &KnownPost<'_>,
    revision_id: i64,
    outcome: Outcome,
    shown: (i64, Option<i64>),
) -> Answer {
    let (head, live) = shown;
    let source = known.source;
    Answer {
        outcome,
        published: live.is_some() && live != known.post.live_content,
        trace: Trace {
            post_id: Some(known.post.id),
            revision_id: Some(revision_id),
            head_before: Some(known.post.head_content),
            head_after: Some(head),
            live_before: known.post.live_content,
            live_after: live,
            source_before: source.map(|source| (source.document_hash.clone(), source.revision_id)),
        },
    }
}

/// Whether the last import stands beside the head, and nobody has saved a revision since.
fn is_open_conflict(known: &KnownPost<'_>, revision_id: i64) -> bool {
    let number = |id| {
        let mut revisions = known.revisions.iter();
        revisions.find(|row| row.id == id).map(|row| row.number)
    };
    number(revision_id) > number(known.post.head_content)
}

/// Whether a revision says what a document says, and says it of the same version.
fn says_the_same(row: &revision::Model, stated: &PreparedRevision) -> bool {
    let of = &stated.revision;
    row.content_hash == stated.content_hash
        && row.version == of.version.as_deref().unwrap_or("1.0.0")
        && row.author == of.author
        && row.message == of.message
        && row.last_reviewed == of.last_reviewed
        && of.saved_at.is_none_or(|time| {
            // The precision that both databases keep.
            time.timestamp_micros() == row.saved_at.timestamp_micros()
        })
}

/// Publishes the revision if the document says so. Answers whether the public sees something new.
async fn go_live(
    transaction: &mut Transaction<'_>,
    document: &Incoming,
    post: &post::Model,
    revision_id: i64,
) -> Result<bool> {
    let newest = &document.post.revisions[document.post.head()];
    if newest.revision.status != RevisionStatus::Published
        || post.trashed_at.is_some()
        || post.live_content == Some(revision_id)
    {
        return Ok(false);
    }
    publish(transaction, post.id, revision_id).await?;
    Ok(true)
}

/// Moves a draft on to review or approval when the document says so; never back, which may be
/// what a reviewer has undone.
async fn move_forward(
    transaction: &Transaction<'_>,
    row: &revision::Model,
    stated: &PreparedRevision,
) -> Result<bool> {
    let rank = |status| match status {
        RevisionStatus::Drafted => Some(0),
        RevisionStatus::InReview => Some(1),
        RevisionStatus::Approved => Some(2),
        _ => None,
    };
    let status = stated.revision.status;
    let from = RevisionStatus::from_word(&row.status).and_then(rank);
    let (Some(from), Some(to)) = (from, rank(status)) else {
        return Ok(false);
    };
    if from >= to {
        return Ok(false);
    }
    crate::domain::post::move_to(transaction, row.id, status, None).await?;
    Ok(true)
}

async fn make_head(
    transaction: &mut Transaction<'_>,
    post: &post::Model,
    revision_id: i64,
) -> Result<()> {
    let row = post::ActiveModel {
        id: Set(post.id),
        head_content: Set(revision_id),
        ..Default::default()
    };
    row.update(transaction.connection()).await?;
    Ok(())
}

/// Why a document can't have the slugs it wants; nothing when it can.
async fn taken_slugs(
    transaction: &Transaction<'_>,
    post_id: i64,
    stated: &PreparedPost,
) -> Result<Option<String>> {
    let revisions = stated.revisions.iter();
    let slugs = revisions.filter_map(|revision| revision.revision.content.slug.clone());
    let taken = post_slug::Entity::find()
        .filter(post_slug::Column::Slug.is_in(slugs))
        .filter(post_slug::Column::PostId.ne(post_id))
        .one(transaction.connection())
        .await?;
    Ok(taken.map(|taken| {
        Problem::new(
            ProblemCode::Taken,
            "slug",
            format!(
                "`{}` belongs to another post already; choose another",
                taken.slug
            ),
        )
        .to_string()
    }))
}
