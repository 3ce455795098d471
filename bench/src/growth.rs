//! Growth: what is promised to stay quick (docs/queries.md) is asked of a small database and of a
//! large one in turns, one request after the other, past the cache.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use memchr::memmem;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::Connection;
use crate::load::{Database, Kind, SEED, connect, load};
use crate::operation::{Question, UNCACHED, graphql_as};
use crate::process::Server;
use crate::start::median;
use crate::{Arguments, Result, say};

/// Posts that `one post` chooses among.
const SLUGS: usize = 200;

/// A turn is no longer: there are many, and what is slow need not be asked for often.
const LONGEST_TURN: Duration = Duration::from_millis(500);

/// Posts of a page.
const ROWS: usize = 20;

/// The page of a list as the site shows it.
const PAGE: &str = "query Page($filter: PostFilter, $order: PostOrder, $after: String) {
    posts(first: 20, filter: $filter, orderBy: $order, after: $after) {
        pageInfo { endCursor }
        nodes {
            title slug summary publishedAt readingMinutes difficulty
            score { quality freshness depth clarity }
            entities { name type }
            tools { name slug }
        }
    } }";

/// What either database takes for something.
#[derive(Clone, Debug, Serialize)]
pub struct Growth {
    pub database: Kind,
    pub small: u64,
    pub large: u64,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub name: String,
    /// Whether it must stay quick.
    pub promised: bool,
    /// Medians in milliseconds; absent where the answer was that it takes too long.
    pub small_ms: Option<f64>,
    pub large_ms: Option<f64>,
}

impl Row {
    /// What the large database takes, in terms of the small one.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.large_ms? / self.small_ms?)
    }
}

/// Something to ask, of either database.
struct Query {
    name: String,
    promised: bool,
    /// Any of these, by the size of the database.
    requests: [Vec<Vec<u8>>; 2],
}

pub async fn measure(database: &Database, arguments: &Arguments) -> Result<Growth> {
    let (small, _) = load(database, arguments.small, arguments).await?;
    let (large, _) = load(database, arguments.posts, arguments).await?;
    let servers = [
        Server::alphanode(&small, &arguments.folder)?,
        Server::alphanode(&large, &arguments.folder)?,
    ];
    let mut connections = [
        servers[0].first_connection().await?,
        servers[1].first_connection().await?,
    ];
    let queries = queries([&small, &large], &mut connections).await?;
    let mut rows = Vec::new();
    for query in queries {
        say(&query.name);
        let mut medians = [Vec::new(), Vec::new()];
        // The first turn warms up and does not count.
        for turn in 0..=arguments.rounds {
            for (size, connection) in connections.iter_mut().enumerate() {
                let measured = turn_of(connection, &query.requests[size], arguments).await?;
                if turn > 0 {
                    medians[size].push(measured);
                }
            }
        }
        let [small_ms, large_ms] = medians.map(|turns| {
            let turns: Option<Vec<f64>> = turns.into_iter().collect();
            turns.map(median)
        });
        rows.push(Row {
            name: query.name,
            promised: query.promised,
            small_ms,
            large_ms,
        });
    }
    Ok(Growth {
        database: database.kind,
        small: arguments.small,
        large: arguments.posts,
        rows,
    })
}

/// The median of some answers in milliseconds; `None` when one of them took too long for the server.
async fn turn_of(
    connection: &mut Connection,
    requests: &[Vec<u8>],
    arguments: &Arguments,
) -> Result<Option<f64>> {
    let turn = Duration::from_secs_f64(arguments.seconds).min(LONGEST_TURN);
    let mut latencies = Histogram::<u64>::new_with_max(60_000_000, 3)?;
    let started = Instant::now();
    for request in requests.iter().cycle() {
        let asked = Instant::now();
        let answer = connection.ask(request).await?;
        let took = asked.elapsed();
        if memmem::find(answer, b"QUERY_TOO_SLOW").is_some() {
            return Ok(None);
        }
        if memmem::find(answer, b"\"errors\"").is_some() {
            return Err(String::from_utf8_lossy(answer).into());
        }
        latencies.saturating_record(took.as_micros() as u64);
        if started.elapsed() >= turn {
            break;
        }
    }
    Ok(Some(latencies.value_at_quantile(0.5) as f64 / 1_000.0))
}

fn request(document: &str, variables: &Value) -> Vec<u8> {
    graphql_as(UNCACHED, document, variables)
}

/// The lists of docs/queries.md, each from its beginning and from a cursor far inside; one post; and
/// what is not promised.
async fn queries(
    databases: [&Database; 2],
    connections: &mut [Connection; 2],
) -> Result<Vec<Query>> {
    let small = connect(&databases[0].url).await?;
    let common = async |sql: &str| texts(&small, sql).await;
    let tool = common(
        "SELECT t.slug FROM tool t JOIN post_content_tool j ON j.tool_id = t.id
         WHERE j.published_at IS NOT NULL GROUP BY t.slug ORDER BY COUNT(*) DESC, t.slug LIMIT 1",
    )
    .await?;
    let stack = common(
        "SELECT t.slug FROM stack t JOIN post_content_stack j ON j.stack_id = t.id
         WHERE j.published_at IS NOT NULL GROUP BY t.slug ORDER BY COUNT(*) DESC, t.slug LIMIT 1",
    )
    .await?;
    let entity = common(
        "SELECT t.kind || ' ' || t.slug FROM named_entity t
         JOIN post_content_entity j ON j.named_entity_id = t.id WHERE j.published_at IS NOT NULL
         GROUP BY t.kind, t.slug ORDER BY COUNT(*) DESC, t.kind, t.slug LIMIT 1",
    )
    .await?;
    let language = common(
        "SELECT code_language FROM post_content
         WHERE published_at IS NOT NULL AND code_language IS NOT NULL
         GROUP BY code_language ORDER BY COUNT(*) DESC, code_language LIMIT 1",
    )
    .await?;
    small.close().await?;
    let first = |found: Vec<String>| found.into_iter().next().ok_or("there are no posts");
    let (tool, stack, entity) = (first(tool)?, first(stack)?, first(entity)?);
    let (kind, entity) = entity.split_once(' ').ok_or("no type")?;
    let some = |filter: Value| json!({ "some": filter });
    let none = json!(null);
    let lists = [
        ("newest", none.clone(), "PUBLISHED_AT"),
        ("last changed", none.clone(), "UPDATED_AT"),
        ("by title", none.clone(), "TITLE"),
        ("most viewed", none.clone(), "VIEW_COUNT"),
        ("best", none, "QUALITY"),
        (
            "newest of a tool",
            json!({ "tools": some(json!({ "slug": { "eq": tool } })) }),
            "PUBLISHED_AT",
        ),
        (
            "newest of a stack",
            json!({ "stack": some(json!({ "slug": { "eq": stack } })) }),
            "PUBLISHED_AT",
        ),
        (
            "newest of an entity",
            json!({ "entities": some(json!({ "type": { "eq": kind }, "slug": { "eq": entity } })) }),
            "PUBLISHED_AT",
        ),
        (
            "newest of a difficulty",
            json!({ "difficulty": { "eq": "INTERMEDIATE" } }),
            "PUBLISHED_AT",
        ),
        (
            "newest of a language",
            json!({ "codeLanguage": { "eq": first(language)? } }),
            "PUBLISHED_AT",
        ),
    ];
    let mut queries = Vec::new();
    for (name, filter, field) in &lists {
        let mut variables = json!({ "filter": filter, "order": { "field": field } });
        queries.push(Query {
            name: (*name).to_owned(),
            promised: true,
            requests: [(); 2].map(|()| vec![request(PAGE, &variables)]),
        });
        let mut requests = [Vec::new(), Vec::new()];
        for (connection, requests) in connections.iter_mut().zip(&mut requests) {
            variables["after"] = cursor(connection, &variables).await?;
            requests.push(request(PAGE, &variables));
        }
        queries.push(Query {
            name: format!("{name}, after a cursor"),
            promised: true,
            requests,
        });
    }
    queries.push(Query {
        name: "one post".into(),
        promised: true,
        requests: [slugs(databases[0]).await?, slugs(databases[1]).await?],
    });
    let beside = [
        ("total of all", "{ posts { totalCount } }", json!({})),
        (
            "total of a tool and a difficulty",
            "query ($filter: PostFilter) { posts(filter: $filter) { totalCount } }",
            json!({ "filter": {
                "tools": some(json!({ "slug": { "eq": tool } })),
                "difficulty": { "eq": "INTERMEDIATE" },
            } }),
        ),
        (
            "offset 10,000",
            "{ posts(first: 20, offset: 9980) { nodes { title slug } } }",
            json!({}),
        ),
        (
            "facets of all",
            "{ posts { facets(by: [TOOL, STACK, ENTITY, DIFFICULTY, CODE_LANGUAGE]) {
                values { value count } } } }",
            json!({}),
        ),
        (
            "facets of a stack",
            "query ($filter: PostFilter) { posts(filter: $filter) {
                facets(by: [TOOL, DIFFICULTY]) { values { value count } } } }",
            json!({ "filter": { "stack": some(json!({ "slug": { "eq": stack } })) } }),
        ),
        (
            "search for a word",
            "query ($text: String!) { search(query: $text, first: 20) {
                nodes { post { title slug } excerptHtml } } }",
            json!({ "text": tool }),
        ),
        (
            "search for a word, with its total",
            "query ($text: String!) { search(query: $text, first: 20) {
                totalCount nodes { post { title slug } excerptHtml } } }",
            json!({ "text": tool }),
        ),
    ];
    queries.extend(beside.map(|(name, document, variables)| Query {
        name: name.to_owned(),
        promised: false,
        requests: [(); 2].map(|()| vec![request(document, &variables)]),
    }));
    Ok(queries)
}

/// A cursor some pages into a list, or as far as whole pages go on after it.
async fn cursor(connection: &mut Connection, variables: &Value) -> Result<Value> {
    const PAGES: usize = 5;
    let mut variables = variables.clone();
    let mut cursors = vec![json!(null)];
    for _ in 0..=PAGES {
        variables["after"] = json!(cursors.last());
        let answer = connection.ask(&request(PAGE, &variables)).await?;
        let mut answer: Value = serde_json::from_slice(answer)?;
        let posts = &mut answer["data"]["posts"];
        let nodes = posts["nodes"].as_array().map_or(0, Vec::len);
        if nodes < ROWS {
            break;
        }
        cursors.push(posts["pageInfo"]["endCursor"].take());
    }
    // A page was read after all of them but the last.
    match cursors.len() {
        ..3 => Err(format!("the list {variables} is shorter than two pages: more posts").into()),
        found => Ok(cursors.swap_remove(found - 2)),
    }
}

/// Requests for single posts all over a database.
async fn slugs(database: &Database) -> Result<Vec<Vec<u8>>> {
    let connection = connect(&database.url).await?;
    let sql = "SELECT slug FROM post_content WHERE published_at IS NOT NULL ORDER BY slug";
    let slugs = texts(&connection, sql).await?;
    connection.close().await?;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let slugs = slugs.sample(&mut random, SLUGS);
    Ok(slugs.map(|slug| Question::one(slug).uncached()).collect())
}

async fn texts(connection: &DatabaseConnection, sql: &str) -> Result<Vec<String>> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await?;
    let texts = rows.iter().map(|row| row.try_get_by_index(0));
    Ok(texts.collect::<std::result::Result<_, _>>()?)
}
