//! Taking in a batch of documents.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::{import_source, post};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::known::Known;
use super::update::{Update, update};
use super::{Answer, Incoming, Manner, Outcome, Trace};
use crate::domain::error::{Problem, Result};
use crate::domain::post::{SavedPost, create};
use crate::domain::transaction::Transaction;
use crate::foundation::database::PARAMETERS;

/// Takes in documents, in their order, as part of a run. Each gets its own answer; those that fail
/// leave nothing behind. New and unchanged ones cost no statements of their own.
///
/// # Errors
///
/// Those of the database; then the transaction must be dropped.
pub async fn apply(
    transaction: &mut Transaction<'_>,
    run_id: i64,
    documents: &[Incoming],
    manner: Manner,
) -> Result<Vec<Answer>> {
    let known = Known::read(transaction, documents, manner.overwrite).await?;
    let mut batch = Batch {
        run_id,
        answers: Vec::with_capacity(documents.len()),
        new: Vec::new(),
        seen: Vec::new(),
        sources: Vec::new(),
    };
    let mut first_of: HashMap<&str, &str> = HashMap::new();
    let mut posts = HashSet::new();
    for document in documents {
        if let Some(hash) = first_of.get(document.source_key.as_str()) {
            batch.again(document, hash);
            continue;
        }
        first_of.insert(&document.source_key, &document.document_hash);
        match known.post_of(document) {
            Err(reason) => batch.answers.push(Answer::of(Outcome::Failed(reason))),
            Ok(None) => {
                batch.new.push((batch.answers.len(), document));
                batch.answers.push(Answer::of(Outcome::Created));
            }
            Ok(Some(post)) => {
                let seen = post.source.filter(|source| source.import_run_id == run_id);
                if let Some(source) = seen {
                    batch.again(document, &source.document_hash);
                    continue;
                }
                if !posts.insert(post.post.id) {
                    let reason = "reference: another document of this import is about the same \
                                  post; give each document its own"
                        .to_owned();
                    batch.answers.push(Answer::of(Outcome::Failed(reason)));
                    continue;
                }
                // What is new so far comes first, as it would in a run of its own.
                batch.create(transaction).await?;
                match update(transaction, document, &post, manner).await? {
                    Update::Unchanged(answer) => {
                        batch.seen.push(document.source_key.clone());
                        batch.answers.push(answer);
                    }
                    Update::Changed {
                        revision_id,
                        answer,
                    } => {
                        batch.remember(transaction, document, post.post.id, revision_id);
                        batch.answers.push(answer);
                    }
                    Update::Refused(reason) => {
                        batch.answers.push(Answer::of(Outcome::Failed(reason)));
                    }
                }
            }
        }
    }
    batch.create(transaction).await?;
    batch.save_sources(transaction).await?;
    Ok(batch.answers)
}

/// Documents that are being taken in.
struct Batch<'documents> {
    run_id: i64,
    answers: Vec<Answer>,
    /// Documents that become posts, each with the place of its answer.
    new: Vec<(usize, &'documents Incoming)>,
    /// The keys of sources that are as they were.
    seen: Vec<String>,
    /// Sources that are new or have changed.
    sources: Vec<import_source::ActiveModel>,
}

impl Batch<'_> {
    /// A further document of a source in the same run.
    fn again(&mut self, document: &Incoming, hash: &str) {
        self.answers
            .push(Answer::of(if document.document_hash == hash {
                Outcome::Skipped
            } else {
                let (kind, name) = document.source_key.split_once(':').unwrap_or_default();
                let (field, remedy) = match kind {
                    "source" => ("sourceId", "give each document its own"),
                    _ => ("slug", "give each document its own slug or sourceId"),
                };
                Outcome::Failed(format!(
                    "{field}: another document of this import has `{name}` too; {remedy}"
                ))
            }));
    }

    /// Creates the posts that wait for it.
    async fn create(&mut self, transaction: &mut Transaction<'_>) -> Result<()> {
        if self.new.is_empty() {
            return Ok(());
        }
        let new = std::mem::take(&mut self.new);
        let posts = new.iter().map(|(_, document)| Arc::clone(&document.post));
        let created = create(transaction, posts.collect()).await?;
        let live = live_of(transaction, &new, &created).await?;
        for ((place, document), created) in new.into_iter().zip(created) {
            match created {
                Ok(saved) => {
                    let live = live.get(&saved.post_id).copied();
                    let answer = &mut self.answers[place];
                    answer.published = live.is_some();
                    answer.trace = Trace {
                        post_id: Some(saved.post_id),
                        revision_id: Some(saved.revision_id),
                        head_after: Some(saved.revision_id),
                        live_after: live,
                        ..Trace::default()
                    };
                    self.remember(transaction, document, saved.post_id, saved.revision_id);
                }
                Err(problems) => {
                    self.answers[place] = Answer::of(Outcome::Failed(sentence(&problems)));
                }
            }
        }
        Ok(())
    }

    fn remember(
        &mut self,
        transaction: &Transaction<'_>,
        document: &Incoming,
        post_id: i64,
        revision_id: i64,
    ) {
        self.sources.push(import_source::ActiveModel {
            source_key: Set(document.source_key.clone()),
            post_id: Set(post_id),
            revision_id: Set(revision_id),
            document_hash: Set(document.document_hash.clone()),
            import_run_id: Set(self.run_id),
            imported_at: Set(transaction.now()),
        });
    }

    async fn save_sources(&mut self, transaction: &Transaction<'_>) -> Result<()> {
        use import_source::Column;
        for keys in self.seen.chunks(PARAMETERS) {
            import_source::Entity::update_many()
                .col_expr(Column::ImportRunId, Expr::value(self.run_id))
                .filter(Column::SourceKey.is_in(keys))
                .exec(transaction.connection())
                .await?;
        }
        if self.sources.is_empty() {
            return Ok(());
        }
        let mut changed = OnConflict::column(Column::SourceKey);
        changed.update_columns([
            Column::RevisionId,
            Column::DocumentHash,
            Column::ImportRunId,
            Column::ImportedAt,
        ]);
        import_source::Entity::insert_many(std::mem::take(&mut self.sources))
            .on_conflict(changed)
            .exec_without_returning(transaction.connection())
            .await?;
        Ok(())
    }
}

/// What is live of posts that were just created, by post. Mostly it is the head.
async fn live_of(
    transaction: &Transaction<'_>,
    new: &[(usize, &Incoming)],
    created: &[Result<SavedPost, Vec<Problem>>],
) -> Result<HashMap<i64, i64>> {
    let mut live = HashMap::new();
    let mut others = Vec::new();
    for ((_, document), saved) in new.iter().zip(created) {
        let Ok(saved) = saved else { continue };
        match document.post.live() {
            Some(place) if place == document.post.head() => {
                live.insert(saved.post_id, saved.revision_id);
            }
            Some(_) => others.push(saved.post_id),
            None => {}
        }
    }
    if !others.is_empty() {
        let rows: Vec<(i64, Option<i64>)> = post::Entity::find()
            .select_only()
            .columns([post::Column::Id, post::Column::LiveContent])
            .filter(post::Column::Id.is_in(others))
            .into_tuple()
            .all(transaction.connection())
            .await?;
        live.extend(rows.into_iter().filter_map(|(id, live)| Some((id, live?))));
    }
    Ok(live)
}

/// Problems as one sentence.
pub(super) fn sentence(problems: &[Problem]) -> String {
    let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
    texts.join("; ")
}
