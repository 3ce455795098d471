//! Filters, held against the same question asked of the documents themselves.

use alphanode::domain::post::RevisionStatus;
use alphanode::transfer::Document;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, TestServer};

type Holds = Box<dyn Fn(&Document) -> bool>;

fn has_tool(document: &Document, name: &str) -> bool {
    document.content.tools.iter().any(|tool| tool == name)
}

fn quality(document: &Document) -> Option<u8> {
    document.score.as_ref().map(|score| score.quality)
}

fn level(document: &Document) -> Option<&'static str> {
    document
        .content
        .difficulty
        .map(|difficulty| difficulty.as_str())
}

/// Filters, and what each must mean.
fn cases(sample: &Document, tool: &str, stack: &str) -> Vec<(Value, Holds)> {
    let id_of = |document: &Document| document.source_id.clone().unwrap();
    let source_id = id_of(sample);
    let slug = sample.content.slug.clone().unwrap();
    let prefix: String = sample.content.title.chars().take(6).collect();
    let entity = sample.content.entities[0].clone();
    let (tool, stack) = (tool.to_owned(), stack.to_owned());
    let published = sample.published_at.unwrap();
    let views = i64::try_from(sample.view_count.unwrap()).unwrap();
    let language = sample.content.code_language.clone();
    let mut cases: Vec<(Value, Holds)> = Vec::new();
    let mut case = |filter: Value, holds: Holds| cases.push((filter, holds));

    case(json!({}), Box::new(|_| true));
    case(json!({ "and": [] }), Box::new(|_| true));
    case(json!({ "or": [] }), Box::new(|_| false));
    let s = slug.clone();
    case(
        json!({ "slug": { "eq": slug } }),
        Box::new(move |d| d.content.slug == Some(s.clone())),
    );
    let s = source_id.clone();
    case(
        json!({ "sourceId": { "in": [source_id, "nobody"] } }),
        Box::new(move |d| d.source_id == Some(s.clone())),
    );
    let s = source_id.clone();
    case(
        json!({ "not": { "sourceId": { "eq": source_id } } }),
        Box::new(move |d| d.source_id != Some(s.clone())),
    );
    let p = prefix.clone();
    case(
        json!({ "title": { "startsWith": prefix } }),
        Box::new(move |d| d.content.title.starts_with(&p)),
    );
    case(
        json!({ "title": { "gte": "m", "lt": "t" } }),
        Box::new(|d| d.content.title.as_str() >= "m" && d.content.title.as_str() < "t"),
    );
    case(
        json!({ "difficulty": { "eq": "INTERMEDIATE" } }),
        Box::new(|d| level(d) == Some("intermediate")),
    );
    case(
        json!({ "difficulty": { "ne": "INTERMEDIATE" } }),
        Box::new(|d| level(d) != Some("intermediate")),
    );
    case(
        json!({ "difficulty": { "in": ["BEGINNER", "ADVANCED"] } }),
        Box::new(|d| matches!(level(d), Some("beginner" | "advanced"))),
    );
    case(
        json!({ "difficulty": { "isNull": true } }),
        Box::new(|d| level(d).is_none()),
    );
    case(
        json!({ "codeLanguage": { "eq": language } }),
        Box::new(move |d| d.content.code_language == language),
    );
    case(
        json!({ "viewCount": { "gt": views } }),
        Box::new(move |d| i64::try_from(d.view_count.unwrap_or(0)).unwrap() > views),
    );
    case(
        json!({ "viewCount": { "lte": views } }),
        Box::new(move |d| i64::try_from(d.view_count.unwrap_or(0)).unwrap() <= views),
    );
    case(
        json!({ "score": { "quality": { "gte": 70 } } }),
        Box::new(|d| quality(d).is_some_and(|q| q >= 70)),
    );
    case(
        json!({ "score": { "quality": { "isNull": true } } }),
        Box::new(|d| quality(d).is_none()),
    );
    case(
        json!({ "not": { "score": { "quality": { "gte": 70 } } } }),
        Box::new(|d| quality(d).is_none_or(|q| q < 70)),
    );
    case(
        json!({ "publishedAt": { "gte": published } }),
        Box::new(move |d| d.published_at.unwrap() >= published),
    );
    case(
        json!({ "publishedAt": { "eq": published } }),
        Box::new(move |d| d.published_at.unwrap() == published),
    );
    case(
        json!({ "flags": { "needsHumanReview": true } }),
        Box::new(|d| d.content.flags.needs_human_review),
    );
    case(
        json!({ "flags": { "hasImages": false } }),
        Box::new(|d| !d.content.flags.has_images),
    );
    let t = tool.clone();
    case(
        json!({ "tools": { "some": { "name": { "eq": tool } } } }),
        Box::new(move |d| has_tool(d, &t)),
    );
    let t = tool.clone();
    case(
        json!({ "tools": { "none": { "name": { "eq": tool } } } }),
        Box::new(move |d| !has_tool(d, &t)),
    );
    let t = tool.clone();
    case(
        json!({ "tools": { "every": { "name": { "ne": tool } } } }),
        Box::new(move |d| !has_tool(d, &t)),
    );
    let t = tool.clone();
    case(
        json!({ "tools": { "some": { "slug": { "eq": alphanode::domain::slug::slug_of(&tool) } } }, "difficulty": { "eq": "BEGINNER" } }),
        Box::new(move |d| has_tool(d, &t) && level(d) == Some("beginner")),
    );
    let (t, s) = (tool.clone(), stack.clone());
    case(
        json!({ "or": [{ "tools": { "some": { "name": { "eq": tool } } } }, { "stack": { "some": { "name": { "eq": stack } } } }] }),
        Box::new(move |d| has_tool(d, &t) || d.content.stack.contains(&s)),
    );
    let s = stack.clone();
    case(
        json!({ "stack": { "some": { "name": { "eq": stack } } }, "viewCount": { "gte": 0 } }),
        Box::new(move |d| d.content.stack.contains(&s)),
    );
    let e = entity.clone();
    case(
        json!({ "entities": { "some": { "name": { "eq": entity.name }, "type": { "eq": entity.kind } } } }),
        Box::new(move |d| d.content.entities.contains(&e)),
    );
    let e = entity.clone();
    case(
        json!({ "entities": { "some": { "slug": { "eq": alphanode::domain::slug::slug_of(&entity.name) }, "type": { "eq": entity.kind } } } }),
        Box::new(move |d| d.content.entities.contains(&e)),
    );
    case(
        json!({ "entities": { "some": { "or": [{ "type": { "eq": "problem" } }, { "type": { "eq": "pattern" } }] } } }),
        Box::new(|d| {
            d.content
                .entities
                .iter()
                .any(|e| e.kind == "problem" || e.kind == "pattern")
        }),
    );
    case(
        json!({ "readingMinutes": { "gt": 3, "ne": 5 } , "generator": { "isNull": true } }),
        Box::new(|_| false),
    );
    cases
}

#[rstest]
#[tokio::test]
async fn a_filter_means_what_it_says(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let documents = server.create_synthetic(90).await;
    let live: Vec<&Document> = documents
        .iter()
        .filter(|document| document.revision.status == RevisionStatus::Published)
        .collect();
    let sample = live[3];
    let mut counts: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for tool in live.iter().flat_map(|document| &document.content.tools) {
        *counts.entry(tool).or_default() += 1;
    }
    let tool = *counts
        .iter()
        .max_by_key(|(name, count)| (**count, **name))
        .unwrap()
        .0;
    let query = "query($filter: PostFilter, $orderBy: PostOrder) {
        posts(filter: $filter, orderBy: $orderBy, first: 100) { totalCount nodes { sourceId } } }";
    let mut decisive = 0;
    for (filter, holds) in cases(sample, tool, &sample.content.stack[0]) {
        let mut expected: Vec<&str> = live
            .iter()
            .filter(|document| holds(document))
            .map(|document| document.source_id.as_deref().unwrap())
            .collect();
        expected.sort_unstable();
        decisive += usize::from(!expected.is_empty() && expected.len() < live.len());
        // By date the list may come from the index of a word, by views it never does.
        for order in ["PUBLISHED_AT", "VIEW_COUNT", "TITLE"] {
            let variables = json!({ "filter": filter, "orderBy": { "field": order } });
            let data = server.data(query, variables).await;
            let nodes = data["posts"]["nodes"].as_array().unwrap();
            let mut found: Vec<&str> = nodes
                .iter()
                .map(|node| node["sourceId"].as_str().unwrap())
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{filter} by {order}");
            assert_eq!(data["posts"]["totalCount"], expected.len(), "{filter}");
        }
    }
    assert!(
        decisive > 20,
        "most filters must tell posts apart, {decisive} do"
    );
}

#[rstest]
#[tokio::test]
async fn facets_count_what_the_list_holds(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let documents = server.create_synthetic(60).await;
    let live = documents.iter().filter(|document| {
        document.revision.status == RevisionStatus::Published && level(document) == Some("beginner")
    });
    let mut expected: std::collections::BTreeMap<&str, i64> = std::collections::BTreeMap::new();
    for tool in live.flat_map(|document| &document.content.tools) {
        *expected.entry(tool).or_default() += 1;
    }
    let query = "{ posts(filter: { difficulty: { eq: BEGINNER } }) {
        facets(by: [TOOL, DIFFICULTY, ENTITY]) { by values { value label type count } } } }";
    let data = server.data(query, json!({})).await;
    let facets = data["posts"]["facets"].as_array().unwrap();
    assert_eq!(facets[1]["values"].as_array().unwrap().len(), 1);
    assert_eq!(facets[1]["values"][0]["value"], "beginner");
    assert!(facets[2]["values"][0]["type"].is_string());
    let values = facets[0]["values"].as_array().unwrap();
    let counts: Vec<i64> = values
        .iter()
        .map(|value| value["count"].as_i64().unwrap())
        .collect();
    assert!(counts.is_sorted_by(|one, next| one >= next));
    assert_eq!(values.len(), expected.len().min(50));
    for value in values {
        let label = value["label"].as_str().unwrap();
        assert_eq!(value["count"], expected[label], "{label}");
        assert_eq!(value["type"], json!(null));
    }
}
