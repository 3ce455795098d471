//! Full-text search, the same on both databases.

use alphanode::domain::post::{Content, RevisionStatus};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer, note};

const SEARCH: &str = "query($query: String!, $filter: PostFilter, $first: Int, $after: String) {
    search(query: $query, filter: $filter, first: $first, after: $after) {
        totalCount pageInfo { hasNextPage endCursor }
        nodes { relevance titleHtml excerptHtml post { slug } } edges { node { post { title } } } } }";

async fn server(backend: Backend) -> Option<TestServer> {
    let server = TestServer::create(backend).await?;
    let content = |slug: &str, title: &str, body: &str, tools: &[&str]| Content {
        slug: Some(slug.to_owned()),
        title: title.to_owned(),
        summary: String::from("A note."),
        body: body.to_owned(),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        ..Content::default()
    };
    let notes = [
        content(
            "indexes",
            "Reading query plans",
            "Partial indexes keep lists small. An index is a promise.",
            &["postgres"],
        ),
        content(
            "queues",
            "A queue in the database",
            "Leases & retries, with <script>alert(1)</script> in `code`. Indexing happens later.",
            &["sqlite"],
        ),
        content(
            "title-hit",
            "Index maintenance",
            "Nothing about it here.",
            &["git"],
        ),
        content(
            "other",
            "Server components",
            "Streaming markup.",
            &["next.js"],
        ),
    ];
    let mut posts: Vec<_> = notes
        .into_iter()
        .map(|note_| note(note_, RevisionStatus::Published))
        .collect();
    posts.push(note(
        content("secret", "Index of secrets", "index index index", &[]),
        RevisionStatus::Drafted,
    ));
    server.create_posts(posts).await;
    Some(server)
}

async fn search(server: &TestServer, query: &str) -> Value {
    server.data(SEARCH, json!({ "query": query })).await["search"].clone()
}

fn slugs(found: &Value) -> Vec<&str> {
    let nodes = found["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["post"]["slug"].as_str().unwrap())
        .collect()
}

#[rstest]
#[tokio::test]
async fn words_are_found_in_any_form_best_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let found = search(&server, "index").await;
    assert_eq!(slugs(&found)[0], "title-hit", "a title counts most");
    let mut all = slugs(&found);
    all.sort_unstable();
    assert_eq!(all, ["indexes", "queues", "title-hit"], "and no draft");
    assert_eq!(found["totalCount"], 3);
    let relevances: Vec<f64> = found["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["relevance"].as_f64().unwrap())
        .collect();
    assert!(relevances.is_sorted_by(|one, next| one >= next));

    assert_eq!(
        slugs(&search(&server, "postgres plans").await),
        ["indexes"],
        "tools count too"
    );
    assert_eq!(
        slugs(&search(&server, "\"partial indexes\"").await),
        ["indexes"]
    );
    assert_eq!(
        slugs(&search(&server, "\"indexes partial\"").await),
        Vec::<&str>::new()
    );
    assert_eq!(
        slugs(&search(&server, "index -title -promise -maintenance").await),
        ["queues"]
    );
    assert_eq!(slugs(&search(&server, "next.js").await), ["other"]);
    assert_eq!(search(&server, "xyzzy").await["totalCount"], 0);
    // Words that carry little are words: without a list of them both databases find the same.
    assert_eq!(
        slugs(&search(&server, "a queue in the database").await),
        ["queues"]
    );
    assert_eq!(search(&server, "the").await["totalCount"], 1);
    assert_eq!(search(&server, "index -the").await["totalCount"], 2);
}

#[rstest]
#[tokio::test]
async fn what_matched_is_marked_and_everything_else_escaped(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let found = search(&server, "leases").await;
    let excerpt = found["nodes"][0]["excerptHtml"].as_str().unwrap();
    assert!(
        excerpt.contains("<mark>Leases</mark> &amp; retries"),
        "{excerpt}"
    );
    assert!(!excerpt.contains("<script"), "{excerpt}");
    let found = search(&server, "maintenance").await;
    assert_eq!(
        found["nodes"][0]["titleHtml"],
        "Index <mark>maintenance</mark>"
    );
}

#[rstest]
#[tokio::test]
async fn a_search_is_filtered_and_paged_like_a_list(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let filter = json!({ "tools": { "some": { "slug": { "eq": "sqlite" } } } });
    let variables = json!({ "query": "index", "filter": filter });
    let found = server.data(SEARCH, variables).await["search"].clone();
    assert_eq!(slugs(&found), ["queues"]);
    assert_eq!(found["totalCount"], 1);

    let whole = search(&server, "index").await;
    let mut paged = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "query": "index", "first": 1, "after": after });
        let page = server.data(SEARCH, variables).await["search"].clone();
        paged.extend(slugs(&page).into_iter().map(str::to_owned));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(paged, slugs(&whole));
    let answer = server.ask(SEARCH, json!({ "query": "index" })).await;
    assert_eq!(answer.statements(), 4, "ids, posts, excerpts, total");

    let contains = "query($words: String!) { posts(filter: { title: { contains: $words } }) { nodes { slug } } }";
    let data = server.data(contains, json!({ "words": "INDEX" })).await;
    assert_eq!(slugs_of_posts(&data), ["title-hit"]);
    let data = server.data(contains, json!({ "words": "promise" })).await;
    assert_eq!(slugs_of_posts(&data), Vec::<&str>::new());
}

fn slugs_of_posts(data: &Value) -> Vec<&str> {
    let nodes = data["posts"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["slug"].as_str().unwrap())
        .collect()
}

#[rstest]
#[case(r#"" OR 1=1 --"#)]
#[case("title : index")]
#[case("index* NEAR(a b, 5) ^index {title} : x")]
#[case("(((")]
#[case("a AND OR NOT b")]
#[case("'; DROP TABLE post; --")]
#[case("\u{e000}mark\u{e001} & | ! <-> :*")]
#[tokio::test]
async fn nothing_in_a_query_is_an_operator(
    #[case] query: &str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let answer = server.ask(SEARCH, json!({ "query": query })).await;
    let refused = answer.body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT";
    assert!(
        refused || answer.body.get("errors").is_none(),
        "{:#}",
        answer.body
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_query_is_answered_or_refused(query in "[\\PC\"\\- ]{0,40}") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let server = server(Backend::Sqlite).await.unwrap();
            let answer = server.ask(SEARCH, json!({ "query": query })).await;
            let refused = answer.body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT";
            assert!(refused || answer.body.get("errors").is_none(), "{query}: {:#}", answer.body);
        });
    }
}
