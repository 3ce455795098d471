//! What is asked. Each operation is a GraphQL document, and a path of the servers that bound it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

/// A header with which nothing is answered from the cache.
pub const UNCACHED: &str = "cache-control: no-cache\r\n";

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

    /// The same, to be worked out anew.
    pub fn uncached(&self) -> Vec<u8> {
        graphql_as(UNCACHED, self.operation.document(), &self.variables)
    }

    /// The request that makes the document known by its hash.
    pub fn register(&self) -> Vec<u8> {
        let body = json!({
            "query": self.operation.document(),
            "variables": self.variables,
            "extensions": extensions(self.operation.document()),
        });
        post("/graphql", "", &body)
    }

    /// The request by the hash of the document, as a content delivery network sends it, with further
    /// headers.
    pub fn by_hash(&self, headers: &str) -> Vec<u8> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("variables", &self.variables.to_string())
            .append_pair(
                "extensions",
                &extensions(self.operation.document()).to_string(),
            )
            .finish();
        format!("GET /graphql?{query} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n").into_bytes()
    }

    /// The request as the other servers take it, below a path and with further headers.
    pub fn plain(&self, below: &str, headers: &str) -> Vec<u8> {
        let path = &self.path;
        format!("GET {below}{path} HTTP/1.1\r\nhost: bench\r\n{headers}\r\n").into_bytes()
    }
}

/// Apollo's name for a document.
fn extensions(document: &str) -> Value {
    let hash = Sha256::digest(document.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
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
