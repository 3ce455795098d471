//! Every perspective, through everything that can be asked.

mod lists;
mod look_ups;
mod text;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use self::world::{CONTENTS, LIVE, World, place, reference};
use crate::support::Backend;
use crate::support::perspective::{id, see};

const EVERYTHING: &str = "query($git: ID!) {
    posts(orderBy: {field: TITLE, direction: ASC}) { totalCount nodes { slug }
        facets(by: [TOOL, DIFFICULTY]) { values { value count } } }
    newest: posts { totalCount nodes { id slug reference title seo { title } tools { name } revision { number }
        revisions { id } similarPosts(first: 10) { post { slug tools { name } } } } }
    byTool: posts(filter: {tools: {some: {slug: {eq: \"docker\"}}}}) { totalCount nodes { slug } }
    byStack: posts(filter: {stack: {some: {slug: {eq: \"docker\"}}}}, orderBy: {field: WORD_COUNT}) {
        totalCount nodes { slug } }
    without: posts(filter: {not: {tools: {some: {slug: {eq: \"docker\"}}}}}, orderBy: {field: QUALITY}) {
        totalCount nodes { slug } }
    byText: posts(filter: {title: {contains: \"cabbage\"}}) { totalCount nodes { slug } }
    dated: posts(filter: {publishedAt: {gt: \"2020-01-01T00:00:00Z\"}}) { totalCount }
    search(query: \"pumpkin\") { totalCount nodes { titleHtml post { slug title } } }
    some: search(query: \"pumpkin\", filter: {viewCount: {eq: 0}, title: {startsWith: \"B\"}}) {
        totalCount nodes { post { slug } } }
    tools(first: 100) { totalCount nodes { name postCount posts(first: 100) { totalCount nodes { slug } } } }
    stacks(first: 100) { nodes { name postCount posts(first: 100) { totalCount nodes { slug } } } }
    entities(first: 100) { nodes { name postCount posts(first: 100) { totalCount nodes { slug } } } }
    byCount: tools(first: 100, orderBy: {field: POST_COUNT}) { nodes { name } }
    git: tool(by: {slug: \"git\"}) { name }
    node(id: $git) { id ... on Tool { postCount } }
    redirect(path: \"/posts/before\") { to post { slug } }
}";

fn sorted(values: &Value, field: &str) -> BTreeSet<String> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| value.pointer(field).unwrap().as_str().unwrap().to_owned())
        .collect()
}

fn with_tool<'a>(seen: &[&'a str], tool: &str) -> BTreeSet<&'a str> {
    let slugs = seen.iter().copied();
    slugs
        .filter(|slug| CONTENTS[place(slug)].3.contains(&tool))
        .collect()
}

fn titled<'a>(seen: &[&'a str], word: &str) -> BTreeSet<&'a str> {
    let slugs = seen.iter().copied();
    slugs
        .filter(|slug| CONTENTS[place(slug)].2.contains(word))
        .collect()
}

#[rstest]
#[tokio::test]
async fn a_perspective_chooses_the_content_of_everything(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(world) = World::create(backend).await else {
        return;
    };
    let test = &world.server.test;
    let git = id("Tool", world.tool("git").await);
    for (perspective, seen) in world.perspectives().await {
        let for_editors = ["draft", "trash"].contains(&perspective.as_str());
        let data = see(test, &perspective, EVERYTHING, json!({ "git": git })).await;
        let why = format!("{perspective}: {data:#}");
        check_lists(&data, &seen, &why);
        check_words(&data, &seen, for_editors, &why);
        check_details(&data, &seen, &why);
        look_ups::check(&world, &perspective, &seen, for_editors).await;
    }
}

fn check_lists(data: &Value, seen: &[&str], why: &str) {
    let slugs = |list: &str| sorted(&data[list]["nodes"], "/slug");
    let of = |slugs: BTreeSet<&str>| slugs.into_iter().map(str::to_owned).collect();
    let in_order: Vec<Value> = seen.iter().map(|slug| json!({ "slug": slug })).collect();
    assert_eq!(data["posts"]["nodes"], json!(in_order), "{why}");
    assert_eq!(slugs("newest"), slugs("posts"), "{why}");
    for list in ["posts", "newest"] {
        assert_eq!(data[list]["totalCount"], seen.len(), "{why}");
    }
    let docker = with_tool(seen, "docker");
    let without: BTreeSet<&str> = seen
        .iter()
        .copied()
        .filter(|slug| !docker.contains(slug))
        .collect();
    assert_eq!(slugs("without"), of(without), "{why}");
    for list in ["byTool", "byStack"] {
        assert_eq!(slugs(list), of(docker.clone()), "{why}");
    }
    assert_eq!(slugs("byText"), of(titled(seen, "cabbage")), "{why}");
    for list in ["byTool", "byStack", "without", "byText"] {
        let count = data[list]["nodes"].as_array().unwrap().len();
        assert_eq!(data[list]["totalCount"], count, "{why}");
    }
    let never = usize::from(seen.contains(&"never"));
    assert_eq!(data["dated"]["totalCount"], seen.len() - never, "{why}");

    let found = titled(seen, "pumpkin");
    let hits = &data["search"]["nodes"];
    assert_eq!(data["search"]["totalCount"], found.len(), "{why}");
    for hit in hits.as_array().unwrap() {
        let title = hit["titleHtml"].as_str().unwrap();
        assert!(title.ends_with("<mark>pumpkin</mark>"), "{why}");
    }
    assert_eq!(sorted(hits, "/post/slug"), of(found), "{why}");
    let some = usize::from(seen.contains(&"new-name"));
    assert_eq!(data["some"]["totalCount"], some, "{why}");
    assert_eq!(data["some"]["nodes"].as_array().unwrap().len(), some);

    let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
    for slug in seen {
        for tool in CONTENTS[place(slug)].3 {
            *tools.entry(tool).or_default() += 1;
        }
    }
    let values = data["posts"]["facets"][0]["values"].as_array().unwrap();
    let counted = values.iter().map(|value| {
        let count = value["count"].as_u64().unwrap();
        (
            value["value"].as_str().unwrap(),
            usize::try_from(count).unwrap(),
        )
    });
    assert_eq!(counted.collect::<BTreeMap<_, _>>(), tools, "{why}");
    let levels = match with_tool(seen, "docker").len() {
        0 => json!([]),
        count => json!([{ "value": "intermediate", "count": count }]),
    };
    assert_eq!(data["posts"]["facets"][1]["values"], levels, "{why}");
}

fn check_words(data: &Value, seen: &[&str], for_editors: bool, why: &str) {
    let used = CONTENTS.iter().flat_map(|content| content.3);
    let used: BTreeSet<&str> = used
        .copied()
        .filter(|tool| for_editors || !with_tool(seen, tool).is_empty())
        .collect();
    let tools = &data["tools"];
    assert_eq!(tools["totalCount"], used.len(), "{why}");
    let names = used.iter().map(|tool| (*tool).to_owned());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(sorted(&tools["nodes"], "/name"), names, "{why}");
    for taxonomy in ["stacks", "entities"] {
        assert_eq!(data[taxonomy]["nodes"], tools["nodes"], "{why}");
    }
    assert_eq!(sorted(&data["byCount"]["nodes"], "/name"), names, "{why}");
    for tool in tools["nodes"].as_array().unwrap() {
        let posts = with_tool(seen, tool["name"].as_str().unwrap());
        assert_eq!(tool["postCount"], posts.len(), "{why}");
        assert_eq!(tool["posts"]["totalCount"], posts.len(), "{why}");
        let nested = sorted(&tool["posts"]["nodes"], "/slug");
        let posts = posts.into_iter().map(str::to_owned).collect();
        assert_eq!(nested, posts, "{why}");
    }
    let git = match used.contains("git") {
        true => json!({ "name": "git" }),
        false => json!(null),
    };
    assert_eq!(data["git"], git, "{why}");
    assert_eq!(data["node"].is_null(), git.is_null(), "{why}");
    if !git.is_null() {
        let count = with_tool(seen, "git").len();
        assert_eq!(data["node"]["postCount"], count, "{why}");
    }
}

/// What is shown of each post.
fn check_details(data: &Value, seen: &[&str], why: &str) {
    for post in data["newest"]["nodes"].as_array().unwrap() {
        let slug = post["slug"].as_str().unwrap();
        let (of, _, title, tools) = CONTENTS[place(slug)];
        assert_eq!(post["reference"], of, "{why}");
        assert_eq!(post["title"], title, "{why}");
        let tools: Vec<Value> = tools.iter().map(|tool| json!({ "name": tool })).collect();
        assert_eq!(post["tools"], json!(tools), "{why}");
        let number = 1 + i32::from(["new-name", "after"].contains(&slug));
        assert_eq!(post["revision"]["number"], number, "{why}");

        // Computed between the posts that are live in the end, all but one of which use git.
        let similar = sorted(&post["similarPosts"], "/post/slug");
        let is_similar = |other: &&&str| {
            let live = |slug: &str| LIVE.iter().find(|live| reference(live) == reference(slug));
            let share = |one: &str, other: &str| {
                let mut tools = CONTENTS[place(one)].3.iter();
                tools.any(|tool| CONTENTS[place(other)].3.contains(tool))
            };
            match (live(slug), live(other)) {
                (Some(one), Some(other)) => one != other && share(one, other),
                _ => false,
            }
        };
        let expected = seen.iter().filter(is_similar);
        let expected = expected.map(|slug| (*slug).to_owned()).collect();
        assert_eq!(similar, expected, "{slug} in {why}");
    }
    let redirect = match seen.iter().find(|slug| reference(slug) == "replaced") {
        Some(&"after") => json!({ "to": "/posts/after", "post": { "slug": "after" } }),
        _ => json!(null),
    };
    assert_eq!(data["redirect"], redirect, "{why}");
}
