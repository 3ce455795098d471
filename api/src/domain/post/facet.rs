//! How the posts of a list are spread over their values.

use sea_orm::sea_query::{
    CommonTableExpression, Expr, Query, SelectStatement, UnionType, WithClause,
};

use super::list::{PostList, check};
use super::scope::Scope;
use crate::domain::error::Result;
use crate::domain::perspective::Reader;
use crate::domain::taxonomy::Taxonomy;
use crate::foundation::cache_tag::CacheTag;

/// The most values a facet shows.
pub const FACET_VALUES: u32 = 50;

/// What posts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FacetBy {
    /// By tool, stack or named entity.
    Terms(Taxonomy),
    /// By difficulty.
    Difficulty,
    /// By the language of the code.
    CodeLanguage,
}

/// A value and how many posts of the list have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetValue {
    /// What a filter takes: a slug, or the value itself.
    pub value: String,
    /// What people read.
    pub label: String,
    /// The type of a named entity; empty otherwise.
    pub kind: String,
    /// How many posts.
    pub count: i64,
}

/// Counts the posts of a list by each of `by`, in one statement; the commonest values first.
///
/// # Errors
///
/// A bad argument when the filter can't be used; those of the database.
pub async fn facets(
    reader: &Reader,
    list: &PostList,
    by: &[FacetBy],
) -> Result<Vec<Vec<FacetValue>>> {
    check(&list.filter)?;
    reader.note(CacheTag::List("post"));
    let mut found: Vec<Vec<FacetValue>> = by.iter().map(|_| Vec::new()).collect();
    let arms = by.iter().enumerate().map(|(number, by)| arm(number, *by));
    let Some(mut select) =
        arms.reduce(|mut first, arm| first.union(UnionType::All, arm).to_owned())
    else {
        return Ok(found);
    };
    let mut matching = Scope::of(reader).matching(&list.filter, None);
    matching.select.expr_as(matching.id, "id");
    let matching = CommonTableExpression::new()
        .query(matching.select)
        .table_name("matching")
        .materialized(true)
        .to_owned();
    select.with_cte(WithClause::new().cte(matching).to_owned());
    for row in reader.rows(&select).await? {
        let number: i32 = row.try_get_by_index(0)?;
        let value = FacetValue {
            value: row.try_get_by_index(1)?,
            label: row.try_get_by_index(2)?,
            kind: row.try_get_by_index(3)?,
            count: row.try_get_by_index(4)?,
        };
        if let Some(values) = usize::try_from(number).ok().and_then(|n| found.get_mut(n)) {
            values.push(value);
        }
    }
    for values in &mut found {
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    }
    Ok(found)
}

/// `facet, value, label, kind, count` of one facet over `matching`.
fn arm(number: usize, by: FacetBy) -> SelectStatement {
    let counted = match by {
        FacetBy::Terms(taxonomy) => format!(
            "SELECT {number} AS facet, t.slug AS value, t.name AS label, {kind} AS kind, \
             count(*) AS posts FROM matching m \
             JOIN {joins} j ON j.content_id = m.id JOIN {words} t ON t.id = j.{key} \
             GROUP BY t.id, t.slug, t.name ORDER BY posts DESC, t.slug LIMIT {FACET_VALUES}",
            kind = if taxonomy == Taxonomy::Entity {
                "t.kind"
            } else {
                "''"
            },
            joins = taxonomy.join_table(),
            words = taxonomy.table(),
            key = taxonomy.join_column(),
        ),
        FacetBy::Difficulty => by_column(number, "difficulty"),
        FacetBy::CodeLanguage => by_column(number, "code_language"),
    };
    Query::select()
        .expr(Expr::cust(format!("facet.* FROM ({counted}) AS facet")))
        .to_owned()
}

fn by_column(number: usize, column: &str) -> String {
    format!(
        "SELECT {number} AS facet, c.{column} AS value, c.{column} AS label, '' AS kind, \
         count(*) AS posts FROM matching m JOIN post_content c ON c.id = m.id \
         WHERE c.{column} IS NOT NULL GROUP BY c.{column} \
         ORDER BY posts DESC, c.{column} LIMIT {FACET_VALUES}"
    )
}
