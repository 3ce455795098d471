//! The real router over a database of its own, asked as clients ask it.

use std::sync::atomic::{AtomicU32, Ordering};

use alphanode::app::App;
use alphanode::cache::ResponseCache;
use alphanode::config::Config;
use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::post::{
    self, Content, NewPost, NewRevision, NewScore, PreparedPost, RevisionStatus, SavedPost,
};
use alphanode::domain::session;
use alphanode::domain::signing_key::SigningKeys;
use alphanode::domain::traffic::Traffic;
use alphanode::domain::transaction::Transaction;
use alphanode::domain::user::{self, NewUser, User};
use alphanode::domain::view::Views;
use alphanode::http::Sockets;
use alphanode::transfer::Document;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::{Backend, TestStore};

/// The real router over a database of its own.
pub struct TestServer {
    pub test: TestStore,
    pub router: Router,
    pub keys: SigningKeys,
    pub views: Views,
    pub sockets: Sockets,
    pub cache: ResponseCache,
    pub traffic: Traffic,
    keys_directory: TempDir,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct TestUser {
    pub id: i64,
    pub email: String,
    /// For [`TestServer::ask_as`]: lets requests in for a quarter of an hour of the test's clock.
    pub token: String,
    /// Renews the session.
    pub refresh_token: String,
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

    /// Its media type, without the charset, which is always the same.
    pub fn media_type(&self) -> &str {
        let media_type = self.headers["content-type"].to_str().unwrap();
        media_type.strip_suffix("; charset=utf-8").unwrap()
    }

    /// Fails unless it is what the specification of GraphQL calls a response.
    pub fn assert_well_formed(&self) {
        let media_types = ["application/graphql-response+json", "application/json"];
        assert!(media_types.contains(&self.media_type()), "{self:?}");
        let body = self.body.as_object();
        let body = body.unwrap_or_else(|| panic!("{self:?}"));
        for (name, value) in body {
            let good = match name.as_str() {
                "data" => value.is_object() || value.is_null(),
                "errors" => value.as_array().is_some_and(|errors| {
                    !errors.is_empty() && errors.iter().all(|error| error["message"].is_string())
                }),
                "extensions" => value.is_object(),
                _ => false,
            };
            assert!(good, "{name} of {self:?}");
        }
        match body.get("data") {
            Some(data) => {
                assert_eq!(self.status, StatusCode::OK, "{self:?}");
                assert!(data.is_object() || body.contains_key("errors"), "{self:?}");
            }
            None => assert!(body.contains_key("errors"), "{self:?}"),
        }
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
        let mut test = TestStore::create(backend).await?;
        let database = test.store.database.clone();
        let keys_directory = tempfile::tempdir().unwrap();
        let config = Config {
            keys_directory: keys_directory.path().join("keys"),
            ..config
        };
        let app = App::new(&config, database, test.store.clock.clone()).unwrap();
        // What a test writes past the router is a change of the same process.
        test.store.versions = app.store.versions.clone();
        Some(Self {
            test,
            router: app.router,
            keys: app.keys,
            views: app.views,
            sockets: app.sockets,
            cache: app.cache,
            traffic: app.traffic,
            keys_directory,
        })
    }

    /// Adds a user of this role, with a name and an address of their own but without a password,
    /// and signs them in.
    pub async fn sign_in_as(&self, role: Role) -> TestUser {
        let store = &self.test.store;
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::ManageUsers)
            .await
            .unwrap();
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let new = NewUser {
            email: format!("{}-{number}@example.org", role.as_str()),
            name: format!("{} {number}", role.as_str()),
            role,
        };
        let user = user::create(&mut change, new).await.unwrap();
        change.commit().await.unwrap();
        self.sign_in(user).await
    }

    /// Renews a session, as its client does before a quarter of an hour is over.
    pub async fn renew(&self, user: &TestUser) -> TestUser {
        let store = &self.test.store;
        let caller = Actor::Anonymous.into();
        let renewed = session::refresh(store, &self.keys, caller, &user.refresh_token)
            .await
            .unwrap();
        TestUser {
            token: renewed.access_token,
            refresh_token: renewed.refresh_token,
            ..user.clone()
        }
    }

    /// Where the keys are that sign tokens.
    pub fn keys_directory(&self) -> std::path::PathBuf {
        self.keys_directory.path().join("keys")
    }

    /// Begins another session of a user.
    pub async fn sign_in(&self, user: User) -> TestUser {
        let store = &self.test.store;
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::SignIn)
            .await
            .unwrap();
        let signed_in = session::begin(&mut change, &self.keys, user, None, "sign_in")
            .await
            .unwrap();
        change.commit().await.unwrap();
        TestUser {
            id: signed_in.user.id,
            email: signed_in.user.email,
            token: signed_in.access_token,
            refresh_token: signed_in.refresh_token,
        }
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
        self.ask_with(&[], document, variables).await
    }

    /// Runs an operation with a bearer token.
    pub async fn ask_as(&self, token: &str, document: &str, variables: Value) -> Answer {
        self.ask_with(
            &[("authorization", &format!("Bearer {token}"))],
            document,
            variables,
        )
        .await
    }

    /// Runs an operation with these headers.
    pub async fn ask_with(
        &self,
        headers: &[(&str, &str)],
        document: &str,
        variables: Value,
    ) -> Answer {
        let body = json!({ "query": document, "variables": variables });
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
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
