//! Changing many posts alike, all of them or none.

use serde_json::Value;

use super::archive::contents;
use super::content::{Content, Difficulty, EntityName};
use super::create::SavedPost;
use super::editing::editing;
use super::filter::PostFilter;
use super::history::find_revisions;
use super::list::{PostList, count_many, list};
use super::order::PostOrder;
use super::patch::FlagsPatch;
use super::prepare::NewRevision;
use super::select::PostSelection;
use super::update::{PreparedUpdate, Updated, following, prepare, update};
use crate::domain::error::{Error, Problem, Result};
use crate::domain::page::PageRequest;
use crate::domain::patch::Patch;
use crate::domain::perspective::Reader;
use crate::domain::slug::name_key;
use crate::domain::transaction::Transaction;

/// The most posts that one change reaches.
pub const BULK_LIMIT: u32 = 100;

/// A change that makes sense for many posts. Words are added and taken away, so that those the
/// posts do not share stay.
#[derive(Clone, Debug, Default)]
pub struct BulkPatch {
    /// What they are about.
    pub topic: Patch<String>,
    /// The language most of their code is in.
    pub code_language: Patch<String>,
    /// Who they are written for.
    pub difficulty: Patch<Difficulty>,
    /// How they were made.
    pub flags: FlagsPatch,
    /// Tools to add.
    pub add_tools: Vec<String>,
    /// Tools to take away.
    pub remove_tools: Vec<String>,
    /// Stacks to add.
    pub add_stack: Vec<String>,
    /// Stacks to take away.
    pub remove_stack: Vec<String>,
    /// Entities to add.
    pub add_entities: Vec<EntityName>,
    /// Entities to take away.
    pub remove_entities: Vec<EntityName>,
}

/// What a change would do to one post.
#[derive(Clone)]
pub struct BulkChange {
    /// The post.
    pub post_id: i64,
    /// The fields that it changes; empty when there is nothing to change.
    pub fields: Vec<String>,
    update: Option<PreparedUpdate>,
}

/// The posts of a filter, as far as the reader sees them.
///
/// # Errors
///
/// [`Error::Refused`] when there are more than [`BULK_LIMIT`]; those of [`list`].
pub async fn matching(reader: &Reader, filter: PostFilter) -> Result<Vec<i64>> {
    let posts = PostList {
        filter,
        order: PostOrder::default(),
    };
    let found = count_many(reader, std::slice::from_ref(&posts)).await?;
    let found = found.first().copied().unwrap_or(0);
    if found > i64::from(BULK_LIMIT) {
        let message = format!(
            "{found} posts match, and one change reaches {BULK_LIMIT} at most; narrow the filter"
        );
        return Err(Problem::invalid("filter", message).into());
    }
    let first = i32::try_from(BULK_LIMIT).ok();
    let request = PageRequest::new(first, None, None, None, None)?;
    let page = list(reader, &posts, &request, PostSelection::default()).await?;
    Ok(page.rows.into_iter().map(|(_, post)| post.id).collect())
}

/// Works out what a change does to the newest revision of each post, and prepares it.
///
/// # Errors
///
/// [`Error::Refused`] with everything that has to be put right, post by post.
pub async fn prepare_bulk(
    reader: &Reader,
    mut post_ids: Vec<i64>,
    patch: &BulkPatch,
    message: Option<&str>,
) -> Result<Vec<BulkChange>> {
    if post_ids.len() > BULK_LIMIT as usize {
        let message = format!(
            "{} posts are named; {BULK_LIMIT} are the most",
            post_ids.len()
        );
        return Err(Problem::invalid("ids", message).into());
    }
    let given = post_ids.clone();
    // Locked in this order, two changes never wait for each other.
    post_ids.sort_unstable();
    post_ids.dedup();
    let known = editing(reader, &post_ids).await?;
    let heads: Vec<i64> = known.values().map(|editing| editing.head).collect();
    let revisions = find_revisions(reader, &heads).await?;
    let mut contents = contents(reader, &heads).await?;
    let mut problems = Vec::new();
    let mut changes = Vec::with_capacity(post_ids.len());
    for post_id in post_ids {
        let place = given.iter().position(|id| *id == post_id).unwrap_or(0);
        let field = format!("ids[{place}]");
        let found = revisions
            .iter()
            .find(|revision| revision.post_id == post_id);
        let Some((base, before)) = found.zip(found.and_then(|found| contents.remove(&found.id)))
        else {
            problems.push(Problem::not_found(field, "post"));
            continue;
        };
        let mut after = before.clone();
        patch.apply(&mut after);
        let fields = changed_fields(&before, &after)?;
        let mut change = BulkChange {
            post_id,
            fields,
            update: None,
        };
        if !change.fields.is_empty() {
            let revision = NewRevision {
                version: Some(following(&base.version)),
                message: message.map(str::to_owned),
                ..NewRevision::default()
            };
            match prepare(after, revision).await {
                Ok(revision) => {
                    change.update = Some(PreparedUpdate::new(post_id, base, &before, revision));
                }
                Err(Error::Refused(found)) => {
                    problems.extend(found.into_iter().map(|problem| problem.within(&field)));
                }
                Err(error) => return Err(error),
            }
        }
        changes.push(change);
    }
    if problems.is_empty() {
        Ok(changes)
    } else {
        Err(Error::Refused(problems))
    }
}

/// Saves what was prepared: a further revision of every post that changes.
///
/// # Errors
///
/// [`Error::Refused`] when somebody saved a revision of one of them meanwhile.
pub async fn update_many(
    transaction: &mut Transaction<'_>,
    changes: Vec<BulkChange>,
) -> Result<Vec<SavedPost>> {
    let mut saved = Vec::with_capacity(changes.len());
    for change in changes {
        let Some(prepared) = change.update else {
            continue;
        };
        match update(transaction, prepared).await? {
            Updated::Saved(post) | Updated::Unchanged(post) => saved.push(post),
            Updated::Conflict { .. } => {
                let message = "somebody saved one of the posts meanwhile; send it again";
                return Err(Problem::conflict("ids", message).into());
            }
        }
    }
    Ok(saved)
}

impl BulkPatch {
    fn apply(&self, content: &mut Content) {
        let patch = self.clone();
        patch.topic.apply_to_option(&mut content.topic);
        patch
            .code_language
            .apply_to_option(&mut content.code_language);
        patch.difficulty.apply_to_option(&mut content.difficulty);
        patch.flags.apply(&mut content.flags);
        let plain = |name: &String| name_key(name);
        change_words(
            &mut content.tools,
            patch.add_tools,
            &patch.remove_tools,
            plain,
        );
        change_words(
            &mut content.stack,
            patch.add_stack,
            &patch.remove_stack,
            plain,
        );
        change_words(
            &mut content.entities,
            patch.add_entities,
            &patch.remove_entities,
            |entity| (name_key(&entity.kind), name_key(&entity.name)),
        );
    }
}

/// Takes words away and adds those that are missing, at the end.
fn change_words<T, K: PartialEq>(
    words: &mut Vec<T>,
    add: Vec<T>,
    remove: &[T],
    key: impl Fn(&T) -> K,
) {
    words.retain(|word| !remove.iter().any(|removed| key(removed) == key(word)));
    for word in add {
        if !words.iter().any(|known| key(known) == key(&word)) {
            words.push(word);
        }
    }
}

/// The names of the fields that differ, as the API spells them.
fn changed_fields(before: &Content, after: &Content) -> Result<Vec<String>> {
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return Ok(Vec::new());
    };
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter(|name| before.get(*name) != after.get(*name));
    Ok(changed.cloned().collect())
}
