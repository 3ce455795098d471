//! Every list that `docs/queries.md` promises to be quick is a range of an index, on both
//! databases: no scan of a table, no sort of more than the page.

use alphanode::domain::page::{Direction, PageRequest};
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::{
    self, PostField, PostFilter, PostList, PostOrder, PostOrderField, PostSelection, Quantifier,
    TermFilter, Test, TextField,
};
use alphanode::domain::taxonomy::{self, Taxonomy, TermOrder};
use rstest::rstest;
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::{Value, json};

use crate::support::{Backend, TestServer};

/// The promised combinations: a name as in the docs, the filter, the order.
async fn promised(reader: &Reader) -> Vec<(&'static str, PostFilter, PostOrderField)> {
    let mut commonest = Vec::new();
    for taxonomy in [Taxonomy::Tool, Taxonomy::Stack, Taxonomy::Entity] {
        let order = TermOrder::PostCount(Direction::Descending);
        let all = TermFilter::All(Vec::new());
        let page = taxonomy::list(reader, taxonomy, &all, order, &PageRequest::first(1)).await;
        commonest.push((taxonomy, page.unwrap().rows.remove(0).1));
    }
    let all = || PostFilter::All(Vec::new());
    let of = |taxonomy| {
        let (_, word) = commonest.iter().find(|(of, _)| *of == taxonomy).unwrap();
        let slug = TermFilter::Slug(Test::Equal(word.slug.clone()));
        let term = match taxonomy {
            Taxonomy::Entity => {
                TermFilter::All(vec![slug, TermFilter::Kind(Test::Equal(word.kind.clone()))])
            }
            _ => slug,
        };
        PostFilter::All(vec![PostFilter::Terms(taxonomy, Quantifier::Some, term)])
    };
    let difficulty = post::Difficulty::Beginner;
    vec![
        ("newest", all(), PostOrderField::PublishedAt),
        ("last changed", all(), PostOrderField::UpdatedAt),
        ("by title", all(), PostOrderField::Title),
        ("most viewed", all(), PostOrderField::ViewCount),
        ("best", all(), PostOrderField::Quality),
        (
            "newest of a tool",
            of(Taxonomy::Tool),
            PostOrderField::PublishedAt,
        ),
        (
            "newest of a stack",
            of(Taxonomy::Stack),
            PostOrderField::PublishedAt,
        ),
        (
            "newest of an entity",
            of(Taxonomy::Entity),
            PostOrderField::PublishedAt,
        ),
        (
            "newest of a difficulty",
            PostFilter::Difficulty(Test::Equal(difficulty)),
            PostOrderField::PublishedAt,
        ),
        (
            "newest of a language",
            PostFilter::Text(TextField::CodeLanguage, Test::Equal("rust".into())),
            PostOrderField::PublishedAt,
        ),
        (
            "one by slug",
            PostFilter::Text(TextField::Slug, Test::Equal("a-slug".into())),
            PostOrderField::PublishedAt,
        ),
    ]
}

fn everything_of_a_list() -> PostSelection {
    let bodies = [
        PostField::BodyHtml,
        PostField::BodyMarkdown,
        PostField::TableOfContents,
    ];
    let fields = PostField::ALL.into_iter();
    fields.filter(|field| !bodies.contains(field)).collect()
}

/// Tables that are small by their nature, or read for the rows of the page alone.
const WORDS: [&str; 3] = ["tool", "stack", "named_entity"];

#[rstest]
#[tokio::test]
async fn a_promised_list_is_a_range_of_an_index(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    for start in (0..3_000).step_by(500) {
        let documents = alphanode::transfer::synth::documents(3, start..start + 500);
        let posts = documents
            .map(|document| crate::support::new_post(&document))
            .collect();
        server.create_posts(posts).await;
    }
    let database = &server.test.store.database;
    if backend == Backend::Postgres {
        database
            .writer()
            .execute_unprepared("ANALYZE")
            .await
            .unwrap();
    }
    let reader = Reader::new(database.clone(), Perspective::Published);
    for (name, filter, by) in promised(&reader).await {
        for direction in [Direction::Descending, Direction::Ascending] {
            let list = PostList {
                filter: filter.clone(),
                order: PostOrder { by, direction },
            };
            let first = PageRequest::first(20);
            let selection = everything_of_a_list();
            let page = post::list(&reader, &list, &first, selection).await.unwrap();
            let mut requests = vec![first];
            if let Some((cursor, _)) = page.rows.last() {
                requests.push(PageRequest {
                    cursor: Some(cursor.encode()),
                    ..PageRequest::first(20)
                });
            }
            for request in requests {
                let statement = post::list_statement(&reader, &list, &request, selection).unwrap();
                let plan = explain(database.reader(), backend, statement).await;
                check_plan(name, backend, &plan);
            }
        }
    }
}

async fn explain(
    connection: &sea_orm::DatabaseConnection,
    backend: Backend,
    mut statement: sea_orm::Statement,
) -> Value {
    let prefix = match backend {
        Backend::Sqlite => "EXPLAIN QUERY PLAN ",
        Backend::Postgres => "EXPLAIN (FORMAT JSON) ",
    };
    statement.sql = format!("{prefix}{}", statement.sql);
    let transaction = connection.begin().await.unwrap();
    if backend == Backend::Postgres {
        // At three thousand posts it is cheap to read a whole table or to sort all posts of a tool;
        // what is asked here is whether the plan for a large site exists.
        let large = "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off;
            SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off";
        transaction.execute_unprepared(large).await.unwrap();
    }
    let rows = transaction.query_all_raw(statement).await.unwrap();
    match backend {
        Backend::Sqlite => {
            let lines = rows
                .iter()
                .map(|row| row.try_get_by_index::<String>(3).unwrap());
            json!(lines.collect::<Vec<_>>())
        }
        Backend::Postgres => rows[0].try_get_by_index(0).unwrap(),
    }
}

fn check_plan(name: &str, backend: Backend, plan: &Value) {
    match backend {
        Backend::Sqlite => {
            for line in plan.as_array().unwrap() {
                let line = line.as_str().unwrap();
                let scans = line.starts_with("SCAN")
                    && !line.contains("USING")
                    && !line.contains("page")
                    && !line.contains("CONSTANT");
                let sorts = line.contains("TEMP B-TREE FOR ORDER BY");
                assert!(!scans && !sorts, "{name}: {line} in {plan:#}");
            }
        }
        Backend::Postgres => {
            let root = &plan[0]["Plan"];
            check_node(name, root, plan);
        }
    }
}

/// No sequential scan of a table that grows, and below the limit of the page no sort of more than
/// the ties of a key.
fn check_node(name: &str, node: &Value, plan: &Value) {
    let kind = node["Node Type"].as_str().unwrap();
    let relation = node["Relation Name"].as_str().unwrap_or_default();
    let scans = kind == "Seq Scan" && !WORDS.contains(&relation);
    assert!(!scans, "{name}: scans {relation} in {plan:#}");
    if kind == "Limit" {
        for child in node["Plans"].as_array().into_iter().flatten() {
            let sorts = child["Node Type"] == "Sort";
            assert!(!sorts, "{name}: sorts before the limit in {plan:#}");
        }
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        check_node(name, child, plan);
    }
}
