//! A client that does not give up when the server is killed under it.

use std::net::SocketAddr;
use std::time::Duration;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role, Scope};
use alphanode::domain::transaction::{Store, Transaction};
use alphanode::domain::user::{self, NewUser};
use serde_json::{Value, json};

use crate::support::api_token;

/// A script with a token that may do everything.
pub(super) struct Client {
    address: SocketAddr,
    token: String,
    http: reqwest::Client,
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
            address,
            token,
            http: reqwest::Client::new(),
        }
    }

    /// Sends a request until it is answered.
    pub(super) async fn send(&self, path: &str, content_type: &str, body: &str) -> (u16, Value) {
        loop {
            let request = self
                .http
                .post(format!("http://{}{path}", self.address))
                .bearer_auth(&self.token)
                .header("content-type", content_type)
                .timeout(Duration::from_secs(60))
                .body(body.to_owned());
            if let Ok(response) = request.send().await {
                let status = response.status().as_u16();
                if let Ok(body) = response.json().await {
                    return (status, body);
                }
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
