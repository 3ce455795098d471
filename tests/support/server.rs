//! The real router over a database of its own, asked as clients ask it.

use alphanode::app::App;
use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{
    self, Content, NewPost, NewRevision, NewScore, PreparedPost, RevisionStatus, SavedPost,
};
use alphanode::domain::transaction::Transaction;
use alphanode::transfer::Document;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Backend, TestStore};

/// The real router over a database of its own.
pub struct TestServer {
    pub test: TestStore,
    pub router: Router,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The data of an answer without errors.
    pub fn data(&self) -> &Value {
        assert_eq!(self.body.get("errors"), None, "{:#}", self.body);
        &self.body["data"]
    }

    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no code in {:#}", self.body))
    }

    /// The statements it cost, as the header says.
    pub fn statements(&self) -> u32 {
        let timing = self.headers["server-timing"].to_str().unwrap();
        let description = timing.split('"').nth(1).unwrap();
        description.split(' ').next().unwrap().parse().unwrap()
    }
}

impl TestServer {
    /// `None` as [`super::TestDatabase::create`] answers it.
    pub async fn create(backend: Backend) -> Option<Self> {
        Self::create_with(backend, Config::default()).await
    }

    /// The same with other settings.
    pub async fn create_with(backend: Backend, config: Config) -> Option<Self> {
        let test = TestStore::create(backend).await?;
        let database = test.store.database.clone();
        let app = App::new(&config, database, test.store.clock.clone());
        Some(Self {
            test,
            router: app.router,
        })
    }

    /// Sends a request as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes))),
        }
    }

    /// Runs an operation.
    pub async fn ask(&self, document: &str, variables: Value) -> Answer {
        let body = json!({ "query": document, "variables": variables });
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        self.send(request).await
    }

    /// Runs an operation that must succeed.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        self.ask(document, variables).await.data().clone()
    }

    /// Creates posts that must be accepted.
    pub async fn create_posts(&self, posts: Vec<NewPost>) -> Vec<SavedPost> {
        let prepared = posts
            .into_iter()
            .map(|post| PreparedPost::new(post).unwrap().into())
            .collect();
        let mut change = Transaction::begin(&self.test.store, Actor::CommandLine, Action::Import)
            .await
            .unwrap();
        let saved = post::create(&mut change, prepared).await.unwrap();
        change.commit().await.unwrap();
        saved.into_iter().map(|saved| saved.unwrap()).collect()
    }

    /// Creates posts from the synthesizer: varied, and the same each time.
    pub async fn create_synthetic(&self, count: u64) -> Vec<Document> {
        let documents: Vec<Document> = alphanode::transfer::synth::documents(7, 0..count).collect();
        self.create_posts(documents.iter().map(new_post).collect())
            .await;
        documents
    }
}

/// A post with one revision.
pub fn note(content: Content, status: RevisionStatus) -> NewPost {
    NewPost {
        revisions: vec![NewRevision {
            content,
            status,
            ..NewRevision::default()
        }],
        ..NewPost::default()
    }
}

/// A document as a post, history and scores included.
pub fn new_post(document: &Document) -> NewPost {
    let revision =
        |content: &Content, details: &alphanode::transfer::RevisionDetails| NewRevision {
            content: content.clone(),
            version: details.version.clone(),
            status: details.status,
            last_reviewed: details.last_reviewed,
            author: details.author.clone(),
            author_id: None,
            message: details.message.clone(),
            saved_at: details.saved_at.or(document.updated_at),
        };
    let score = |score: &alphanode::transfer::Score| NewScore {
        quality: score.quality.into(),
        freshness: score.freshness.into(),
        depth: score.depth.into(),
        clarity: score.clarity.into(),
        assessor: score.assessor.clone(),
        assessed_at: score.assessed_at,
    };
    let history = document.history.iter();
    let history = history.map(|earlier| revision(&earlier.content, &earlier.revision));
    let newest = revision(&document.content, &document.revision);
    NewPost {
        reference: document.reference.clone(),
        source_id: document.source_id.clone(),
        generator: document.generator.clone(),
        source_hash: document.hash.clone(),
        view_count: document.view_count.unwrap_or(0).try_into().unwrap(),
        owner_id: None,
        published_at: document.published_at,
        created_at: document.created_at,
        redirects: document.redirects.clone(),
        scores: document
            .score_history
            .iter()
            .chain(&document.score)
            .map(score)
            .collect(),
        revisions: history.chain([newest]).collect(),
    }
}
