//! Tools, stacks and named entities.

use alphanode::domain::post::{Content, EntityName, RevisionStatus};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer, note};

async fn server(backend: Backend) -> Option<TestServer> {
    let server = TestServer::create(backend).await?;
    let content = |title: &str, tools: &[&str]| Content {
        title: title.to_owned(),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        stack: vec!["next.js".into()],
        entities: vec![
            EntityName {
                name: "cache".into(),
                kind: "area".into(),
            },
            EntityName {
                name: "cache".into(),
                kind: "problem".into(),
            },
        ],
        ..Content::default()
    };
    let posts = vec![
        note(
            content("One", &["Git", "C", "C++"]),
            RevisionStatus::Published,
        ),
        note(content("Two", &["git", "C#"]), RevisionStatus::Published),
        note(content("Three", &["git"]), RevisionStatus::Published),
        note(
            content("Secret", &["git", "secret tool"]),
            RevisionStatus::Drafted,
        ),
    ];
    server.create_posts(posts).await;
    Some(server)
}

#[rstest]
#[tokio::test]
async fn words_are_listed_with_the_posts_the_public_sees(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let query = "query($orderBy: TermOrder, $filter: ToolFilter) {
        tools(orderBy: $orderBy, filter: $filter) { totalCount nodes { name slug postCount } } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(
        data["tools"]["totalCount"], 4,
        "a tool of a draft is not in sight"
    );
    assert_eq!(
        data["tools"]["nodes"],
        json!([
            { "name": "C", "slug": "c", "postCount": 1 },
            { "name": "C#", "slug": "c-sharp", "postCount": 1 },
            { "name": "C++", "slug": "c-plus-plus", "postCount": 1 },
            { "name": "Git", "slug": "git", "postCount": 3 },
        ])
    );
    let order = json!({ "field": "POST_COUNT", "direction": "DESC" });
    let data = server.data(query, json!({ "orderBy": order })).await;
    assert_eq!(data["tools"]["nodes"][0]["name"], "Git");
    let filter = json!({ "slug": { "startsWith": "c" }, "not": { "name": { "eq": "C" } } });
    let data = server.data(query, json!({ "filter": filter })).await;
    assert_eq!(data["tools"]["totalCount"], 2);
}

#[rstest]
#[tokio::test]
async fn words_are_paged_in_both_orders(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let query = "query($orderBy: TermOrder, $first: Int, $after: String) {
        tools(orderBy: $orderBy, first: $first, after: $after) {
            nodes { name } pageInfo { hasNextPage endCursor } } }";
    for field in ["NAME", "POST_COUNT"] {
        for direction in ["ASC", "DESC"] {
            let order = json!({ "field": field, "direction": direction });
            let whole = server.data(query, json!({ "orderBy": order })).await;
            let mut paged = Vec::new();
            let mut after = Value::Null;
            loop {
                let variables = json!({ "orderBy": order, "first": 1, "after": after });
                let page = server.data(query, variables).await["tools"].clone();
                paged.push(page["nodes"][0].clone());
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(
                &json!(paged),
                &whole["tools"]["nodes"],
                "{field} {direction}"
            );
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_word_leads_to_its_posts(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = server(backend).await else {
        return;
    };
    let query = "{ tool(by: {slug: \"git\"}) { id postCount
        posts(first: 2, orderBy: {field: TITLE, direction: ASC}) { totalCount nodes { title }
            pageInfo { hasNextPage } facets(by: [TOOL]) { values { value count } } } }
        missing: tool(by: {slug: \"secret-tool\"}) { name } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(data["missing"], json!(null));
    let posts = &data["tool"]["posts"];
    assert_eq!(posts["totalCount"], 3);
    assert_eq!(
        posts["nodes"],
        json!([{ "title": "One" }, { "title": "Three" }])
    );
    assert_eq!(posts["pageInfo"]["hasNextPage"], true);
    assert_eq!(
        posts["facets"][0]["values"][0],
        json!({ "value": "git", "count": 3 })
    );

    let node = "query($id: ID!) { node(id: $id) { ... on Tool { name } } }";
    let id = data["tool"]["id"].clone();
    assert_eq!(
        server.data(node, json!({ "id": id })).await["node"]["name"],
        "Git"
    );
}

#[rstest]
#[tokio::test]
async fn an_entity_is_a_name_and_a_type(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = server(backend).await else {
        return;
    };
    let query = "{ entities(filter: {slug: {eq: \"cache\"}}) { nodes { name type postCount } }
        entity(by: {name: {type: \"problem\", slug: \"cache\"}}) { type posts { totalCount } }
        stacks { nodes { name slug posts(first: 1) { nodes { title } } } } }";
    let data = server.data(query, json!({})).await;
    assert_eq!(
        data["entities"]["nodes"],
        json!([
            { "name": "cache", "type": "area", "postCount": 3 },
            { "name": "cache", "type": "problem", "postCount": 3 },
        ])
    );
    assert_eq!(
        data["entity"],
        json!({ "type": "problem", "posts": { "totalCount": 3 } })
    );
    assert_eq!(data["stacks"]["nodes"][0]["slug"], "nextjs");
}
