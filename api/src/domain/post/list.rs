//! Lists of posts. A statement has two halves: `page` picks the contents of the page by index
//! alone, the other half reads what is wanted of just those. Several lists of one shape, such as
//! the newest posts of each of ten tools, are one statement too.

use std::sync::{Arc, LazyLock};

use moka::sync::Cache;
use sea_orm::Statement;
use sea_orm::sea_query::{Expr, ExprTrait, Func, Order, Query, SelectStatement, UnionType};

use super::filter::PostFilter;
use super::order::PostOrder;
use super::scope::Scope;
use super::select::{Expected, Post, PostSelection, read_post, select_posts};
use crate::domain::error::{Error, Result};
use crate::domain::page::{Cursor, Direction, Page, PageRequest};
use crate::domain::perspective::Reader;
use crate::foundation::cache_tag::CacheTag;
use crate::foundation::database::Dialect;

/// The most tests a filter may hold.
pub const FILTER_SIZE: usize = 300;

/// How deep a filter may be nested; SQLite evaluates expressions recursively.
pub const FILTER_DEPTH: usize = 60;

/// A list of posts.
#[derive(Clone, Debug)]
pub struct PostList {
    /// Which posts.
    pub filter: PostFilter,
    /// In which order.
    pub order: PostOrder,
}

/// Reads a page of one list.
///
/// # Errors
///
/// [`Error::BadArgument`] when the filter or the cursor can't be used, [`Error::TooSlow`] when the
/// database stopped it.
pub async fn list(
    reader: &Reader,
    list: &PostList,
    request: &PageRequest,
    selection: PostSelection,
) -> Result<Page<Post>> {
    let pages = list_many(reader, std::slice::from_ref(list), request, selection).await?;
    pages
        .into_iter()
        .next()
        .ok_or_else(|| Error::BadArgument("no list was asked for".into()))
}

/// Reads the same page of several lists, which share their order, in one statement.
///
/// # Errors
///
/// Those of [`list`].
pub async fn list_many(
    reader: &Reader,
    lists: &[PostList],
    request: &PageRequest,
    selection: PostSelection,
) -> Result<Vec<Page<Post>>> {
    let Some(order) = lists.first().map(|list| list.order) else {
        return Ok(Vec::new());
    };
    reader.note(CacheTag::List("post"));
    let scope = Scope::of(reader);
    let statement = statement_of(&scope, lists, request, selection)?;
    let rows = reader.rows_of(statement).await?;

    let mut found: Vec<Vec<(Cursor, Post)>> = lists.iter().map(|_| Vec::new()).collect();
    for row in &rows {
        let arm: i32 = row.try_get_by_index(0)?;
        let content_id = row.try_get_by_index(1)?;
        let cursor = Cursor {
            order: order.by.name().to_owned(),
            key: order.by.read(row, 2)?,
            row: content_id,
        };
        let post = read_post(row, 3, content_id, selection)?;
        reader.note(CacheTag::Row("post", post.id));
        if let Some(rows) = usize::try_from(arm).ok().and_then(|arm| found.get_mut(arm)) {
            rows.push((cursor, post));
        }
    }
    let descending = (order.direction == Direction::Descending) != request.backward;
    Ok(found
        .into_iter()
        .map(|mut rows| {
            // The page is picked in order, but the statement that reads it promises none.
            rows.sort_by(|(a, _), (b, _)| {
                let ascending = (&a.key, a.row).cmp(&(&b.key, b.row));
                if descending {
                    ascending.reverse()
                } else {
                    ascending
                }
            });
            Page::new(request, rows)
        })
        .collect())
}

/// The statement that [`list`] runs, for whoever wants to see its plan.
///
/// # Errors
///
/// Those of [`list`], but for the database's.
pub(super) fn list_statement(
    reader: &Reader,
    list: &PostList,
    request: &PageRequest,
    selection: PostSelection,
) -> Result<Statement> {
    let lists = std::slice::from_ref(list);
    statement_of(&Scope::of(reader), lists, request, selection)
}

fn statement_of(
    scope: &Scope,
    lists: &[PostList],
    request: &PageRequest,
    selection: PostSelection,
) -> Result<Statement> {
    let mut arms = Vec::with_capacity(lists.len());
    for (list, number) in lists.iter().zip(0..) {
        check(&list.filter)?;
        let cursor = match &request.cursor {
            Some(text) => Some(list.order.by.cursor(text)?),
            None => None,
        };
        arms.push(scope.page_of(list, number, request, cursor.as_ref()));
    }
    Ok(hydrate(
        &union(arms),
        &["arm", "id", "sort_key"],
        Expected::Many,
        selection,
        scope.dialect(),
    ))
}

/// Counts the posts of each list, in one statement.
///
/// # Errors
///
/// Those of [`list`].
pub async fn count_many(reader: &Reader, lists: &[PostList]) -> Result<Vec<i64>> {
    for list in lists {
        check(&list.filter)?;
    }
    reader.note(CacheTag::List("post"));
    let scope = Scope::of(reader);
    let arms = lists.iter().zip(0_i32..).map(|(list, number)| {
        let mut select = scope.matching(&list.filter, None).select;
        select
            .expr(Expr::cust(number.to_string()))
            .expr(Func::count(Expr::cust("*")))
            .to_owned()
    });
    let mut counts = vec![0; lists.len()];
    for row in reader.rows(&union(arms.collect())).await? {
        let arm: i32 = row.try_get_by_index(0)?;
        if let Some(count) = usize::try_from(arm)
            .ok()
            .and_then(|arm| counts.get_mut(arm))
        {
            *count = row.try_get_by_index(1)?;
        }
    }
    Ok(counts)
}

/// The keys of the first `limit` posts of a filter after the one with the key `after`, in their order.
/// Not for the perspective of the public.
pub(super) async fn ids_after(
    reader: &Reader,
    filter: &PostFilter,
    after: i64,
    limit: u64,
) -> Result<Vec<i64>> {
    check(filter)?;
    let id = || Expr::col(("s", "post_id"));
    let select = Scope::of(reader)
        .matching(filter, None)
        .select
        .expr(id())
        .and_where(id().gt(after))
        .order_by_expr(id(), Order::Asc)
        .limit(limit)
        .to_owned();
    let rows = reader.rows(&select).await?;
    rows.iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Reads all posts of a filter, in no particular order. For filters that hold few: keys, a slug.
///
/// # Errors
///
/// Those of the database.
pub async fn find(
    reader: &Reader,
    filter: PostFilter,
    selection: PostSelection,
) -> Result<Vec<Post>> {
    find_expected(reader, &filter, Expected::Many, selection).await
}

async fn find_expected(
    reader: &Reader,
    filter: &PostFilter,
    expected: Expected,
    selection: PostSelection,
) -> Result<Vec<Post>> {
    let scope = Scope::of(reader);
    let mut page = scope.matching(filter, None);
    page.select.expr_as(page.id, "id");
    let statement = hydrate(&page.select, &["id"], expected, selection, scope.dialect());
    let mut posts = Vec::new();
    for row in reader.rows_of(statement).await? {
        let content_id = row.try_get_by_index(0)?;
        let post = read_post(&row, 1, content_id, selection)?;
        reader.note(CacheTag::Row("post", post.id));
        posts.push(post);
    }
    Ok(posts)
}

/// Reads the post of a filter that holds one at most.
///
/// # Errors
///
/// Those of the database.
pub async fn find_one(
    reader: &Reader,
    filter: PostFilter,
    selection: PostSelection,
) -> Result<Option<Post>> {
    let found = find_expected(reader, &filter, Expected::One, selection).await?;
    let post = found.into_iter().next();
    if post.is_none() {
        // Nothing yet: the answer changes with any post that appears.
        reader.note(CacheTag::List("post"));
    }
    Ok(post)
}

pub(super) fn check(filter: &PostFilter) -> Result<()> {
    let size = filter.size();
    if size > FILTER_SIZE {
        return Err(Error::BadArgument(format!(
            "the filter holds {size} tests; {FILTER_SIZE} are the most"
        )));
    }
    let depth = filter.depth();
    if depth > FILTER_DEPTH {
        return Err(Error::BadArgument(format!(
            "the filter is nested {depth} levels deep; {FILTER_DEPTH} are the most"
        )));
    }
    Ok(())
}

/// `WITH page AS (…)`, and what is wanted of its contents after these `columns` of the page. Only
/// the page differs from one list to the next: the rest is kept, since building it takes longer
/// than anything else here.
fn hydrate(
    page: &SelectStatement,
    columns: &'static [&'static str],
    expected: Expected,
    selection: PostSelection,
    dialect: Dialect,
) -> Statement {
    /// Clients ask for few selections; one that makes up many finds them built again.
    const KEPT: u64 = 1_000;
    type Key = (&'static [&'static str], Expected, PostSelection, Dialect);
    static HYDRATIONS: LazyLock<Cache<Key, Arc<str>>> = LazyLock::new(|| Cache::new(KEPT));
    let hydration = HYDRATIONS.get_with((columns, expected, selection, dialect), || {
        let mut rest = Query::select();
        rest.from("page");
        for column in columns {
            rest.column(("page", *column));
        }
        select_posts(&mut rest, expected, selection, dialect);
        // It holds no values of its own, so the parameters of the page keep their numbers.
        dialect.build(&rest).sql.into()
    });
    let mut statement = dialect.build(page);
    statement.sql = format!("WITH page AS MATERIALIZED ({}) {hydration}", statement.sql);
    statement
}

/// One statement for several: SQLite wants an ordered or limited part wrapped.
fn union(mut arms: Vec<SelectStatement>) -> SelectStatement {
    if arms.len() == 1 {
        return arms.remove(0);
    }
    let wrapped = arms.into_iter().map(|arm| {
        Query::select()
            .column(sea_orm::sea_query::Asterisk)
            .from_subquery(arm, "arm_page")
            .to_owned()
    });
    let mut wrapped = wrapped.collect::<Vec<_>>().into_iter();
    let mut first = wrapped.next().unwrap_or_default();
    for arm in wrapped {
        first.union(UnionType::All, arm);
    }
    first
}
