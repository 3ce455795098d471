//! Lists of posts: every order, pages both ways, constant cost.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer};

const PAGE: &str = "query($orderBy: PostOrder, $first: Int, $after: String, $last: Int, \
    $before: String, $offset: Int, $filter: PostFilter) {
    posts(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before,
        offset: $offset, filter: $filter) {
        totalCount
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { slug } }
        nodes { slug viewCount publishedAt updatedAt createdAt title readingMinutes wordCount
            score { quality freshness depth clarity } }
    } }";

const ORDERS: [&str; 11] = [
    "PUBLISHED_AT",
    "UPDATED_AT",
    "CREATED_AT",
    "TITLE",
    "VIEW_COUNT",
    "READING_MINUTES",
    "WORD_COUNT",
    "QUALITY",
    "FRESHNESS",
    "DEPTH",
    "CLARITY",
];

async fn page(server: &TestServer, variables: Value) -> Value {
    server.data(PAGE, variables).await["posts"].clone()
}

fn slugs(page: &Value) -> Vec<String> {
    let nodes = page["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["slug"].as_str().unwrap().to_owned())
        .collect()
}

/// The value a post is ordered by, so that values compare as they should sort.
fn sort_value(node: &Value, order: &str) -> (i64, String) {
    let score = |figure: &str| (node["score"][figure].as_i64().unwrap_or(-1), String::new());
    let number = |field: &str| (node[field].as_i64().unwrap(), String::new());
    let time = |field: &str| {
        let time = chrono::DateTime::parse_from_rfc3339(node[field].as_str().unwrap()).unwrap();
        (time.timestamp_micros(), String::new())
    };
    match order {
        "PUBLISHED_AT" => time("publishedAt"),
        "UPDATED_AT" => time("updatedAt"),
        "CREATED_AT" => time("createdAt"),
        "TITLE" => (0, node["title"].as_str().unwrap().to_owned()),
        "VIEW_COUNT" => number("viewCount"),
        "READING_MINUTES" => number("readingMinutes"),
        "WORD_COUNT" => number("wordCount"),
        "QUALITY" => score("quality"),
        "FRESHNESS" => score("freshness"),
        "DEPTH" => score("depth"),
        "CLARITY" => score("clarity"),
        other => panic!("{other}"),
    }
}

#[rstest]
#[tokio::test]
async fn every_order_sorts_and_pages_through_everything_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(60).await;
    for field in ORDERS {
        for direction in ["ASC", "DESC"] {
            let order = json!({ "field": field, "direction": direction });
            let whole = page(&server, json!({ "orderBy": order, "first": 100 })).await;
            let expected = slugs(&whole);
            let nodes = whole["nodes"].as_array().unwrap();
            assert_eq!(whole["totalCount"], nodes.len());
            assert!(nodes.len() > 40);
            let sorted = nodes.is_sorted_by(|one, next| {
                let (one, next) = (sort_value(one, field), sort_value(next, field));
                if direction == "ASC" {
                    one <= next
                } else {
                    one >= next
                }
            });
            assert!(sorted, "{field} {direction}");

            let mut forward = Vec::new();
            let mut after = Value::Null;
            loop {
                let variables = json!({ "orderBy": order, "first": 7, "after": after });
                let page = page(&server, variables).await;
                forward.extend(slugs(&page));
                assert_eq!(page["pageInfo"]["hasPreviousPage"], !after.is_null());
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(forward, expected, "{field} {direction} forward");

            let mut backward = Vec::new();
            let mut before = Value::Null;
            loop {
                let variables = json!({ "orderBy": order, "last": 7, "before": before });
                let page = page(&server, variables).await;
                backward.splice(0..0, slugs(&page));
                before = page["pageInfo"]["startCursor"].clone();
                if page["pageInfo"]["hasPreviousPage"] == false {
                    break;
                }
            }
            assert_eq!(backward, expected, "{field} {direction} backward");

            let variables = json!({ "orderBy": order, "first": 5, "offset": 11 });
            assert_eq!(slugs(&page(&server, variables).await), expected[11..16]);
        }
    }
}

#[rstest]
#[tokio::test]
async fn an_empty_page_has_no_cursors(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let empty = page(&server, json!({})).await;
    assert_eq!(
        empty["pageInfo"],
        json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null })
    );
    server.create_synthetic(3).await;
    let none = page(&server, json!({ "first": 0 })).await;
    assert_eq!(none["nodes"], json!([]));
    assert_eq!(none["pageInfo"]["hasNextPage"], true);
}

#[rstest]
#[tokio::test]
async fn a_cursor_belongs_to_its_order(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(5).await;
    let first = page(&server, json!({ "first": 1 })).await;
    let cursor = &first["pageInfo"]["endCursor"];
    let order = json!({ "field": "TITLE" });
    let answer = server
        .ask(PAGE, json!({ "after": cursor, "orderBy": order }))
        .await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("published_at") && message.contains("title"),
        "{message}"
    );
}

const LIST: &str = "query($first: Int) { posts(first: $first) { totalCount
    facets(by: [TOOL, STACK, ENTITY, DIFFICULTY, CODE_LANGUAGE]) { by values { value count } }
    nodes { title slug score { quality } tools { name } stack { name } entities { name type }
        revision { version } revisions { number transitions { status } } scoreHistory { assessedAt }
        similarPosts { reasons { name } post { title tools { name } } } } } }";

const NESTED: &str = "query($first: Int) { tools(first: $first) { totalCount nodes { name postCount
    posts(first: 3) { totalCount nodes { title tools { name } score { depth } } } } } }";

#[rstest]
#[tokio::test]
async fn a_page_costs_as_many_statements_as_a_row(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(120).await;
    let mut worker = server
        .test
        .worker("one", alphanode::jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
    for (query, expected) in [(LIST, 8), (NESTED, 5)] {
        for first in [1, 20, 50] {
            let answer = server.ask(query, json!({ "first": first })).await;
            let nodes =
                answer.data().as_object().unwrap().values().next().unwrap()["nodes"].clone();
            assert_eq!(nodes.as_array().unwrap().len(), first);
            assert_eq!(answer.statements(), expected, "{first} rows of {query}");
        }
    }
    let plain = "{ posts(first: 100) { nodes { title score { quality } entities { name } tools { name } stack { name } } } }";
    assert_eq!(server.ask(plain, json!({})).await.statements(), 1);
    let one = "{ posts(first: 1) { nodes { slug } } }";
    let slug = server.data(one, json!({})).await["posts"]["nodes"][0]["slug"].clone();
    let query = "query($slug: String!) { post(by: {slug: $slug}) { bodyHtml tableOfContents { id }
        tools { name } stack { name } entities { name } revision { version } seo { title } } }";
    assert_eq!(
        server
            .ask(query, json!({ "slug": slug }))
            .await
            .statements(),
        1
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is passed as a cursor is answered or refused, never a fault of ours.
    #[test]
    fn a_cursor_can_be_anything(text in "\\PC{0,60}", bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        use alphanode::domain::page::Cursor;
        use base64::Engine;
        let _ = Cursor::decode(&text, "title");
        let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let _ = Cursor::decode(&encoded, "title");
    }

    #[test]
    fn a_cursor_reads_back_as_it_was(row in any::<i64>(), title in "\\PC{0,40}", number in any::<i64>(), micros in -4_000_000_000_000_000_i64..4_000_000_000_000_000) {
        use alphanode::domain::page::{Cursor, SortKey};
        let time = chrono::DateTime::from_timestamp_micros(micros).unwrap();
        for key in [SortKey::Text(title), SortKey::Integer(number), SortKey::Time(time)] {
            let cursor = Cursor { order: "title".into(), key, row };
            prop_assert_eq!(Cursor::decode(&cursor.encode(), "title").unwrap(), cursor);
        }
    }
}
