//! What messages say of posts: read when there is somebody to tell, however many posts there are in
//! the same few statements.

use std::collections::{BTreeSet, HashMap};

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Query, SelectStatement, UnionType};
use serde_json::{Value, json};

use super::payload::TAXONOMIES;
use crate::domain::error::Result;
use crate::domain::post::path;
use crate::domain::taxonomy::Taxonomy;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::PARAMETERS;
use crate::foundation::id::public_id;

/// One content of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) slug: String,
    pub(super) title: String,
    /// The rows of its words.
    pub(super) words: BTreeSet<CacheTag>,
    id: i64,
    number: i32,
    version: String,
}

impl Described {
    /// Its revision.
    pub(super) fn revision(&self) -> Value {
        json!({
            "id": public_id("Revision", self.id),
            "number": self.number,
            "version": self.version,
        })
    }
}

/// Contents by their keys. One that is not there any more is left out.
pub(super) async fn describe(
    transaction: &Transaction<'_>,
    contents: &BTreeSet<i64>,
) -> Result<HashMap<i64, Described>> {
    let contents: Vec<i64> = contents.iter().copied().collect();
    let mut described = HashMap::with_capacity(contents.len());
    for contents in contents.chunks(PARAMETERS / 3) {
        let select = Query::select()
            .columns([("c", "id"), ("c", "slug"), ("c", "title")])
            .columns([("r", "number"), ("r", "version")])
            .from_as("post_content", "c")
            .join_as(
                JoinType::InnerJoin,
                "revision",
                "r",
                Expr::col(("r", "id")).equals(("c", "id")),
            )
            .and_where(Expr::col(("c", "id")).is_in(contents.iter().copied()))
            .to_owned();
        for row in transaction.connection().query_all(&select).await? {
            let content = Described {
                id: row.try_get_by_index(0)?,
                slug: row.try_get_by_index(1)?,
                title: row.try_get_by_index(2)?,
                number: row.try_get_by_index(3)?,
                version: row.try_get_by_index(4)?,
                words: BTreeSet::new(),
            };
            described.insert(content.id, content);
        }
        for row in transaction.connection().query_all(&words(contents)).await? {
            let content: i64 = row.try_get_by_index(0)?;
            let taxonomy: i32 = row.try_get_by_index(1)?;
            let taxonomy = usize::try_from(taxonomy).ok();
            let taxonomy = taxonomy.and_then(|index| TAXONOMIES.get(index));
            if let (Some(content), Some(taxonomy)) = (described.get_mut(&content), taxonomy) {
                let key = row.try_get_by_index(2)?;
                content.words.insert(CacheTag::Row(taxonomy.noun(), key));
            }
        }
    }
    Ok(described)
}

/// The words of contents: the content, the place of the taxonomy in [`TAXONOMIES`], the word.
fn words(contents: &[i64]) -> SelectStatement {
    let of = |place: i32, taxonomy: Taxonomy| {
        Query::select()
            .column("content_id")
            .expr(Expr::Constant(place.into()))
            .column(taxonomy.join_column())
            .from(taxonomy.join_table())
            .and_where(Expr::col("content_id").is_in(contents.iter().copied()))
            .to_owned()
    };
    let [tool, stack, entity] = TAXONOMIES;
    of(0, tool)
        .union(UnionType::All, of(1, stack))
        .union(UnionType::All, of(2, entity))
        .to_owned()
}

/// The paths of posts that are live.
pub(super) async fn live_paths(
    transaction: &Transaction<'_>,
    post_ids: &[i64],
) -> Result<BTreeSet<String>> {
    if post_ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let select = Query::select()
        .column(("c", "slug"))
        .from_as("post", "p")
        .join_as(
            JoinType::InnerJoin,
            "post_content",
            "c",
            Expr::col(("c", "id")).equals(("p", "live_content")),
        )
        .and_where(Expr::col(("p", "id")).is_in(post_ids.iter().copied()))
        .to_owned();
    let rows = transaction.connection().query_all(&select).await?;
    let slugs = rows.iter().map(|row| row.try_get_by_index::<String>(0));
    let paths: Result<_, _> = slugs
        .map(|slug| Ok::<_, sea_orm::DbErr>(path(&slug?)))
        .collect();
    Ok(paths?)
}
