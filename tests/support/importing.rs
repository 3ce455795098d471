//! Imports and exports through the API, as scripts do them.

use std::time::Duration;

use alphanode::domain::permission::{Role, Scope};
use alphanode::jobs;
use alphanode::transfer::Document;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Answer, TestServer, api_token};

/// What a test asks of an import.
pub const RUN: &str = "id number source format status publish overwrite dryRun background failure
    startedBy user { id } startedAt finishedAt
    counts { documents created updated skipped conflicted failed published }
    progress { done total estimatedFinish } revertCounts { trashed restored kept }";

/// What a test asks of a document of an import.
pub const DOCUMENT: &str = "number path line outcome published message inferred postId
    revert { outcome message }";

/// A script with the token of an editor that may import.
pub struct Script<'server> {
    pub server: &'server TestServer,
    pub token: String,
}

impl<'server> Script<'server> {
    pub async fn new(server: &'server TestServer) -> Self {
        Self {
            server,
            token: token(server, Role::Editor, &[Scope::Import, Scope::ReadDrafts]).await,
        }
    }

    /// Sends a body to `POST /imports`.
    pub async fn send(&self, query: &str, body: impl Into<Body>) -> Answer {
        send_as(self.server, Some(&self.token), query, body.into()).await
    }

    /// Uploads a file that must be accepted, and answers the id of the import.
    pub async fn upload(&self, query: &str, body: impl Into<Body>) -> String {
        let answer = self.send(query, body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{:#}", answer.body);
        assert_eq!(answer.body["importRun"]["status"], "WAITING");
        answer.body["importRun"]["id"].as_str().unwrap().to_owned()
    }

    /// Uploads a file and lets a worker import it.
    pub async fn import(&self, query: &str, body: impl Into<Body>) -> Value {
        let id = self.upload(query, body).await;
        self.work().await;
        self.run(&id).await
    }

    /// Does all the jobs there are.
    pub async fn work(&self) {
        let store = &self.server.test.store;
        let mut worker = self.server.test.worker("one", jobs::handlers(store));
        worker.run_until_idle().await.unwrap();
    }

    /// Does all the jobs there are, by workers that are killed again and again until one is not. The
    /// whole work takes about as long as `whole` says.
    pub async fn work_and_be_killed(&self, seed: u64, whole: Duration) {
        const KILLS: usize = 6;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let store = &self.server.test.store;
        for number in 0..KILLS {
            let name = format!("killed {number}");
            let mut worker = self.server.test.worker(&name, jobs::handlers(store));
            let working = tokio::spawn(async move { worker.run_until_idle().await });
            tokio::time::sleep(whole.mul_f64(random.random_range(0.0..0.6))).await;
            working.abort();
            let _ = working.await;
            // Whoever was killed loses its lease.
            store.clock.advance(TimeDelta::minutes(2));
        }
        store.clock.advance(TimeDelta::hours(1));
        self.work().await;
    }

    pub async fn ask(&self, document: &str, variables: Value) -> Answer {
        let headers = [
            ("authorization", format!("Bearer {}", self.token)),
            ("x-alphanode-perspective", "draft".to_owned()),
        ];
        let headers = headers.each_ref().map(|(name, value)| (*name, &**value));
        // Mutations have no perspective.
        let headers = match document.trim_start().starts_with("mutation") {
            true => &headers[..1],
            false => &headers[..],
        };
        self.server.ask_with(headers, document, variables).await
    }

    /// An import as it stands.
    pub async fn run(&self, id: &str) -> Value {
        let query = format!("query ($id: ID!) {{ importRun(id: $id) {{ {RUN} }} }}");
        let answer = self.ask(&query, json!({ "id": id })).await;
        answer.data()["importRun"].clone()
    }

    /// The whole report of an import; `wanted` is what is asked of each document.
    pub async fn report(&self, id: &str, arguments: &str, wanted: &str) -> Vec<Value> {
        let query = format!(
            "query ($id: ID!, $after: String) {{ importRun(id: $id) {{
                documents(first: 100, after: $after {arguments}) {{
                    totalCount nodes {{ {wanted} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let (mut after, mut found) = (Value::Null, Vec::new());
        loop {
            let variables = json!({ "id": id, "after": after });
            let answer = self.ask(&query, variables).await;
            let page = answer.data()["importRun"]["documents"].clone();
            found.extend(page["nodes"].as_array().unwrap().clone());
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                assert_eq!(page["totalCount"], json!(found.len()));
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }

    /// Steps in with an import: the payload.
    pub async fn step_in(&self, field: &str, id: &str) -> Value {
        let document = format!(
            "mutation ($id: ID!) {{ {field}(input: {{ id: $id }}) {{
                importRun {{ {RUN} }} userErrors {{ code path message }} }} }}"
        );
        let answer = self.ask(&document, json!({ "id": id })).await;
        answer.data()[field].clone()
    }

    /// Steps in, which must succeed.
    pub async fn done(&self, field: &str, id: &str) -> Value {
        let payload = self.step_in(field, id).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}");
        payload["importRun"].clone()
    }

    /// The message of a refusal.
    pub async fn refused(&self, field: &str, id: &str) -> String {
        let payload = self.step_in(field, id).await;
        assert_eq!(payload["importRun"], Value::Null, "{payload:#}");
        let error = &payload["userErrors"][0];
        assert_eq!(error["path"], json!(["id"]));
        error["message"].as_str().unwrap().to_owned()
    }

    /// Takes an import back, all the way.
    pub async fn revert(&self, id: &str) -> Value {
        let reverting = self.done("revertImport", id).await;
        assert_eq!(reverting["status"], "REVERTING");
        self.work().await;
        self.run(id).await
    }
}

/// A token of a user with this role.
pub async fn token(server: &TestServer, role: Role, scopes: &[Scope]) -> String {
    let user = server.sign_in_as(role).await;
    api_token(&server.test.store, user.id, scopes).await
}

/// Sends a body to `POST /imports`.
pub async fn send_as(server: &TestServer, token: Option<&str>, query: &str, body: Body) -> Answer {
    let mut request = Request::post(format!("/imports{query}"));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    server.send(request.body(body).unwrap()).await
}

/// Documents as NDJSON.
pub fn ndjson(documents: &[Document]) -> String {
    let lines = documents.iter().map(|document| {
        let mut line = serde_json::to_string(document).unwrap();
        line.push('\n');
        line
    });
    lines.collect()
}

/// The counts of an import: created, updated, skipped, in conflict, failed, published.
pub fn counts(run: &Value) -> [i64; 6] {
    let fields = [
        "created",
        "updated",
        "skipped",
        "conflicted",
        "failed",
        "published",
    ];
    fields.map(|field| run["counts"][field].as_i64().unwrap())
}
