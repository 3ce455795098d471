//! Taking a run back: the posts that it made go to the trash, those that it changed show again what
//! they showed before. A post that was changed since is left alone, and the report says why.
//!
//! What has no revisions stays as the import left it: views, assessments, redirects, dates. What is
//! known of the sources afterwards is what was known before, so that the same files can be imported
//! again.

use std::collections::{HashMap, HashSet};

use entity::{import_document, import_run, import_source, post, post_schedule, revision};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::task::spawn_blocking;

use super::report::{ReportedDocument, RevertOutcome};
use super::run::{ImportRun, NOUN, lock, signed};
use super::{Outcome, RunStatus, TAKEN_BACK, Trace};
use crate::domain::error::Result;
use crate::domain::permission::Action;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::{
    NewRevision, PreparedRevision, Standing, Switch, contents, following, lock_many, revise,
    switch, trash_all,
};
use crate::domain::release::wanting;
use crate::domain::transaction::{Store, Transaction};
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::thread::joined;

/// Documents of the report that are dealt with in one transaction.
const DOCUMENTS: u64 = 100;

/// Takes back the next documents of a run that is being taken back, in one transaction. Answers the
/// run as it is then; nothing when there is no such run, or it is not being taken back.
///
/// # Errors
///
/// Those of the database; then nothing was written.
pub async fn revert_batch(store: &Store, run_id: i64) -> Result<Option<ImportRun>> {
    let row = import_run::Entity::find_by_id(run_id)
        .one(store.database.writer())
        .await?;
    let Some(run) = row.map(ImportRun::from) else {
        return Ok(None);
    };
    if run.status != RunStatus::Reverting {
        return Ok(None);
    }
    let rows = import_document::Entity::find()
        .filter(import_document::Column::ImportRunId.eq(run_id))
        .filter(import_document::Column::Number.gt(signed(run.reverted)))
        .order_by_asc(import_document::Column::Number)
        .limit(DOCUMENTS)
        .all(store.database.writer())
        .await?;
    let documents: Result<Vec<ReportedDocument>> =
        rows.into_iter().map(ReportedDocument::of).collect();
    let documents = documents?;
    let restorations = prepare(store, &run, &documents).await?;

    let mut transaction = Transaction::begin(store, run.caller(), Action::Import).await?;
    let held = lock(&transaction, run_id).await?;
    let Some(mut held) = held.filter(|held| {
        // Another worker may have been faster.
        held.status == RunStatus::Reverting && held.reverted == run.reverted
    }) else {
        transaction.roll_back().await?;
        return Ok(None);
    };
    let taken_back = take_back(&mut transaction, &documents, restorations).await?;
    note(&transaction, run_id, &taken_back).await?;
    held.reverted += documents.len() as u64;
    if (documents.len() as u64) < DOCUMENTS {
        held.status = RunStatus::Reverted;
    }
    import_run::Entity::update_many()
        .col_expr(
            import_run::Column::Reverted,
            Expr::value(signed(held.reverted)),
        )
        .col_expr(
            import_run::Column::Status,
            Expr::value(held.status.as_str()),
        )
        .col_expr(
            import_run::Column::TouchedAt,
            Expr::value(transaction.now()),
        )
        .filter(import_run::Column::Id.eq(run_id))
        .exec(transaction.connection())
        .await?;
    transaction.touch(CacheTag::Row(NOUN, run_id));
    transaction.touch(CacheTag::List(NOUN));
    transaction.commit().await?;
    Ok(Some(held))
}

/// What the heads said that the documents replaced, ready to be saved again; by post. Rendering is the
/// expensive part, and holds no lock.
async fn prepare(
    store: &Store,
    run: &ImportRun,
    documents: &[ReportedDocument],
) -> Result<HashMap<i64, PreparedRevision>> {
    let replaced = documents.iter().filter_map(|document| {
        let trace = &document.answer.trace;
        let before = trace.head_before.filter(|_| trace.moved_head())?;
        Some((trace.post_id?, before, trace.head_after?))
    });
    let replaced: Vec<(i64, i64, i64)> = replaced.collect();
    if replaced.is_empty() {
        return Ok(HashMap::new());
    }
    let reader = Reader::new(store.database.clone(), Perspective::Draft);
    let before: Vec<i64> = replaced.iter().map(|(_, before, _)| *before).collect();
    let after = replaced.iter().map(|(_, _, after)| *after);
    let mut said = contents(&reader, &before).await?;
    let rows = revision::Entity::find()
        .filter(revision::Column::Id.is_in(before.iter().copied().chain(after)))
        .all(store.database.reader())
        .await?;
    let rows: HashMap<i64, revision::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let message = format!("Take back import {}", run.id);
    let revisions = replaced.into_iter().filter_map(|(post_id, before, after)| {
        let (content, before, after) =
            (said.remove(&before)?, rows.get(&before)?, rows.get(&after)?);
        let revision = NewRevision {
            content,
            version: Some(following(&after.version)),
            last_reviewed: before.last_reviewed,
            author: before.author.clone(),
            author_id: before.author_id,
            message: Some(message.clone()),
            ..NewRevision::default()
        };
        Some((post_id, revision))
    });
    let revisions: Vec<(i64, NewRevision)> = revisions.collect();
    let prepared = spawn_blocking(move || {
        let revisions = revisions.into_iter();
        // What was accepted once is accepted again, unless the rules became stricter since.
        revisions
            .filter_map(|(post_id, revision)| {
                Some((post_id, PreparedRevision::new(revision).ok()?))
            })
            .collect()
    });
    Ok(joined(prepared).await?)
}

/// What taking a document back came to, and why its post stays as it is.
type TakenBack = (i64, RevertOutcome, Option<String>);

async fn take_back(
    transaction: &mut Transaction<'_>,
    documents: &[ReportedDocument],
    mut restorations: HashMap<i64, PreparedRevision>,
) -> Result<Vec<TakenBack>> {
    let of_posts = documents.iter().filter(|document| {
        let trace = &document.answer.trace;
        trace.post_id.is_some() && trace.head_after.is_some()
    });
    let of_posts: Vec<&ReportedDocument> = of_posts.collect();
    let ids: Vec<i64> = of_posts
        .iter()
        .filter_map(|document| document.answer.trace.post_id)
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let posts = lock_many(transaction, &ids).await?;
    let mut posts: HashMap<i64, post::Model> =
        posts.into_iter().map(|post| (post.id, post)).collect();
    let plans = Plans::of(transaction, &ids).await?;

    let mut taken_back = Vec::with_capacity(of_posts.len());
    let (mut trashed, mut switches, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    for document in of_posts {
        let trace = &document.answer.trace;
        let Some(post_id) = trace.post_id else {
            continue;
        };
        let post = posts.remove(&post_id);
        if let Some(kept) = objection(document, post.as_ref(), &plans) {
            taken_back.push((document.number, RevertOutcome::Kept, Some(kept)));
            continue;
        }
        let Some(mut post) = post else { continue };
        if document.answer.outcome == Outcome::Created {
            trashed.push(post);
            taken_back.push((document.number, RevertOutcome::Trashed, None));
            continue;
        }
        let mut outcome = RevertOutcome::Nothing;
        let mut head = trace.head_before;
        if trace.moved_head() {
            let Some(revision) = restorations.remove(&post_id) else {
                let kept = "what it said before can't be saved again".to_owned();
                taken_back.push((document.number, RevertOutcome::Kept, Some(kept)));
                continue;
            };
            let saved = revise(transaction, post_id, revision, Standing::Head).await?;
            post.head_content = saved.revision_id;
            head = Some(saved.revision_id);
            outcome = RevertOutcome::Restored;
        }
        if trace.live_after != trace.live_before {
            let to = match trace.live_before {
                before if before == trace.head_before => head.filter(|_| before.is_some()),
                before => before,
            };
            switches.push(Switch { post, to });
            outcome = RevertOutcome::Restored;
        }
        sources.push((post_id, trace, head));
        taken_back.push((document.number, outcome, None));
    }
    switch(transaction, &switches).await?;
    forget_created(transaction, &trashed).await?;
    trash_all(transaction, trashed).await?;
    for (post_id, trace, head) in sources {
        remember_before(transaction, post_id, trace, head).await?;
    }
    Ok(taken_back)
}

impl Trace {
    fn moved_head(&self) -> bool {
        self.head_before.is_some() && self.head_after != self.head_before
    }
}

/// Why a post is left alone; nothing when it is as the import left it.
fn objection(
    document: &ReportedDocument,
    post: Option<&post::Model>,
    plans: &Plans,
) -> Option<String> {
    let trace = &document.answer.trace;
    let says = |text: &str| Some(text.to_owned());
    let Some(post) = post else {
        return says("the post was deleted since");
    };
    if post.trashed_at.is_some() {
        return says("the post was put in the trash since");
    }
    if trace.head_after != Some(post.head_content) {
        return says("the post was saved again since");
    }
    if trace.live_after != post.live_content {
        return says(match post.live_content {
            None => "the post was unpublished since",
            Some(_) => "the post was published since",
        });
    }
    if plans.scheduled.contains(&post.id) {
        return says("the post is scheduled; call the schedule off first");
    }
    plans.wanted.get(&post.id).cloned()
}

/// What is planned for posts.
struct Plans {
    scheduled: HashSet<i64>,
    /// Those that a release wants, each with what a person is told of that.
    wanted: HashMap<i64, String>,
}

impl Plans {
    async fn of(transaction: &Transaction<'_>, post_ids: &[i64]) -> Result<Self> {
        let scheduled: Vec<i64> = post_schedule::Entity::find()
            .filter(post_schedule::Column::PostId.is_in(post_ids.iter().copied()))
            .select_only()
            .column(post_schedule::Column::PostId)
            .into_tuple()
            .all(transaction.connection())
            .await?;
        Ok(Self {
            scheduled: scheduled.into_iter().collect(),
            wanted: wanting(transaction, post_ids).await?,
        })
    }
}

/// Lets the sources of posts that go to the trash be imported again: they bring the posts back.
async fn forget_created(transaction: &Transaction<'_>, posts: &[post::Model]) -> Result<()> {
    if posts.is_empty() {
        return Ok(());
    }
    import_source::Entity::update_many()
        .col_expr(import_source::Column::DocumentHash, Expr::value(TAKEN_BACK))
        .col_expr(
            import_source::Column::ImportedAt,
            Expr::value(transaction.now()),
        )
        .filter(import_source::Column::PostId.is_in(posts.iter().map(|post| post.id)))
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// Knows of the source of a post again what was known before the import, unless a later one has gone
/// on from there. `head` is the newest revision of the post as it is now.
async fn remember_before(
    transaction: &Transaction<'_>,
    post_id: i64,
    trace: &Trace,
    head: Option<i64>,
) -> Result<()> {
    use import_source::Column;
    let Some((hash, revision)) = &trace.source_before else {
        import_source::Entity::delete_many()
            .filter(Column::PostId.eq(post_id))
            .filter(Column::RevisionId.eq(trace.revision_id))
            .exec(transaction.connection())
            .await?;
        return Ok(());
    };
    let was_head = trace.head_before == Some(*revision);
    let revision = head.filter(|_| was_head).unwrap_or(*revision);
    import_source::Entity::update_many()
        .col_expr(Column::DocumentHash, Expr::value(hash.as_str()))
        .col_expr(Column::RevisionId, Expr::value(revision))
        .filter(Column::PostId.eq(post_id))
        .filter(Column::RevisionId.eq(trace.revision_id))
        .exec(transaction.connection())
        .await?;
    Ok(())
}

/// Writes into the report what came of it.
async fn note(transaction: &Transaction<'_>, run_id: i64, taken_back: &[TakenBack]) -> Result<()> {
    use import_document::Column;
    let mut alike: HashMap<(&'static str, Option<&str>), Vec<i64>> = HashMap::new();
    for (number, outcome, message) in taken_back {
        let key = (outcome.as_str(), message.as_deref());
        alike.entry(key).or_default().push(*number);
    }
    for ((word, message), numbers) in alike {
        import_document::Entity::update_many()
            .col_expr(Column::Revert, Expr::value(word))
            .col_expr(
                Column::RevertMessage,
                Expr::value(message.map(str::to_owned)),
            )
            .filter(Column::ImportRunId.eq(run_id))
            .filter(Column::Number.is_in(numbers))
            .exec(transaction.connection())
            .await?;
    }
    Ok(())
}
