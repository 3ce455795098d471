//! Merging two words that mean the same.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, Query};
use serde_json::json;

use super::word::{self, Word};
use super::{Taxonomy, uses};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Puts the word `into` in the place of the word `id`, in every content of every post, old
/// revisions included. The old slug and the old name lead to `into` from then on, and so do those
/// of words that were merged into `id` before. Entities of different types can be merged.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when one of the two is not there, is
/// merged already, or both are the same.
pub async fn merge(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    id: i64,
    into: i64,
) -> Result<()> {
    if id == into {
        let message = format!("is the same {}; name another", taxonomy.noun());
        return Err(Problem::invalid("into", message).into());
    }
    let (from, to) = hold(transaction, taxonomy, id, (into, "into")).await?;
    let live_posts = replace(transaction, taxonomy, &from, &to).await?;
    let update = Query::update()
        .table(taxonomy.table())
        .value("merged_into", into)
        .and_where(Expr::col("id").eq(id))
        .to_owned();
    transaction.connection().execute(&update).await?;
    transaction.record(AuditEvent {
        action: "merge",
        subject: taxonomy.noun(),
        subject_id: id,
        before: Some(from.to_json(taxonomy)),
        after: Some(json!({ "mergedInto": into, "livePosts": live_posts })),
    });
    transaction.announce(from.announcement(taxonomy, "merged", None, Some(into)));
    Ok(())
}

/// Takes hold of a word, of the one that takes its place, and of the posts that use it.
pub(super) async fn hold(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    id: i64,
    (successor, field): (i64, &str),
) -> Result<(Word, Word)> {
    uses::lock_posts(transaction, taxonomy, id).await?;
    let both = Condition::all().add(Expr::col("id").is_in([id, successor]));
    let words = word::lock(transaction, taxonomy, both, LockType::Update).await?;
    let from = word::in_use(transaction, taxonomy, &words, id, "id").await;
    let to = word::in_use(transaction, taxonomy, &words, successor, field).await;
    match (from, to) {
        (Ok(from), Ok(to)) => Ok((from.clone(), to.clone())),
        (from, to) => {
            let problems = [from.err(), to.err()].into_iter().flatten();
            Err(problems.collect::<Vec<Problem>>().into())
        }
    }
}

/// Puts `to` wherever `from` is: in contents, in search, in words that were merged into `from`.
/// Answers how many live posts that changed.
pub(super) async fn replace(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    from: &Word,
    to: &Word,
) -> Result<usize> {
    let live_posts = uses::live_posts(transaction, taxonomy, from.id).await?;
    uses::add_to_search(transaction, taxonomy, from.id, &to.name).await?;
    uses::point_at(transaction, taxonomy, from.id, to.id).await?;
    let flatten = Query::update()
        .table(taxonomy.table())
        .value("merged_into", to.id)
        .and_where(Expr::col("merged_into").eq(from.id))
        .to_owned();
    transaction.connection().execute(&flatten).await?;
    uses::tell(transaction, &live_posts);
    for id in [from.id, to.id] {
        transaction.touch(CacheTag::Row(taxonomy.noun(), id));
    }
    transaction.touch(CacheTag::List(taxonomy.noun()));
    Ok(live_posts.len())
}
