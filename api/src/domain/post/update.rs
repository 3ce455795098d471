//! Changing what a post says: a further revision, based on one that the editor saw.

use entity::{autosave, user};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::archive::contents;
use super::content::Content;
use super::create::SavedPost;
use super::history::find_revisions;
use super::lock::lock;
use super::patch::ContentPatch;
use super::prepare::{NewRevision, PreparedRevision};
use super::publish::IN_TRASH;
use super::revise::{Standing, save};
use super::select::Revision;
use crate::domain::error::{Error, Problem, Result};
use crate::domain::permission::Reach;
use crate::domain::perspective::Reader;
use crate::domain::slug::slug_of;
use crate::domain::transaction::Transaction;
use crate::foundation::thread::joined;

/// A change to what a post says.
#[derive(Clone, Debug, Default)]
pub struct PostUpdate {
    /// The post.
    pub post_id: i64,
    /// The revision that the editor saw when they made the change.
    pub based_on: i64,
    /// What changes.
    pub patch: ContentPatch,
    /// The version of the new revision; one patch above the one it is based on when absent.
    pub version: Option<String>,
    /// What changed, in a sentence.
    pub message: Option<String>,
}

/// A change that is checked and rendered, and needs the database only to be written.
#[derive(Clone)]
pub struct PreparedUpdate {
    post_id: i64,
    based_on: i64,
    base_hash: String,
    /// Whether a person has to approve the revision that it is based on.
    base_needs_review: bool,
    revision: PreparedRevision,
}

impl PreparedUpdate {
    /// A change that makes `base` the given revision.
    pub(super) fn new(
        post_id: i64,
        base: &Revision,
        before: &Content,
        revision: PreparedRevision,
    ) -> Self {
        Self {
            post_id,
            based_on: base.id,
            base_hash: base.content_hash.clone(),
            base_needs_review: before.flags.needs_human_review,
            revision,
        }
    }
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Updated {
    /// It is the newest revision now.
    Saved(SavedPost),
    /// It changed nothing, so there is no new revision.
    Unchanged(SavedPost),
    /// Somebody was faster: nothing was saved.
    Conflict {
        /// The post.
        post_id: i64,
        /// The revision that the change is based on.
        base: i64,
        /// The newest revision, which somebody else saved meanwhile.
        current: i64,
    },
}

/// Applies a change to the revision that it is based on, checks and renders the result. This is the
/// expensive part, and happens before the transaction.
///
/// # Errors
///
/// [`Error::Refused`] with everything that has to be put right; those of the database.
pub async fn prepare_update(reader: &Reader, update: PostUpdate) -> Result<PreparedUpdate> {
    let base = find_revisions(reader, &[update.based_on]).await?.pop();
    let base = base.filter(|revision| revision.post_id == update.post_id);
    let before = contents(reader, &[update.based_on]).await?;
    let before = before.into_values().next();
    let (Some(base), Some(before)) = (base, before) else {
        return Err(Problem::not_found("basedOn", "revision of this post").into());
    };
    let mut content = before.clone();
    update.patch.apply(&mut content);
    let version = update.version.unwrap_or_else(|| following(&base.version));
    let revision = NewRevision {
        version: Some(version),
        message: update.message,
        ..NewRevision::default()
    };
    let revision = prepare(content, revision).await?;
    Ok(PreparedUpdate::new(
        update.post_id,
        &base,
        &before,
        revision,
    ))
}

/// Prepares what an earlier revision says as the newest one again.
///
/// # Errors
///
/// [`Error::Refused`] when there are no such revisions of one post; those of the database.
pub async fn prepare_restoration(
    reader: &Reader,
    revision_id: i64,
    based_on: i64,
) -> Result<PreparedUpdate> {
    let found = find_revisions(reader, &[revision_id, based_on]).await?;
    let find = |id| found.iter().find(|revision| revision.id == id);
    let earlier = find(revision_id).ok_or_else(|| Problem::not_found("revision", "revision"))?;
    let base = find(based_on).filter(|base| base.post_id == earlier.post_id);
    let base = base.ok_or_else(|| Problem::not_found("basedOn", "revision of this post"))?;
    let mut found = contents(reader, &[revision_id, based_on]).await?;
    let content = found.get(&revision_id).cloned();
    let content = content.ok_or_else(|| Problem::not_found("revision", "revision"))?;
    let before = found.remove(&based_on).unwrap_or_default();
    let revision = NewRevision {
        version: Some(following(&base.version)),
        message: Some(format!("Restore revision {}", earlier.number)),
        ..NewRevision::default()
    };
    let revision = prepare(content, revision).await?;
    Ok(PreparedUpdate::new(base.post_id, base, &before, revision))
}

/// Checks and renders a content, on a thread where that keeps nobody waiting.
pub(super) async fn prepare(
    mut content: Content,
    revision: NewRevision,
) -> Result<PreparedRevision> {
    if content.slug.is_none() {
        content.slug = Some(slug_of(&content.title)).filter(|slug| !slug.is_empty());
    }
    let revision = NewRevision {
        content,
        ..revision
    };
    let prepared = joined(spawn_blocking(move || PreparedRevision::new(revision))).await?;
    prepared.map_err(|problems| Error::Refused(problems.into_iter().map(of_input).collect()))
}

/// The problem as one with a field of the input, which holds the content in a field of its own.
fn of_input(mut problem: Problem) -> Problem {
    match problem.field.strip_prefix("revision.") {
        Some(field) => {
            problem.field = field.to_owned();
            problem
        }
        None => problem.within("content"),
    }
}

/// One patch above `version`.
pub(in crate::domain) fn following(version: &str) -> String {
    match semver::Version::parse(version) {
        Ok(version) => {
            let patch = version.patch.saturating_add(1);
            semver::Version::new(version.major, version.minor, patch).to_string()
        }
        Err(_) => "1.0.0".to_owned(),
    }
}

/// Saves a change as the newest revision, unless somebody saved another one since the revision that
/// it is based on.
///
/// # Errors
///
/// [`Error::Refused`] when there is no such post, it is in the trash, or the slug is taken.
pub async fn update(transaction: &mut Transaction<'_>, update: PreparedUpdate) -> Result<Updated> {
    let PreparedUpdate {
        post_id,
        based_on,
        base_hash,
        base_needs_review,
        mut revision,
    } = update;
    let post = lock(transaction, post_id).await?;
    if post.trashed_at.is_some() {
        return Err(Problem::conflict("id", IN_TRASH).into());
    }
    if post.head_content != based_on {
        return Ok(Updated::Conflict {
            post_id,
            base: based_on,
            current: post.head_content,
        });
    }
    let clears_mark = base_needs_review && !revision.revision.content.flags.needs_human_review;
    if clears_mark && transaction.reach() != Reach::All {
        let message = "an editor has to look at the post before the mark goes; ask for a review";
        let field = "content.flags.needsHumanReview";
        return Err(Problem::conflict(field, message).into());
    }
    forget_autosave(transaction, post_id).await?;
    if revision.content_hash == base_hash {
        return Ok(Updated::Unchanged(SavedPost {
            post_id,
            revision_id: based_on,
        }));
    }
    (revision.revision.author_id, revision.revision.author) = author(transaction).await?;
    let saved = save(transaction, post, revision, Standing::Head).await;
    saved
        .map(Updated::Saved)
        .map_err(|error| error.within("content"))
}

/// The user who makes the change, and their name.
pub(super) async fn author(transaction: &Transaction<'_>) -> Result<(Option<i64>, Option<String>)> {
    let Some(user_id) = transaction.actor().user_id() else {
        return Ok((None, None));
    };
    let name = user::Entity::find_by_id(user_id)
        .select_only()
        .column(user::Column::Name)
        .into_tuple()
        .one(transaction.connection())
        .await?;
    Ok((Some(user_id), name))
}

/// Forgets what was saved by itself: the user has saved, or does not want it.
pub(super) async fn forget_autosave(transaction: &Transaction<'_>, post_id: i64) -> Result<()> {
    if let Some(user_id) = transaction.actor().user_id() {
        autosave::Entity::delete_many()
            .filter(autosave::Column::PostId.eq(post_id))
            .filter(autosave::Column::UserId.eq(user_id))
            .exec(transaction.connection())
            .await?;
    }
    Ok(())
}
