//! Words as their tables hold them: those in use, those that were merged into another, those that
//! were deleted.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, LockType, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};
use serde_json::{Value, json};

use super::Taxonomy;
use crate::domain::error::{Problem, Result};
use crate::domain::transaction::Transaction;
use crate::domain::webhook::{Announcement, TermChange};

/// A row of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) id: i64,
    /// The type of a named entity; empty for tools and stacks.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) slug: String,
    /// By which the name is unique.
    pub(super) key: String,
    pub(super) merged_into: Option<i64>,
    pub(super) deleted: bool,
}

impl Word {
    /// What the log keeps of it.
    pub(super) fn to_json(&self, taxonomy: Taxonomy) -> Value {
        let mut value = json!({ "name": self.name, "slug": self.slug });
        if taxonomy == Taxonomy::Entity {
            value["type"] = json!(self.kind);
        }
        value
    }

    /// What endpoints are told of it: a verb in the past, the slug that it had if it has another, and
    /// the word that took its place.
    pub(super) fn announcement(
        &self,
        taxonomy: Taxonomy,
        action: &'static str,
        old_slug: Option<&str>,
        successor: Option<i64>,
    ) -> Announcement {
        let old_slug = old_slug.filter(|old| *old != self.slug);
        Announcement::Term(TermChange {
            taxonomy,
            term_id: self.id,
            action,
            name: self.name.clone(),
            slug: self.slug.clone(),
            old_slug: old_slug.map(str::to_owned),
            successor,
        })
    }

    /// Whether posts can use it.
    pub(super) fn is_in_use(&self) -> bool {
        self.merged_into.is_none() && !self.deleted
    }
}

/// A word as it is at the moment; somebody else may change it.
pub(super) async fn peek(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    id: i64,
) -> Result<Option<Word>> {
    let select = select(taxonomy)
        .and_where(Expr::col("id").eq(id))
        .to_owned();
    let row = transaction.connection().query_one(&select).await?;
    row.as_ref().map(read).transpose()
}

/// Words, held until the transaction ends: with [`LockType::Update`] nobody else changes them or
/// uses them anew, with [`LockType::KeyShare`] nobody holds them like that. They are locked in the
/// order of their keys, and after the posts that use them: so does saving a post.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    which: Condition,
    how: LockType,
) -> Result<Vec<Word>> {
    let select = select(taxonomy)
        .cond_where(which)
        .order_by("id", Order::Asc)
        .lock(how)
        .to_owned();
    let rows = transaction.connection().query_all(&select).await?;
    rows.iter().map(read).collect()
}

/// The word with the key `id` among those that were locked, if posts can use it.
pub(super) async fn in_use<'words>(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    words: &'words [Word],
    id: i64,
    field: &str,
) -> Result<&'words Word, Problem> {
    let noun = taxonomy.noun();
    match words.iter().find(|word| word.id == id) {
        Some(word) if word.is_in_use() => Ok(word),
        Some(Word {
            name,
            merged_into: Some(successor),
            ..
        }) => {
            let successor = name_of(transaction, taxonomy, *successor).await;
            let message = format!("`{name}` was merged into {noun} `{successor}`; use that one");
            Err(Problem::conflict(field, message))
        }
        _ => Err(Problem::not_found(field, noun)),
    }
}

/// How a word is called in a message about another.
pub(super) async fn name_of(transaction: &Transaction<'_>, taxonomy: Taxonomy, id: i64) -> String {
    match peek(transaction, taxonomy, id).await {
        Ok(Some(word)) => word.name,
        // The message is worth less without it, and worth saying all the same.
        Ok(None) | Err(_) => "another".into(),
    }
}

fn select(taxonomy: Taxonomy) -> SelectStatement {
    Query::select()
        .columns(["id", "name", "slug", "key", "merged_into"])
        .expr(Expr::col("deleted_at").is_not_null())
        .expr(taxonomy.kind())
        .from(taxonomy.table())
        .to_owned()
}

fn read(row: &QueryResult) -> Result<Word> {
    Ok(Word {
        id: row.try_get_by_index(0)?,
        name: row.try_get_by_index(1)?,
        slug: row.try_get_by_index(2)?,
        key: row.try_get_by_index(3)?,
        merged_into: row.try_get_by_index(4)?,
        deleted: row.try_get_by_index(5)?,
        kind: row.try_get_by_index(6)?,
    })
}
