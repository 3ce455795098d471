//! Somebody who watches background jobs and steps in, through the API.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::transaction::Transaction;
use alphanode::queue::{Handler, NewJob};
use serde_json::{Value, json};

use super::perspective::id;
use super::{Backend, TestServer, TestUser};

/// A server, and an admin.
pub struct Operator {
    pub server: TestServer,
    pub admin: TestUser,
}

impl Operator {
    /// `None` as [`super::TestDatabase::create`] answers it.
    pub async fn create(backend: Backend) -> Option<Self> {
        let server = TestServer::create(backend).await?;
        let admin = server.sign_in_as(Role::Admin).await;
        Some(Self { server, admin })
    }

    /// Enqueues jobs from the command line, in one change, and answers their ids.
    pub async fn enqueue(&self, jobs: Vec<NewJob>) -> Vec<String> {
        let count = jobs.len();
        let store = &self.server.test.store;
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::Import)
            .await
            .unwrap();
        for job in jobs {
            change.enqueue(job);
        }
        change.commit().await.unwrap();
        let all = crate::queue::jobs(&self.server.test).await;
        let newest = all.iter().rev().take(count).rev();
        newest.map(|job| id("Job", job.id)).collect()
    }

    /// Runs what is due with these handlers, and answers how many attempts that took.
    pub async fn work(&self, handlers: Vec<Handler>) -> usize {
        let mut worker = self.server.test.worker("one", handlers);
        worker.run_until_idle().await.unwrap()
    }

    /// Runs an operation that must succeed.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let answer = self.server.ask_as(&self.admin.token, document, variables);
        answer.await.data().clone()
    }

    /// The payload of a mutation, of which `wanted` is selected.
    pub async fn change(&self, field: &str, input: Value, wanted: &str) -> Value {
        let name = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
        let document = format!(
            "mutation($input: {name}!) {{ {field}(input: $input) {{
                {wanted} userErrors {{ code path message }} }} }}"
        );
        let data = self.data(&document, json!({ "input": input })).await;
        data[field].clone()
    }

    /// The code, the path and the message of the one problem of a mutation that is refused.
    pub async fn problem(&self, field: &str, input: Value) -> (String, String, String) {
        let payload = self.change(field, input, "__typename").await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{payload:#}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&errors[0]["code"]),
            text(&errors[0]["path"][0]),
            text(&errors[0]["message"]),
        )
    }

    /// The actions that the audit log has for a subject, the newest first.
    pub async fn audited(&self, subject: &str) -> Vec<String> {
        let query =
            "query($id: ID!) { auditEvents(filter: { subject: $id }) { nodes { action } } }";
        let data = self.data(query, json!({ "id": subject })).await;
        let events = data["auditEvents"]["nodes"].as_array().unwrap().iter();
        events
            .map(|event| event["action"].as_str().unwrap().to_owned())
            .collect()
    }
}
