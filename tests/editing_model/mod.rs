//! Whatever editors do, in whatever order: the public sees what was published and nothing else,
//! nothing that was saved is lost, and the past stays as it was.

mod concurrent;
mod sequential;

use std::collections::{BTreeMap, HashMap};

use alphanode::jobs;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::support::{TestServer, TestUser};

/// What a revision says, so that it can be told from every other one: the same number in its title,
/// its body and its tool.
pub fn saying(number: usize) -> Value {
    json!({
        "title": format!("Title {number}"),
        "body": format!("Body {number}"),
        "tools": [format!("tool {number}")],
    })
}

/// The number of what a post says; it must be one and the same in all that it says.
fn number_of(post: &Value) -> usize {
    let title = post["title"].as_str().unwrap();
    let number: usize = title.strip_prefix("Title ").unwrap().parse().unwrap();
    assert_eq!(post["bodyMarkdown"], format!("Body {number}"));
    assert_eq!(post["tools"], json!([{ "name": format!("tool {number}") }]));
    number
}

/// What is in sight: of each post, the number of what it says.
pub type Sight = BTreeMap<String, usize>;

/// What a perspective shows; what the public sees when none is named.
pub async fn look(server: &TestServer, as_seen: Option<(&TestUser, &str)>) -> Sight {
    let document =
        "{ posts(first: 100) { totalCount nodes { id title bodyMarkdown tools { name } } } }";
    let authorization = as_seen.map(|(user, _)| format!("Bearer {}", user.token));
    let mut headers = Vec::new();
    if let (Some(authorization), Some((_, perspective))) = (&authorization, as_seen) {
        headers.push(("authorization", authorization.as_str()));
        headers.push(("x-alphanode-perspective", perspective));
    }
    let answer = server.ask_with(&headers, document, json!({})).await;
    let nodes = answer.data()["posts"]["nodes"].as_array().unwrap();
    let sight: Sight = nodes
        .iter()
        .map(|post| (post["id"].as_str().unwrap().to_owned(), number_of(post)))
        .collect();
    assert_eq!(sight.len(), nodes.len(), "a post is shown twice");
    sight
}

/// Runs every job that is due, as a worker of this name.
pub async fn work(server: &TestServer, name: &str) {
    let store = &server.test.store;
    let mut worker = server.test.worker(name, jobs::handlers(store));
    worker.run_until_idle().await.unwrap();
}

/// Every revision that was saved says what it said, and the rows of the database agree.
pub async fn check(server: &TestServer, editor: &TestUser, saved: &HashMap<String, usize>) {
    let document = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Revision { id content { title body tools } } } }";
    let ids: Vec<&String> = saved.keys().collect();
    for ids in ids.chunks(50) {
        let headers = [
            ("authorization", &*format!("Bearer {}", editor.token)),
            ("x-alphanode-perspective", "draft"),
        ];
        let answer = server
            .ask_with(&headers, document, json!({ "ids": ids }))
            .await;
        for (id, found) in ids.iter().zip(answer.data()["nodes"].as_array().unwrap()) {
            assert_eq!(found["content"], saying(saved[*id]), "{found:#}");
        }
    }
    let reader = server.test.store.database.reader();
    let joins = [
        "post_content_tool",
        "post_content_stack",
        "post_content_entity",
    ];
    let mut doubtful = vec![
        "SELECT COUNT(*) FROM post_content c LEFT JOIN post p ON p.live_content = c.id
         WHERE (c.published_at IS NOT NULL) <> (p.id IS NOT NULL)"
            .to_owned(),
        "SELECT COUNT(*) FROM post p LEFT JOIN publication u
         ON u.post_id = p.id AND u.published_until IS NULL
         WHERE (p.live_content IS NULL) <> (u.id IS NULL) OR p.live_content <> u.content_id"
            .to_owned(),
        "SELECT COUNT(*) FROM post p LEFT JOIN post_content c ON c.id = p.head_content
         WHERE c.post_id IS NULL OR c.post_id <> p.id"
            .to_owned(),
        "SELECT COUNT(*) FROM publication a JOIN publication b
         ON a.post_id = b.post_id AND a.id < b.id
         WHERE a.published_until IS NULL OR a.published_until > b.published_from"
            .to_owned(),
    ];
    for join in joins {
        doubtful.push(format!(
            "SELECT COUNT(*) FROM {join} j LEFT JOIN post_content c ON c.id = j.content_id
             WHERE c.id IS NULL OR (c.published_at IS NULL) <> (j.published_at IS NULL)"
        ));
    }
    for sql in doubtful {
        let statement = Statement::from_string(reader.get_database_backend(), sql.clone());
        let row = reader.query_one_raw(statement).await.unwrap().unwrap();
        let count: i64 = row.try_get_by_index(0).unwrap();
        assert_eq!(count, 0, "{sql}");
    }
}
