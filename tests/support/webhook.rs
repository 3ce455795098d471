//! A receiver of webhooks on a port of this machine, and a server that may reach it.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alphanode::config::Config;
use alphanode::domain::permission::Role;
use alphanode::foundation::destination::Destinations;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Backend, TestServer, TestUser};

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub id: String,
    pub timestamp: String,
    pub signature: String,
    pub text: String,
    pub body: Value,
}

impl Received {
    /// The type of the event.
    pub fn event_type(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    /// Whether one of its signatures is by this secret, as another implementation tells it.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").unwrap())
            .unwrap();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.id, self.timestamp, self.text);
        self.signature.split(' ').any(|signature| {
            let signature = STANDARD.decode(signature.strip_prefix("v1,").unwrap());
            aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &signature.unwrap()).is_ok()
        })
    }
}

/// Their types.
pub fn types(received: &[Received]) -> Vec<&str> {
    received.iter().map(Received::event_type).collect()
}

/// The messages in the order of what happened: deliveries have none.
pub fn in_order(mut received: Vec<Received>) -> Vec<Received> {
    received.sort_by_key(|message| message.body["sequence"].as_i64());
    received
}

/// A list of texts as a set.
pub fn strings(value: &Value) -> BTreeSet<String> {
    let items = value.as_array().unwrap().iter();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}

/// The same of these texts.
pub fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

/// Tags without the keys of rows, which differ from test to test.
pub fn kinds(message: &Received) -> BTreeSet<String> {
    let tags = strings(&message.body["data"]["tags"]).into_iter();
    tags.map(|tag| match tag.split_once(':').unwrap() {
        ("list", noun) => format!("list:{noun}"),
        (noun, _) => noun.to_owned(),
    })
    .collect()
}

/// What a receiver answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub delay: Duration,
}

impl Reply {
    /// A status, and nothing else.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            delay: Duration::ZERO,
        }
    }

    /// The same with a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// Something that receives webhooks.
#[derive(Clone, Debug)]
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<ReceiverState>>,
}

#[derive(Debug)]
struct ReceiverState {
    received: Vec<Received>,
    next: VecDeque<Reply>,
    usual: Reply,
}

impl Receiver {
    /// One that answers 204.
    pub async fn start() -> Self {
        let state = Arc::new(Mutex::new(ReceiverState {
            received: Vec::new(),
            next: VecDeque::new(),
            usual: Reply::status(204),
        }));
        let router = Router::new()
            .fallback(receive)
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, state }
    }

    /// What it answers to the next messages.
    pub fn answer_next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state.lock().unwrap().next.extend(replies);
    }

    /// What it answers to all others.
    pub fn answer(&self, reply: Reply) {
        self.state.lock().unwrap().usual = reply;
    }

    /// What it has received since it was asked last.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.state.lock().unwrap().received)
    }
}

async fn receive(
    State(state): State<Arc<Mutex<ReceiverState>>>,
    headers: HeaderMap,
    text: String,
) -> Response<Body> {
    let header = |name: &str| {
        let value = headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or_default().to_owned()
    };
    let reply = {
        let mut state = state.lock().unwrap();
        assert_eq!(header("content-type"), "application/json");
        state.received.push(Received {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
            body: serde_json::from_str(&text).unwrap_or_default(),
            text,
        });
        let usual = state.usual.clone();
        state.next.pop_front().unwrap_or(usual)
    };
    tokio::time::sleep(reply.delay).await;
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}

/// A server that may reach this machine, an admin, and a receiver.
pub struct Hooks {
    pub server: TestServer,
    pub admin: TestUser,
    pub receiver: Receiver,
}

impl Hooks {
    /// `None` as [`super::TestDatabase::create`] answers it.
    pub async fn create(backend: Backend) -> Option<Self> {
        let allowed = vec!["127.0.0.1".to_owned()];
        let config = Config {
            webhook_allowed_hosts: allowed.clone(),
            ..Config::default()
        };
        let mut server = TestServer::create_with(backend, config).await?;
        server.test.store.destinations = Destinations::read(&allowed).unwrap();
        let admin = server.sign_in_as(Role::Admin).await;
        Some(Self {
            server,
            admin,
            receiver: Receiver::start().await,
        })
    }

    /// A payload of a mutation: all that it has, `selection` of what it is about.
    pub async fn mutate(&self, field: &str, selection: &str, input: Value) -> Value {
        let type_name = match field {
            "createWebhookEndpoint"
            | "updateWebhookEndpoint"
            | "disableWebhookEndpoint"
            | "redeliverWebhook"
            | "redeliverWebhooks" => format!("{}{}Input", field[..1].to_uppercase(), &field[1..]),
            _ => "WebhookEndpointIdInput".to_owned(),
        };
        let document = format!(
            "mutation ($input: {type_name}!) {{ {field}(input: $input) {{
                {selection} userErrors {{ code path message }} }} }}"
        );
        let answer = self
            .server
            .ask_as(&self.admin.token, &document, json!({ "input": input }))
            .await;
        answer.data()[field].clone()
    }

    /// The same of one that must succeed.
    pub async fn done(&self, field: &str, selection: &str, input: Value) -> Value {
        let payload = self.mutate(field, selection, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}");
        payload
    }

    /// The problems of one that must be refused: code and path of each.
    pub async fn problems(&self, field: &str, selection: &str, input: Value) -> Vec<String> {
        let payload = self.mutate(field, selection, input).await;
        let errors = payload["userErrors"].as_array().unwrap();
        assert!(!errors.is_empty(), "{field}: {payload:#}");
        let texts = errors.iter().map(|error| {
            let path = error["path"].as_array().unwrap().iter();
            let path: Vec<&str> = path.map(|part| part.as_str().unwrap()).collect();
            format!("{} {}", error["code"].as_str().unwrap(), path.join("."))
        });
        texts.collect()
    }

    /// Makes an endpoint at the receiver. Answers its id and its secret.
    pub async fn endpoint(&self, event_types: Value) -> (String, String) {
        let input = json!({ "url": self.receiver.url, "eventTypes": event_types });
        let selection = "webhookEndpoint { id } secret";
        let payload = self.done("createWebhookEndpoint", selection, input).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (
            text(&payload["webhookEndpoint"]["id"]),
            text(&payload["secret"]),
        )
    }

    /// Runs the jobs that are due.
    pub async fn work(&self) {
        let handlers = alphanode::jobs::handlers(&self.server.test.store);
        let mut worker = self.server.test.worker("one", handlers);
        worker.run_until_idle().await.unwrap();
    }

    /// Runs the jobs that are due, and answers what was received by that.
    pub async fn deliver(&self) -> Vec<Received> {
        self.receiver.take();
        self.work().await;
        self.receiver.take()
    }

    /// Lets time pass, for the admin too.
    pub async fn pass(&mut self, time: TimeDelta) {
        self.server.test.store.clock.advance(time);
        self.admin = self.server.sign_in_as(Role::Admin).await;
    }

    /// The deliveries that a filter lets through, the newest first.
    pub async fn deliveries(&self, filter: Value) -> Vec<Value> {
        let document = "query ($filter: WebhookDeliveryFilter) {
            webhookDeliveries(filter: $filter, first: 100) { totalCount nodes {
                id messageId sequence eventType postId status nextAttemptAt finishedAt createdAt payload
                endpoint { id url } attempts { at durationMs statusCode answer error } } } }";
        let answer = self
            .server
            .ask_as(&self.admin.token, document, json!({ "filter": filter }))
            .await;
        let page = &answer.data()["webhookDeliveries"];
        let nodes = page["nodes"].as_array().unwrap().clone();
        assert_eq!(page["totalCount"], nodes.len());
        nodes
    }

    /// An endpoint as it is.
    pub async fn find(&self, id: &str) -> Value {
        let document = "query ($id: ID!) { webhookEndpoint(id: $id) {
            id url description eventTypes enabled disabledAt disabledReason failingSince
            oldSecretUntil createdAt } }";
        let answer = self
            .server
            .ask_as(&self.admin.token, document, json!({ "id": id }))
            .await;
        answer.data()["webhookEndpoint"].clone()
    }

    /// What the log says was done to webhook endpoints, the oldest first.
    pub async fn log(&self) -> Vec<Value> {
        let document = "{ auditEvents(last: 100) { nodes { action subject actor before after } } }";
        let answer = self
            .server
            .ask_as(&self.admin.token, document, json!({}))
            .await;
        let lines = answer.data()["auditEvents"]["nodes"].as_array().unwrap();
        let lines = lines
            .iter()
            .filter(|line| line["subject"] == "webhook_endpoint");
        lines.rev().cloned().collect()
    }
}
