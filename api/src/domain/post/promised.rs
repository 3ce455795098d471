//! The lists that `docs/queries.md` promises to be quick, however many posts there are, and whether
//! this database keeps the promise.

use super::Difficulty;
use super::filter::{PostFilter, Quantifier, TermFilter, Test, TextField};
use super::list::{PostList, list, list_statement};
use super::order::{PostOrder, PostOrderField};
use super::select::{PostField, PostSelection};
use crate::domain::error::Result;
use crate::domain::page::{Direction, PageRequest};
use crate::domain::perspective::Reader;
use crate::domain::taxonomy::{Taxonomy, Term};
use crate::foundation::plan::{Concern, Plan, Wanted, plan};

/// A list that is promised to be a range of an index.
#[derive(Clone, Debug)]
pub struct PromisedList {
    /// What `docs/queries.md` calls it.
    pub name: &'static str,
    filter: PostFilter,
    order: PostOrderField,
}

/// Tables that are small by their nature, or read for the rows of the page alone.
const SMALL_TABLES: [&str; 3] = ["tool", "stack", "named_entity"];

/// The rows of a page.
const PAGE: u32 = 20;

/// Every list that is promised to be quick, with words that the newest post uses.
///
/// # Errors
///
/// Those of the database.
pub async fn promised_lists(reader: &Reader) -> Result<Vec<PromisedList>> {
    let everything = PostFilter::All(Vec::new());
    let newest = PostList {
        filter: everything.clone(),
        order: PostOrder::default(),
    };
    let words = [PostField::Tools, PostField::Stack, PostField::Entities];
    let words = words.into_iter().collect();
    let page = list(reader, &newest, &PageRequest::first(1), words).await?;
    let post = page.rows.first().map(|(_, post)| post);
    let tool = post.and_then(|post| post.tools.first());
    let stack = post.and_then(|post| post.stack.first());
    let entity = post.and_then(|post| post.entities.first());

    let difficulty = PostFilter::Difficulty(Test::Equal(Difficulty::Beginner));
    let language = PostFilter::Text(TextField::CodeLanguage, Test::Equal("rust".into()));
    let slug = PostFilter::Text(TextField::Slug, Test::Equal("a-slug".into()));
    use PostOrderField::{PublishedAt, Quality, Title, UpdatedAt, ViewCount};
    let lists = [
        ("newest", everything.clone(), PublishedAt),
        ("last changed", everything.clone(), UpdatedAt),
        ("by title", everything.clone(), Title),
        ("most viewed", everything.clone(), ViewCount),
        ("best", everything, Quality),
        ("newest of a tool", with(Taxonomy::Tool, tool), PublishedAt),
        (
            "newest of a stack",
            with(Taxonomy::Stack, stack),
            PublishedAt,
        ),
        (
            "newest of an entity",
            with(Taxonomy::Entity, entity),
            PublishedAt,
        ),
        ("newest of a difficulty", difficulty, PublishedAt),
        ("newest of a language", language, PublishedAt),
        ("one post", slug, PublishedAt),
    ];
    let lists = lists.into_iter();
    Ok(lists
        .map(|(name, filter, order)| PromisedList {
            name,
            filter,
            order,
        })
        .collect())
}

/// The posts with this word; with one that is not there, as long as there are no posts.
fn with(taxonomy: Taxonomy, word: Option<&Term>) -> PostFilter {
    let slug = word.map_or("a-word", |word| word.slug.as_str());
    let mut tests = vec![TermFilter::Slug(Test::Equal(slug.to_owned()))];
    if taxonomy == Taxonomy::Entity {
        let kind = word.map_or("a-type", |word| word.kind.as_str());
        tests.push(TermFilter::Kind(Test::Equal(kind.to_owned())));
    }
    PostFilter::Terms(taxonomy, Quantifier::Some, TermFilter::All(tests))
}

/// The plans of a promised list: of its first page and of the one after a cursor, in both
/// directions.
///
/// # Errors
///
/// Those of the database.
pub async fn plans_of(
    reader: &Reader,
    promised: &PromisedList,
    wanted: Wanted,
) -> Result<Vec<Plan>> {
    let selection = all_but_bodies();
    let mut plans = Vec::new();
    for direction in [Direction::Descending, Direction::Ascending] {
        let promised = PostList {
            filter: promised.filter.clone(),
            order: PostOrder {
                by: promised.order,
                direction,
            },
        };
        let first = PageRequest::first(PAGE);
        let page = list(reader, &promised, &first, selection).await?;
        let last = page.rows.last();
        let next = last.map(|(cursor, _)| PageRequest {
            cursor: Some(cursor.encode()),
            ..PageRequest::first(PAGE)
        });
        for request in std::iter::once(first).chain(next) {
            let statement = list_statement(reader, &promised, &request, selection)?;
            let mut plan = plan(reader.database(), statement, wanted).await?;
            plan.concerns.retain(|concern| !is_small(concern));
            plans.push(plan);
        }
    }
    Ok(plans)
}

fn is_small(concern: &Concern) -> bool {
    matches!(concern, Concern::Scan { table, .. } if SMALL_TABLES.contains(&table.as_str()))
}

/// What a list may show of its posts.
fn all_but_bodies() -> PostSelection {
    let bodies = [
        PostField::BodyHtml,
        PostField::BodyMarkdown,
        PostField::TableOfContents,
    ];
    let fields = PostField::ALL.into_iter();
    fields.filter(|field| !bodies.contains(field)).collect()
}
