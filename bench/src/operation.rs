//! What is asked. Each operation is a GraphQL document, and a path of the servers that bound it.

use serde_json::{Value, json};

/// Posts that `one` chooses among, so that it is not one row in a cache.
pub const SLUGS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The 20 newest posts with their score, entities and tools.
    Newest,
    /// One post by slug, with its body and all its relations.
    One,
    /// The 20 most viewed posts of a difficulty and a tool, and how many there are.
    Filter,
}

impl Operation {
    pub const ALL: [Self; 3] = [Self::Newest, Self::One, Self::Filter];

    pub fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::One => "one",
            Self::Filter => "filter",
        }
    }

    fn document(self) -> &'static str {
        match self {
            Self::Newest => {
                "query Newest { posts(first: 20) { nodes {
                    title slug summary publishedAt readingMinutes difficulty
                    score { quality freshness depth clarity }
                    entities { name type }
                    tools { name slug }
                } } }"
            }
            Self::One => {
                "query One($slug: String!) { post(by: { slug: $slug }) {
                    title slug summary topic publishedAt updatedAt readingMinutes wordCount
                    difficulty codeLanguage viewCount brief
                    bodyHtml
                    tableOfContents { id level text }
                    score { quality freshness depth clarity }
                    entities { name type }
                    tools { name slug }
                    stack { name slug }
                    outline { context problem stack recommendedAction }
                    checklist { id text }
                    flags { aiGeneratedStyle hasImages imageHeavy needsHumanReview }
                    revision { number version status author message lastReviewed savedAt contentHash }
                    notes
                    payload
                } }"
            }
            Self::Filter => {
                "query Filter($tool: String!) { posts(
                    first: 20
                    filter: {
                        difficulty: { eq: INTERMEDIATE }
                        tools: { some: { slug: { eq: $tool } } }
                    }
                    orderBy: { field: VIEW_COUNT, direction: DESC }
                ) {
                    totalCount
                    nodes {
                        title slug summary publishedAt readingMinutes difficulty viewCount
                        score { quality freshness depth clarity }
                        entities { name type }
                        tools { name slug }
                    }
                } }"
            }
        }
    }
}

/// One thing to ask.
#[derive(Clone, Debug)]
pub struct Question {
    pub operation: Operation,
    /// Its path on the servers that bound alphanode.
    pub path: String,
    variables: Value,
}

impl Question {
    pub fn newest() -> Self {
        Self {
            operation: Operation::Newest,
            path: "/newest".into(),
            variables: json!({}),
        }
    }

    pub fn one(slug: &str) -> Self {
        Self {
            operation: Operation::One,
            path: format!("/one/{slug}"),
            variables: json!({ "slug": slug }),
        }
    }

    pub fn filter(tool: &str) -> Self {
        Self {
            operation: Operation::Filter,
            path: format!("/filter/{tool}"),
            variables: json!({ "tool": tool }),
        }
    }

    /// The request as alphanode takes it.
    pub fn graphql(&self) -> Vec<u8> {
        graphql(self.operation.document(), &self.variables)
    }

    /// The request as the other servers take it.
    pub fn plain(&self) -> Vec<u8> {
        format!("GET {} HTTP/1.1\r\nhost: bench\r\n\r\n", self.path).into_bytes()
    }
}

/// A GraphQL request, ready to be sent.
pub fn graphql(document: &str, variables: &Value) -> Vec<u8> {
    graphql_as("", document, variables)
}

/// A GraphQL request with further headers, each with its line's end.
pub fn graphql_as(headers: &str, document: &str, variables: &Value) -> Vec<u8> {
    let body = json!({ "query": document, "variables": variables });
    post("/graphql", headers, &body)
}

/// A request with a JSON body.
pub fn post(path: &str, headers: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{headers}\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
