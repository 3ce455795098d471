//! What the database knows of the sources and posts of a batch, read in a constant number of
//! statements.

use std::collections::{HashMap, HashSet};

use entity::{import_source, post, revision};
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Incoming;
use crate::domain::error::Result;
use crate::domain::transaction::Transaction;

/// The sources of a batch, and the posts it names.
pub(super) struct Known {
    sources: HashMap<String, import_source::Model>,
    posts: HashMap<i64, post::Model>,
    by_source_id: HashMap<String, i64>,
    by_reference: HashMap<String, i64>,
    /// The keys of the sources of posts that are named by source id or reference.
    source_keys: HashMap<i64, String>,
    /// Oldest first.
    revisions: HashMap<i64, Vec<revision::Model>>,
}

/// A post that an incoming document is about.
pub(super) struct KnownPost<'known> {
    /// The post itself.
    pub(super) post: &'known post::Model,
    /// Its source at its last import, where there was one.
    pub(super) source: Option<&'known import_source::Model>,
    /// Its revisions, oldest first; empty when the source is unchanged and nothing depends on it.
    pub(super) revisions: &'known [revision::Model],
}

impl Known {
    pub(super) async fn read(
        transaction: &Transaction<'_>,
        documents: &[Incoming],
        overwrite: bool,
    ) -> Result<Self> {
        let connection = transaction.connection();
        let keys = documents.iter().map(|document| &document.source_key);
        let sources = import_source::Entity::find()
            .filter(import_source::Column::SourceKey.is_in(keys))
            // Another import of the same sources waits, and sees what this one made of them.
            .order_by_asc(import_source::Column::SourceKey)
            .lock(LockType::NoKeyUpdate)
            .all(connection)
            .await?;
        let sources: HashMap<String, import_source::Model> = sources
            .into_iter()
            .map(|source| (source.source_key.clone(), source))
            .collect();

        let unknown = documents
            .iter()
            .filter(|document| !sources.contains_key(&document.source_key));
        let source_ids = unknown
            .clone()
            .filter_map(|d| d.post.post.source_id.clone());
        let references = unknown.filter_map(|d| d.post.post.reference.clone());
        // Each that is not empty, so that every part of the condition has its index.
        let ids: Vec<i64> = sources.values().map(|source| source.post_id).collect();
        let source_ids: Vec<String> = source_ids.collect();
        let references: Vec<String> = references.collect();
        let mut named = Condition::any();
        if !ids.is_empty() {
            named = named.add(post::Column::Id.is_in(ids));
        }
        if !source_ids.is_empty() {
            named = named.add(post::Column::SourceId.is_in(source_ids));
        }
        if !references.is_empty() {
            named = named.add(post::Column::Reference.is_in(references));
        }
        let posts = match named.is_empty() {
            true => Vec::new(),
            false => post::Entity::find().filter(named).all(connection).await?,
        };

        let mut known = Self {
            by_source_id: posts
                .iter()
                .filter_map(|post| Some((post.source_id.clone()?, post.id)))
                .collect(),
            by_reference: posts
                .iter()
                .map(|post| (post.reference.clone(), post.id))
                .collect(),
            posts: posts.into_iter().map(|post| (post.id, post)).collect(),
            sources,
            source_keys: HashMap::new(),
            revisions: HashMap::new(),
        };
        known.read_source_keys(transaction).await?;
        known
            .read_revisions(transaction, documents, overwrite)
            .await?;
        Ok(known)
    }

    /// The sources of posts that are known by another name.
    async fn read_source_keys(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        let by_source: HashSet<i64> = self.sources.values().map(|s| s.post_id).collect();
        let others = self.posts.keys().filter(|id| !by_source.contains(id));
        let others: Vec<i64> = others.copied().collect();
        if others.is_empty() {
            return Ok(());
        }
        let rows = import_source::Entity::find()
            .filter(import_source::Column::PostId.is_in(others))
            .all(transaction.connection())
            .await?;
        let rows = rows.into_iter().map(|row| (row.post_id, row.source_key));
        self.source_keys.extend(rows);
        Ok(())
    }

    /// The revisions of posts that may get another one.
    async fn read_revisions(
        &mut self,
        transaction: &Transaction<'_>,
        documents: &[Incoming],
        overwrite: bool,
    ) -> Result<()> {
        let unchanged: HashSet<i64> = documents
            .iter()
            .filter_map(|document| {
                let source = self.sources.get(&document.source_key)?;
                let is_same = source.document_hash == document.document_hash;
                let has_moved = self
                    .posts
                    .get(&source.post_id)
                    .is_some_and(|post| post.head_content != source.revision_id);
                (is_same && !(overwrite && has_moved)).then_some(source.post_id)
            })
            .collect();
        let changed = self.posts.keys().filter(|id| !unchanged.contains(id));
        let changed: Vec<i64> = changed.copied().collect();
        if changed.is_empty() {
            return Ok(());
        }
        let rows = revision::Entity::find()
            .filter(revision::Column::PostId.is_in(changed))
            .order_by_asc(revision::Column::Number)
            .all(transaction.connection())
            .await?;
        for row in rows {
            self.revisions.entry(row.post_id).or_default().push(row);
        }
        Ok(())
    }

    /// The post that a document is about; nothing when it is a new one.
    ///
    /// # Errors
    ///
    /// Why the document can't be about the post it names.
    pub(super) fn post_of(&self, document: &Incoming) -> Result<Option<KnownPost<'_>>, String> {
        if let Some(source) = self.sources.get(&document.source_key) {
            return Ok(self.known(source.post_id, Some(source)));
        }
        let stated = &document.post.post;
        let by_source_id = stated
            .source_id
            .as_ref()
            .and_then(|id| self.by_source_id.get(id));
        let by_reference = stated
            .reference
            .as_ref()
            .and_then(|reference| self.by_reference.get(reference));
        let reference = stated.reference.as_deref().unwrap_or_default();
        let post_id = match (by_source_id, by_reference) {
            (None, None) => return Ok(None),
            (Some(one), Some(other)) if one != other => {
                return Err(format!(
                    "sourceId and reference name two posts: `{reference}` is another post's \
                     reference; leave it out"
                ));
            }
            (Some(id), _) | (_, Some(id)) => *id,
        };
        if let Some(key) = self.source_keys.get(&post_id) {
            return Err(format!(
                "reference: `{reference}` is the post imported as `{key}`, and this document is \
                 `{}`; keep its sourceId and slug, or leave the reference out",
                document.source_key
            ));
        }
        let known = self.known(post_id, None);
        if let Some(known) = &known
            && let Some(theirs) = &known.post.source_id
            && stated.source_id.as_ref() != Some(theirs)
        {
            return Err(format!(
                "reference: `{reference}` is the post with the sourceId `{theirs}`; give the \
                 document that one, or leave the reference out"
            ));
        }
        Ok(known)
    }

    fn known<'known>(
        &'known self,
        post_id: i64,
        source: Option<&'known import_source::Model>,
    ) -> Option<KnownPost<'known>> {
        Some(KnownPost {
            post: self.posts.get(&post_id)?,
            source,
            revisions: self.revisions.get(&post_id).map_or(&[], Vec::as_slice),
        })
    }
}
