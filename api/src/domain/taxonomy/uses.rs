//! The contents that use a word: telling of its change, and pointing them at another word.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{
    BinOper, Expr, ExprTrait, JoinType, LikeExpr, LockType, Order, Query, SelectStatement,
};

use super::Taxonomy;
use crate::domain::error::Result;
use crate::domain::similar;
use crate::domain::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// Posts whose similar posts one job computes.
const POSTS_A_JOB: usize = 500;

/// Takes hold of the posts that use a word in any of their contents, so that nobody publishes or
/// saves them meanwhile. Posts come before words, and both in the order of their keys, as in every
/// change that locks both.
pub(super) async fn lock_posts(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    term_id: i64,
) -> Result<()> {
    let select = Query::select()
        .column("id")
        .from("post")
        .and_where(Expr::col("id").in_subquery(posts(taxonomy, term_id)))
        .order_by("id", Order::Asc)
        .lock(LockType::NoKeyUpdate)
        .to_owned();
    transaction.connection().query_all(&select).await?;
    Ok(())
}

/// How many posts use a word in any of their contents, old revisions included.
pub(super) async fn count_posts_ever(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    term_id: i64,
) -> Result<i64> {
    let select = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(posts(taxonomy, term_id), "posts")
        .to_owned();
    let row = transaction.connection().query_one(&select).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// The posts that use a word in what the public sees.
pub(super) async fn live_posts(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    term_id: i64,
) -> Result<Vec<i64>> {
    let select = posts(taxonomy, term_id)
        .and_where(Expr::col(("j", "published_at")).is_not_null())
        .to_owned();
    let rows = transaction.connection().query_all(&select).await?;
    let ids: Result<Vec<i64>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
    Ok(ids?)
}

/// Says that live posts show other words now. An answer about a single post notes that post alone,
/// so each of them is named, however many there are.
pub(super) fn tell(transaction: &mut Transaction<'_>, live_posts: &[i64]) {
    if live_posts.is_empty() {
        return;
    }
    transaction.touch(CacheTag::List("post"));
    for post_id in live_posts {
        transaction.touch(CacheTag::Row("post", *post_id));
    }
    for post_ids in live_posts.chunks(POSTS_A_JOB) {
        transaction.enqueue(similar::job(post_ids));
    }
}

/// Lets search find the contents that use a word by `name` too. What they were found by stays.
pub(super) async fn add_to_search(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    term_id: i64,
    name: &str,
) -> Result<()> {
    const CONCATENATED: BinOper = BinOper::Custom("||");
    // Words stand in lines of their own.
    let whole = Expr::val("\n")
        .binary(CONCATENATED, Expr::col("terms"))
        .binary(CONCATENATED, Expr::val("\n"));
    let escaped = name
        .replace('\\', r"\\")
        .replace('%', r"\%")
        .replace('_', r"\_");
    let line = LikeExpr::new(format!("%\n{escaped}\n%")).escape('\\');
    let update = Query::update()
        .table("post_search")
        .value(
            "terms",
            Expr::col("terms").binary(CONCATENATED, Expr::val(format!("\n{name}"))),
        )
        .and_where(Expr::col("content_id").in_subquery(contents(taxonomy, term_id)))
        .and_where(whole.not_like(line))
        .to_owned();
    transaction.connection().execute(&update).await?;
    Ok(())
}

/// Points every content that uses `from` at `to`. A content that used both keeps the better place
/// of the two, and what stood behind the other moves up.
pub(super) async fn point_at(
    transaction: &Transaction<'_>,
    taxonomy: Taxonomy,
    from: i64,
    to: i64,
) -> Result<()> {
    let (joins, key) = (taxonomy.join_table(), taxonomy.join_column());
    let both = format!(
        "SELECT one.content_id FROM {joins} one JOIN {joins} other \
         ON other.content_id = one.content_id WHERE one.{key} = {from} AND other.{key} = {to}"
    );
    let place_of_from = format!(
        "SELECT one.position FROM {joins} one \
         WHERE one.content_id = {joins}.content_id AND one.{key} = {from}"
    );
    let statements = [
        format!(
            "UPDATE {joins} SET position = position - 1 WHERE content_id IN ({both}) \
             AND position > (SELECT MAX(one.position) FROM {joins} one \
             WHERE one.content_id = {joins}.content_id AND one.{key} IN ({from}, {to}))"
        ),
        format!(
            "UPDATE {joins} SET position = ({place_of_from}) \
             WHERE {key} = {to} AND position > ({place_of_from})"
        ),
        format!("DELETE FROM {joins} WHERE {key} = {from} AND content_id IN ({both})"),
        format!("UPDATE {joins} SET {key} = {to} WHERE {key} = {from}"),
    ];
    for statement in statements {
        transaction
            .connection()
            .execute_unprepared(&statement)
            .await?;
    }
    Ok(())
}

fn contents(taxonomy: Taxonomy, term_id: i64) -> SelectStatement {
    Query::select()
        .column("content_id")
        .from(taxonomy.join_table())
        .and_where(Expr::col(taxonomy.join_column()).eq(term_id))
        .to_owned()
}

/// The posts of the contents that use a word, each once. The join is `j`.
fn posts(taxonomy: Taxonomy, term_id: i64) -> SelectStatement {
    Query::select()
        .distinct()
        .column(("c", "post_id"))
        .from_as(taxonomy.join_table(), "j")
        .join_as(
            JoinType::InnerJoin,
            "post_content",
            "c",
            Expr::col(("c", "id")).equals(("j", "content_id")),
        )
        .and_where(Expr::col(("j", taxonomy.join_column())).eq(term_id))
        .to_owned()
}
