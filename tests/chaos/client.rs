//! A client that does not give up when the server is killed under it.

use std::net::SocketAddr;
use std::time::Duration;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role, Scope};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::domain::user::{self, NewUser};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::api_token;

/// Whoever asks a node: a script with a token that may do everything, or anybody.
pub(super) struct Client {
    address: SocketAddr,
    token: Option<String>,
    http: reqwest::Client,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

/// A token of an admin with every scope.
pub(super) async fn token(store: &Store) -> String {
    let mut change = Transaction::begin(store, Actor::CommandLine, Action::ManageUsers)
        .await
        .unwrap();
    let new = NewUser {
        email: "ann@example.org".into(),
        name: "Ann".into(),
        role: Role::Admin,
    };
    let user = user::create(&mut change, new).await.unwrap();
    change.commit().await.unwrap();
    api_token(store, user.id, &Scope::ALL).await
}

impl Client {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        Self {
            token: Some(token),
            ..Self::anonymous(address)
        }
    }

    /// Without a token.
    pub(super) fn anonymous(address: SocketAddr) -> Self {
        Self {
            address,
            token: None,
            http: reqwest::Client::new(),
        }
    }

    /// Sends a request once. `None` when no whole answer came within `patience`.
    pub(super) async fn attempt(
        &self,
        path: &str,
        content_type: &str,
        body: &str,
        patience: Duration,
    ) -> Option<Reply> {
        let mut request = self
            .http
            .post(format!("http://{}{path}", self.address))
            .header("content-type", content_type)
            .timeout(patience)
            .body(body.to_owned());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.ok()?;
        Some(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.json().await.ok()?,
        })
    }

    /// Sends a request until it is answered.
    pub(super) async fn send(&self, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        let patience = Duration::from_secs(60);
        loop {
            if let Some(reply) = self.attempt(path, content_type, body, patience).await {
                return (reply.status, reply.body);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The data of an operation without errors; one that the server's end cut off is sent again.
    pub(super) async fn ask(&self, document: &str, variables: Value) -> Value {
        let body = json!({ "query": document, "variables": variables }).to_string();
        let (_, answer) = self.send("/graphql", "application/json", &body).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].clone()
    }
}
