//! Deleting a word that nobody needs.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, Query};
use serde_json::json;

use super::merge::{hold, replace};
use super::{Taxonomy, uses, word};
use crate::domain::audit::AuditEvent;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Deletes a word. One that posts use, be it in an old revision, is deleted only with a word to put
/// in its place. Its slug leads nowhere afterwards; that is the difference from
/// [`merge`](super::merge()). Its row stays, and comes back when somebody creates the same name.
///
/// # Errors
///
/// [`Error::Refused`](crate::domain::error::Error::Refused) when there is no such word, or posts
/// use it and `reassign_to` is absent or can't be used.
pub async fn delete(
    transaction: &mut Transaction<'_>,
    taxonomy: Taxonomy,
    id: i64,
    reassign_to: Option<i64>,
) -> Result<()> {
    let (before, live_posts) = match reassign_to {
        Some(successor) if successor == id => {
            let message = format!("is the {} to be deleted; name another", taxonomy.noun());
            return Err(Problem::invalid("reassignTo", message).into());
        }
        Some(successor) => {
            let successor = (successor, "reassignTo");
            let (from, to) = hold(transaction, taxonomy, id, successor).await?;
            let live_posts = replace(transaction, taxonomy, &from, &to).await?;
            (from, live_posts)
        }
        None => {
            let it = Condition::all().add(Expr::col("id").eq(id));
            let words = word::lock(transaction, taxonomy, it, LockType::Update).await?;
            let word = word::in_use(transaction, taxonomy, &words, id, "id").await?;
            let posts = uses::count_posts_ever(transaction, taxonomy, id).await?;
            if posts > 0 {
                let noun = taxonomy.noun();
                let message = format!(
                    "{posts} posts use `{}`, old revisions counted; name the {noun} to put in \
                     its place as `reassignTo`",
                    word.name
                );
                return Err(Problem::conflict("id", message).into());
            }
            (word.clone(), 0)
        }
    };
    // Words that were merged into it and have nothing left to lead to go with it.
    let update = Query::update()
        .table(taxonomy.table())
        .value("deleted_at", transaction.now())
        .value("merged_into", Option::<i64>::None)
        .cond_where(
            Condition::any()
                .add(Expr::col("id").eq(id))
                .add(Expr::col("merged_into").eq(id)),
        )
        .to_owned();
    transaction.connection().execute(&update).await?;
    transaction.touch(CacheTag::Row(taxonomy.noun(), id));
    transaction.touch(CacheTag::List(taxonomy.noun()));
    transaction.record(AuditEvent {
        action: "delete",
        subject: taxonomy.noun(),
        subject_id: id,
        before: Some(before.to_json(taxonomy)),
        after: reassign_to
            .map(|successor| json!({ "reassignedTo": successor, "livePosts": live_posts })),
    });
    transaction.announce(before.announcement(taxonomy, "deleted", None, reassign_to));
    Ok(())
}
