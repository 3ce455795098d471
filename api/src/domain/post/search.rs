//! Searching posts: ranked, filtered like any list, with what matched marked.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, JoinType, Order, Query};

use super::filter::PostFilter;
use super::filter::{NumberField, Test};
use super::list::{check, find};
use super::select::{Post, PostSelection};
use crate::domain::error::Result;
use crate::domain::page::{Cursor, Page, PageRequest, SortKey};
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::search::{SearchQuery, to_html};
use crate::foundation::cache_tag::CacheTag;

/// A post that a search found.
#[derive(Clone, Debug)]
pub struct SearchHit {
    /// The post.
    pub post: Post,
    /// How well it matches; larger is better, comparable within one search only.
    pub relevance: f64,
    /// Its title as HTML, what matched in `<mark>`.
    pub title_html: String,
    /// The part of its body that matches best, as HTML, what matched in `<mark>`.
    pub excerpt_html: String,
}

/// Finds the posts that match `query`, best first. A page goes on by counting: ranks of a search
/// are no stable place to go on from.
///
/// # Errors
///
/// A bad argument when filter or cursor can't be used; those of the database.
pub async fn search(
    reader: &Reader,
    query: &SearchQuery,
    filter: &PostFilter,
    request: &PageRequest,
    selection: PostSelection,
) -> Result<Page<SearchHit>> {
    check(filter)?;
    reader.note(CacheTag::List("post"));
    let passed = match &request.cursor {
        Some(text) => match Cursor::decode(text, "relevance")?.key {
            SortKey::Integer(passed) => passed,
            SortKey::Text(_) | SortKey::Time(_) => 0,
        },
        None => i64::from(request.offset),
    };
    let passed = passed.clamp(0, i64::from(crate::domain::page::OFFSET_LIMIT));
    let dialect = reader.dialect();
    let published = reader.perspective() == Perspective::Published;
    let (post_id, id) = match published {
        true => (("p", "id"), ("p", "live_content")),
        false => (("s", "post_id"), ("s", "content_id")),
    };
    let sql = filter.to_sql(reader.perspective(), dialect, &Expr::col(id));
    let mut select = Query::select();
    if published {
        select.from_as("post", "p");
    } else {
        select.from_subquery(reader.perspective().seen(), "s");
    }
    let rank = query.rank(dialect, &mut select, Expr::col(id));
    select
        .column(post_id)
        .column(id)
        .expr_as(rank, "rank")
        .order_by("rank", Order::Asc)
        .order_by(post_id, Order::Desc)
        .limit(u64::from(request.limit) + 1)
        .offset(passed.unsigned_abs());
    if published {
        select.and_where(Expr::col(("p", "trashed_at")).is_null());
    } else if sql.reads_post {
        let of_post = Expr::col(("p", "id")).equals(post_id);
        select.join_as(JoinType::InnerJoin, "post", "p", of_post);
    }
    if sql.reads_content {
        let of_content = Expr::col(("c", "id")).equals(id);
        select.join_as(JoinType::InnerJoin, "post_content", "c", of_content);
    }
    select.cond_where(sql.condition);
    let mut places = Vec::new();
    for (row, place) in reader.rows(&select).await?.iter().zip(passed + 1..) {
        let post_id: i64 = row.try_get_by_index(0)?;
        let content_id: i64 = row.try_get_by_index(1)?;
        let rank: f64 = row.try_get_by_index(2)?;
        places.push((place, post_id, content_id, rank));
    }
    let hits = hits(reader, query, selection, &places).await?;
    Ok(Page::new(request, hits))
}

async fn hits(
    reader: &Reader,
    query: &SearchQuery,
    selection: PostSelection,
    places: &[(i64, i64, i64, f64)],
) -> Result<Vec<(Cursor, SearchHit)>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let post_ids = places.iter().map(|place| place.1).collect();
    let filter = PostFilter::Number(NumberField::Id, Test::In(post_ids));
    let found = find(reader, filter, selection).await?;
    let mut posts: HashMap<i64, Post> = found.into_iter().map(|post| (post.id, post)).collect();

    let contents: Vec<i64> = places.iter().map(|place| place.2).collect();
    let mut excerpts: HashMap<i64, (String, String)> = HashMap::new();
    let select = query.excerpts(reader.dialect(), &contents);
    for row in reader.rows(&select).await? {
        let marked = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        excerpts.insert(row.try_get_by_index(0)?, marked);
    }
    let mut hits = Vec::new();
    for (place, post_id, content_id, rank) in places {
        let Some(post) = posts.remove(post_id) else {
            continue;
        };
        let (title, excerpt) = excerpts.remove(content_id).unwrap_or_default();
        let cursor = Cursor {
            order: "relevance".to_owned(),
            key: SortKey::Integer(*place),
            row: *post_id,
        };
        let hit = SearchHit {
            post,
            relevance: -rank,
            title_html: to_html(&title),
            excerpt_html: to_html(&excerpt),
        };
        hits.push((cursor, hit));
    }
    Ok(hits)
}

/// Counts what a search finds.
///
/// # Errors
///
/// Those of [`search`].
pub async fn count_hits(reader: &Reader, query: &SearchQuery, filter: &PostFilter) -> Result<i64> {
    let words = PostFilter::Words(
        crate::domain::search::SearchColumn::Everything,
        query.clone(),
    );
    let list = super::PostList {
        filter: PostFilter::All(vec![filter.clone(), words]),
        order: super::PostOrder::default(),
    };
    let counts = super::count_many(reader, &[list]).await?;
    Ok(counts.first().copied().unwrap_or(0))
}
