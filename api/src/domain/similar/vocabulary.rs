//! What the terms of some posts are called, and how rare they are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr};

use super::profile::{Profile, TAXONOMIES, Term};
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::database::PARAMETERS;

/// Rarity is counted over so many of the newest live posts.
const POSTS_COUNTED: u64 = 10_000;

/// What the terms of some posts are called, and how rare they are.
pub(super) struct Vocabulary {
    entries: BTreeMap<Term, Entry>,
}

/// One term.
pub(super) struct Entry {
    /// The name, folded: the same for a tool and a stack of one name.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) rarity: f64,
}

/// The live posts that rarity is counted over.
struct Counted {
    posts: i64,
    /// When the oldest of them was published; none when they are all there are.
    since: Option<DateTime<Utc>>,
}

impl Vocabulary {
    /// The vocabulary of these posts, in at most eight statements as a rule. A deleted
    /// term is not in it, and makes nothing similar.
    pub(super) async fn of(
        connection: &DatabaseTransaction,
        posts: &[Profile],
    ) -> Result<Self, DbErr> {
        let terms: BTreeSet<Term> = posts.iter().flat_map(|post| &post.terms).copied().collect();
        let mut entries = BTreeMap::new();
        if terms.is_empty() {
            return Ok(Self { entries });
        }
        let counted = counted(connection).await?;
        for taxonomy in TAXONOMIES {
            let ids: Vec<i64> = terms
                .iter()
                .filter(|(kind, _)| *kind == taxonomy)
                .map(|(_, id)| *id)
                .collect();
            for ids in ids.chunks(PARAMETERS) {
                add(connection, taxonomy, ids, &counted, &mut entries).await?;
            }
        }
        Ok(Self { entries })
    }

    pub(super) fn get(&self, term: Term) -> Option<&Entry> {
        self.entries.get(&term)
    }
}

async fn counted(connection: &DatabaseTransaction) -> Result<Counted, DbErr> {
    let newest = Query::select()
        .column("published_at")
        .from("post_content")
        .and_where(Expr::col("published_at").is_not_null())
        .order_by("published_at", Order::Desc)
        .limit(POSTS_COUNTED)
        .to_owned();
    let count = Query::select()
        .expr_as(Expr::col("published_at").count(), "posts")
        .expr_as(Expr::col("published_at").min(), "since")
        .from_subquery(newest, "newest")
        .to_owned();
    let Some(row) = connection.query_one(&count).await? else {
        return Ok(Counted {
            posts: 0,
            since: None,
        });
    };
    let posts: i64 = row.try_get("", "posts")?;
    let all = u64::try_from(posts).is_ok_and(|posts| posts < POSTS_COUNTED);
    Ok(Counted {
        posts,
        since: if all { None } else { row.try_get("", "since")? },
    })
}

/// Adds the terms of one kind: their names, and how many of the counted posts have them.
async fn add(
    connection: &DatabaseTransaction,
    taxonomy: Taxonomy,
    ids: &[i64],
    counted: &Counted,
    entries: &mut BTreeMap<Term, Entry>,
) -> Result<(), DbErr> {
    let mut frequency = Query::select();
    frequency
        .column(taxonomy.join_column())
        .expr_as(Expr::col("content_id").count(), "posts")
        .from(taxonomy.join_table())
        .and_where(Expr::col(taxonomy.join_column()).is_in(ids.iter().copied()))
        .and_where(Expr::col("published_at").is_not_null())
        .group_by_col(taxonomy.join_column());
    if let Some(since) = counted.since {
        frequency.and_where(Expr::col("published_at").gte(since));
    }
    let mut posts_with: BTreeMap<i64, i64> = BTreeMap::new();
    for row in connection.query_all(&frequency).await? {
        posts_with.insert(
            row.try_get("", taxonomy.join_column())?,
            row.try_get("", "posts")?,
        );
    }

    let names = Query::select()
        .columns(["id", "key", "name"])
        .from(taxonomy.table())
        .and_where(Expr::col("id").is_in(ids.iter().copied()))
        .and_where(Expr::col("deleted_at").is_null())
        .to_owned();
    for row in connection.query_all(&names).await? {
        let id: i64 = row.try_get("", "id")?;
        // A term may be on no post that was counted: then it is as rare as can be.
        let with = posts_with.get(&id).copied().unwrap_or(1);
        let entry = Entry {
            key: row.try_get("", "key")?,
            name: row.try_get("", "name")?,
            rarity: rarity(counted.posts, with),
        };
        entries.insert((taxonomy, id), entry);
    }
    Ok(())
}

/// Counts of posts are far below where a float stops being exact.
#[allow(clippy::cast_precision_loss)]
fn rarity(posts: i64, with: i64) -> f64 {
    (1.0 + posts as f64 / with as f64).ln()
}
