//! Reading words, as far as the perspective shows them: the public sees those that a live post
//! uses, so that a draft does not give itself away by its words. Editors see all of them, to choose
//! from.

use std::collections::HashMap;

use sea_orm::sea_query::{
    Cond, Expr, ExprTrait, Func, JoinType, Order, Query, SelectStatement, SimpleExpr,
};

use super::{Taxonomy, Term};
use crate::domain::error::Result;
use crate::domain::page::{Cursor, Direction, Page, PageRequest, SortKey};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::TermFilter;
use crate::foundation::cache_tag::CacheTag;

/// What a list of words is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TermOrder {
    /// By name.
    Name(Direction),
    /// By the number of posts that use the word.
    PostCount(Direction),
}

/// Notes that the answer depends on which words there are to be seen: it changes when one is added, and
/// when the first post that uses one goes live or the last one is gone.
fn note_all_words(reader: &Reader, taxonomy: Taxonomy) {
    reader.note_all([CacheTag::List(taxonomy.noun()), CacheTag::List("post")]);
}

/// Reads a page of the words of a taxonomy.
///
/// # Errors
///
/// A bad argument when the cursor can't be used; those of the database.
pub async fn list(
    reader: &Reader,
    taxonomy: Taxonomy,
    filter: &TermFilter,
    order: TermOrder,
    request: &PageRequest,
) -> Result<Page<Term>> {
    note_all_words(reader, taxonomy);
    let (name, direction, key) = match order {
        TermOrder::Name(direction) => ("name", direction, Expr::col(("t", "name"))),
        TermOrder::PostCount(direction) => {
            let count = Expr::expr(Func::coalesce([Expr::col(("n", "posts")), Expr::val(0)]));
            ("post_count", direction, count)
        }
    };
    let direction = match request.backward {
        false => direction,
        true => direction.reversed(),
    };
    let mut select = visible(reader.perspective(), taxonomy);
    select
        .expr(key.clone())
        .cond_where(filter.to_condition(reader.dialect()));
    if let TermOrder::PostCount(_) = order {
        let counts = post_counts(reader.perspective(), taxonomy);
        select.join_subquery(
            JoinType::LeftJoin,
            counts,
            "n",
            Expr::col(("n", "term")).equals(("t", "id")),
        );
    }
    if let Some(text) = &request.cursor {
        let cursor = Cursor::decode(text, name)?;
        let value: SimpleExpr = match cursor.key {
            SortKey::Integer(number) => Expr::val(number),
            SortKey::Text(text) => Expr::val(text),
            SortKey::Time(time) => Expr::val(time),
        };
        let place = Expr::tuple([key.clone(), Expr::col(("t", "id"))]);
        let after = Expr::tuple([value, Expr::val(cursor.row)]);
        select.cond_where(Cond::all().add(match direction {
            Direction::Ascending => place.gt(after),
            Direction::Descending => place.lt(after),
        }));
    }
    let sql_order = match direction {
        Direction::Ascending => Order::Asc,
        Direction::Descending => Order::Desc,
    };
    select
        .order_by_expr(key, sql_order.clone())
        .order_by_expr(Expr::col(("t", "id")), sql_order)
        .limit(u64::from(request.limit) + 1)
        .offset(u64::from(request.offset));
    let mut rows = Vec::new();
    for row in reader.rows(&select).await? {
        let term = read(&row)?;
        reader.note(CacheTag::Row(taxonomy.noun(), term.id));
        let key = match order {
            TermOrder::Name(_) => SortKey::Text(row.try_get_by_index(4)?),
            TermOrder::PostCount(_) => SortKey::Integer(row.try_get_by_index(4)?),
        };
        let cursor = Cursor {
            order: name.to_owned(),
            key,
            row: term.id,
        };
        rows.push((cursor, term));
    }
    Ok(Page::new(request, rows))
}

/// Counts the words of a filter.
///
/// # Errors
///
/// Those of the database.
pub async fn count(reader: &Reader, taxonomy: Taxonomy, filter: &TermFilter) -> Result<i64> {
    note_all_words(reader, taxonomy);
    let mut words = visible(reader.perspective(), taxonomy);
    words.cond_where(filter.to_condition(reader.dialect()));
    let select = Query::select()
        .expr(Func::count(Expr::cust("*")))
        .from_subquery(words, "words")
        .to_owned();
    let rows = reader.rows(&select).await?;
    Ok(match rows.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    })
}

/// Finds words by key.
///
/// # Errors
///
/// Those of the database.
pub async fn find(reader: &Reader, taxonomy: Taxonomy, ids: &[i64]) -> Result<Vec<Term>> {
    let mut select = visible(reader.perspective(), taxonomy);
    select.and_where(Expr::col(("t", "id")).is_in(ids.iter().copied()));
    reader.note_all(ids.iter().map(|id| CacheTag::Row(taxonomy.noun(), *id)));
    let rows = reader.rows(&select).await?;
    if rows.len() < ids.len() {
        note_all_words(reader, taxonomy);
    }
    rows.iter().map(read).collect()
}

/// Finds a word by key for somebody who may change it, whoever uses it.
///
/// # Errors
///
/// Those of the database.
pub async fn find_to_edit(reader: &Reader, taxonomy: Taxonomy, id: i64) -> Result<Option<Term>> {
    let select = visible(Perspective::Draft, taxonomy)
        .and_where(Expr::col(("t", "id")).eq(id))
        .to_owned();
    reader.rows(&select).await?.first().map(read).transpose()
}

/// Finds a word by slug and, for a named entity, type. A merged word answers with the one that took
/// its place.
///
/// # Errors
///
/// Those of the database.
pub async fn find_by_slug(
    reader: &Reader,
    taxonomy: Taxonomy,
    kind: Option<&str>,
    slug: &str,
) -> Result<Option<Term>> {
    let mut key = Query::select();
    key.expr(Expr::cust("COALESCE(merged_into, id)"))
        .from(taxonomy.table())
        .and_where(Expr::col("slug").eq(slug));
    if let Some(kind) = kind {
        key.and_where(Expr::col("kind").eq(kind));
    }
    let mut select = visible(reader.perspective(), taxonomy);
    select.and_where(Expr::col(("t", "id")).in_subquery(key));
    let rows = reader.rows(&select).await?;
    let Some(row) = rows.first() else {
        note_all_words(reader, taxonomy);
        return Ok(None);
    };
    let term = read(row)?;
    reader.note(CacheTag::Row(taxonomy.noun(), term.id));
    Ok(Some(term))
}

/// Counts the posts that use each word.
///
/// # Errors
///
/// Those of the database.
pub async fn count_posts(
    reader: &Reader,
    taxonomy: Taxonomy,
    ids: &[i64],
) -> Result<HashMap<i64, i64>> {
    reader.note(CacheTag::List("post"));
    let mut select = post_counts(reader.perspective(), taxonomy);
    select.and_where(Expr::col(("j", taxonomy.join_column())).is_in(ids.iter().copied()));
    let mut counts = HashMap::new();
    for row in reader.rows(&select).await? {
        counts.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    Ok(counts)
}

/// `id, name, slug, kind` of every word in sight.
fn visible(perspective: Perspective, taxonomy: Taxonomy) -> SelectStatement {
    let kind = match taxonomy {
        Taxonomy::Entity => Expr::col(("t", "kind")),
        _ => Expr::cust("''"),
    };
    let mut select = Query::select();
    select
        .columns([("t", "id"), ("t", "name"), ("t", "slug")])
        .expr(kind)
        .from_as(taxonomy.table(), "t")
        .and_where(Expr::col(("t", "merged_into")).is_null())
        .and_where(Expr::col(("t", "deleted_at")).is_null());
    if perspective.is_for_editors() {
        return select;
    }
    if perspective == Perspective::Published {
        let used = Query::select()
            .expr(Expr::cust("1"))
            .from_as(taxonomy.join_table(), "u")
            .and_where(Expr::col(("u", taxonomy.join_column())).equals(("t", "id")))
            .and_where(Expr::col(("u", "published_at")).is_not_null())
            .to_owned();
        select.and_where(Expr::exists(used));
        return select;
    }
    let used = Query::select()
        .column(("u", taxonomy.join_column()))
        .from_as(taxonomy.join_table(), "u")
        .join_subquery(
            JoinType::InnerJoin,
            perspective.seen(),
            "s",
            Expr::col(("s", "content_id")).equals(("u", "content_id")),
        )
        .to_owned();
    select.and_where(Expr::col(("t", "id")).in_subquery(used));
    select
}

/// `term, posts` for every word that a post in sight uses.
fn post_counts(perspective: Perspective, taxonomy: Taxonomy) -> SelectStatement {
    let mut select = Query::select();
    select
        .expr_as(Expr::col(("j", taxonomy.join_column())), "term")
        .expr_as(Func::count(Expr::cust("*")), "posts")
        .from_as(taxonomy.join_table(), "j")
        .group_by_col(("j", taxonomy.join_column()));
    match perspective {
        Perspective::Published => select.and_where(Expr::col(("j", "published_at")).is_not_null()),
        other => select.join_subquery(
            JoinType::InnerJoin,
            other.seen(),
            "s",
            Expr::col(("s", "content_id")).equals(("j", "content_id")),
        ),
    };
    select
}

fn read(row: &sea_orm::QueryResult) -> Result<Term> {
    Ok(Term {
        id: row.try_get_by_index(0)?,
        name: row.try_get_by_index(1)?,
        slug: row.try_get_by_index(2)?,
        kind: row.try_get_by_index(3)?,
    })
}
