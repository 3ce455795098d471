//! What the public can ask, each thing in several ways.

use serde_json::{Value, json};

/// Slugs that posts have in turns; the one that is imported has the fourth, and nobody the last.
pub(super) const SLUGS: [&str; 5] = ["one", "two", "three", "imported", "nowhere"];

/// Names that words have in turns; nobody has the last.
pub(super) const WORDS: [&str; 5] = ["axum", "tokio", "serde", "sqlx", "none"];

/// Types of entities.
pub(super) const TYPES: [&str; 2] = ["area", "problem"];

/// Everything of a post that depends on what was changed. Views and similar posts are as old as the
/// rule allows, by design, so they are left out.
const POST: &str = "
    id reference sourceId generator sourceHash slug path title summary topic bodyHtml bodyMarkdown
    tableOfContents { id level text }
    codeLanguage difficulty readingMinutes wordCount
    outline { context problem stack recommendedAction }
    brief checklist { id text tick { by at } } notes
    flags { aiGeneratedStyle hasImages imageHeavy needsHumanReview } payload
    seo {
        title description keywords alternates { canonical } robots { index follow }
        openGraph { type title description url publishedTime modifiedTime tags }
        twitter { card title description }
    }
    tools { id name slug postCount }
    stack { id name slug postCount }
    entities { id name slug type postCount }
    score { quality freshness depth clarity }
    scoreHistory { score { quality } assessor automatic comment assessedAt }
    publishedAt updatedAt createdAt
    revision {
        id number version status author message lastReviewed contentHash savedAt
        transitions { status at actor comment }
        content { title slug tools stack }
    }
    revisions { id number status }
";

/// What a list shows of each post.
const CARD: &str = "slug title difficulty publishedAt updatedAt score { quality }
    tools { name slug } stack { name } entities { name type }";

pub(super) struct Question {
    pub(super) document: String,
    pub(super) variables: Value,
}

/// Ids that questions name, whatever became of what they are of.
pub(super) struct Known {
    pub(super) posts: Vec<String>,
    pub(super) nodes: Vec<String>,
}

/// Everything there is to ask.
pub(super) fn questions(known: &Known) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut ask = |document: String, variables: Value| {
        questions.push(Question {
            document,
            variables,
        });
    };
    for slug in SLUGS {
        ask(
            format!("query ($slug: String!) {{ post(by: {{slug: $slug}}) {{ {POST} }} }}"),
            json!({ "slug": slug }),
        );
        let redirect =
            "query ($path: String!) { redirect(path: $path) { from to post { title } } }";
        ask(redirect.into(), json!({ "path": format!("/posts/{slug}") }));
    }
    for id in &known.posts {
        let post = format!("query ($id: ID!) {{ post(by: {{id: $id}}) {{ {CARD} }} }}");
        ask(post, json!({ "id": id }));
    }
    let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { id __typename
        ... on Post { title } ... on Tool { name postCount } ... on Stack { name }
        ... on Entity { name type } ... on Revision { number status } } }";
    ask(nodes.into(), json!({ "ids": known.nodes }));
    for id in &known.nodes {
        ask(
            "query ($id: ID!) { node(id: $id) { id __typename } }".into(),
            json!({ "id": id }),
        );
    }
    for order in ["PUBLISHED_AT", "UPDATED_AT", "TITLE", "QUALITY"] {
        ask(
            format!(
                "query ($order: PostOrderField!) {{
                    posts(first: 2, orderBy: {{field: $order}}) {{ nodes {{ {CARD} }} }} }}"
            ),
            json!({ "order": order }),
        );
    }
    ask(
        "{ posts(first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { cursor }
            facets(by: [TOOL, STACK, ENTITY, DIFFICULTY, CODE_LANGUAGE]) {
                by values { value label type count } } } }"
            .into(),
        json!({}),
    );
    ask(
        "{ posts(first: 1, offset: 2) { nodes { slug } } }".into(),
        json!({}),
    );
    let filters = [
        json!({ "difficulty": { "eq": "BEGINNER" } }),
        json!({ "codeLanguage": { "eq": "rust" } }),
        json!({ "score": { "quality": { "gte": 50 } } }),
        json!({ "not": { "flags": { "needsHumanReview": true } } }),
        json!({ "tools": { "none": { "slug": { "eq": "axum" } } } }),
        json!({ "title": { "startsWith": "Title 1" } }),
    ];
    for filter in filters {
        ask(filtered(), json!({ "filter": filter }));
    }
    for word in WORDS {
        let same = json!({ "some": { "slug": { "eq": word } } });
        for relation in ["tools", "stack", "entities"] {
            ask(filtered(), json!({ "filter": { relation: same } }));
        }
        ask(
            format!(
                "query ($slug: String!) {{
                    tool(by: {{slug: $slug}}) {{
                        id name slug postCount posts(first: 2) {{ totalCount nodes {{ {CARD} }} }} }}
                    stack(by: {{slug: $slug}}) {{ id name postCount }} }}"
            ),
            json!({ "slug": word }),
        );
        ask(
            "query ($text: String!) { search(query: $text) {
                totalCount nodes { post { slug title tools { name } } titleHtml excerptHtml } } }"
                .into(),
            json!({ "text": word }),
        );
        for kind in TYPES {
            let entity = "query ($type: String!, $slug: String!) {
                entity(by: {name: {type: $type, slug: $slug}}) {
                    id name slug type postCount posts(first: 2) { nodes { title } } } }";
            ask(entity.into(), json!({ "type": kind, "slug": word }));
        }
    }
    ask(
        "{ tools(orderBy: {field: POST_COUNT, direction: DESC}) { totalCount nodes { name postCount } }
           stacks { nodes { name slug postCount } } }"
            .into(),
        json!({}),
    );
    ask(
        "{ entities { totalCount nodes { name slug type postCount } } }".into(),
        json!({}),
    );
    questions
}

fn filtered() -> String {
    format!(
        "query ($filter: PostFilter) {{ posts(first: 3, filter: $filter) {{
            totalCount nodes {{ {CARD} }} }} }}"
    )
}
