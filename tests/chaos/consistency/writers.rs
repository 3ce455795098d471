//! Whoever writes, and how a number is written down.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Run;
use super::history::{Origin, Publication};
use crate::chaos::client::Client;
use crate::support::perspective::id;
use crate::support::program;

const SAVE: &str = "mutation ($input: UpdatePostInput!) { updatePost(input: $input) {
    post { revision { id } } userErrors { code message } } }";

const PUBLISH: &str = "mutation ($input: PublishPostInput!) { publishPost(input: $input) {
    userErrors { code message } } }";

/// After so long without an answer the next node is asked, by the same idempotency key.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn slug(post: usize) -> String {
    format!("post-{post}")
}

pub(super) fn post_of(slug: &str) -> usize {
    slug.strip_prefix("post-").unwrap().parse().unwrap()
}

pub(super) fn title(number: u32) -> String {
    format!("Revision {number}")
}

pub(super) fn number_of(title: &str) -> u32 {
    title.strip_prefix("Revision ").unwrap().parse().unwrap()
}

/// A post as its only writer knows it.
struct Register {
    post: usize,
    id: String,
    head: String,
    number: u32,
}

/// Somebody who writes some of the posts, and nobody else does.
pub(super) struct Writer {
    run: Arc<Run>,
    clients: Vec<Client>,
    registers: Vec<Register>,
    random: ChaCha8Rng,
}

impl Writer {
    pub(super) fn new(run: &Arc<Run>, number: usize, of: usize) -> Self {
        let posts = run.posts.iter().enumerate();
        let own = posts.filter(|(post, _)| post % of == number);
        let registers = own.map(|(post, saved)| Register {
            post,
            id: id("Post", saved.post_id),
            head: id("Revision", saved.revision_id),
            number: 2,
        });
        let nodes = run.nodes.iter();
        Self {
            run: Arc::clone(run),
            clients: nodes
                .map(|node| Client::new(*node, run.token.clone()))
                .collect(),
            registers: registers.collect(),
            random: ChaCha8Rng::seed_from_u64(number as u64),
        }
    }

    /// Writes until the run is over.
    pub(super) async fn write(mut self) {
        while !self.run.stop.is_cancelled() {
            let register = self.random.random_range(0..self.registers.len());
            self.save(register).await;
            self.save(register).await;
            self.publish(register).await;
            // What is never left alone is never answered from a cache.
            let pause = self.random.random_range(0..100);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    /// The payload of a mutation; which node answered, when it was the first one that was asked.
    async fn change(&mut self, document: &str, field: &str, input: Value) -> (Value, Origin) {
        let body = json!({ "query": document, "variables": { "input": input } }).to_string();
        let mut attempts = 0;
        loop {
            let node = self.random.random_range(0..self.clients.len());
            attempts += 1;
            let reply = self.clients[node]
                .attempt("/graphql", "application/json", &body, PATIENCE)
                .await;
            // A node that was killed, or that can't reach the database.
            let Some(reply) = reply.filter(|reply| reply.body["errors"].is_null()) else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            let payload = reply.body["data"][field].clone();
            assert_eq!(payload["userErrors"], json!([]), "{:#}", reply.body);
            let origin = match attempts {
                1 => Origin::Node(node),
                _ => Origin::SomeNode,
            };
            return (payload, origin);
        }
    }

    /// Saves the next number.
    async fn save(&mut self, register: usize) {
        let Register { post, id, head, .. } = &self.registers[register];
        let number = self.registers[register].number + 1;
        let input = json!({
            "id": id,
            "basedOn": head,
            "content": { "title": title(number) },
            "idempotencyKey": format!("save {post} {number}"),
        });
        let (payload, _) = self.change(SAVE, "updatePost", input).await;
        let head = payload["post"]["revision"]["id"].as_str().unwrap();
        let register = &mut self.registers[register];
        (register.head, register.number) = (head.to_owned(), number);
    }

    /// Publishes what was saved, through a node or past all of them.
    async fn publish(&mut self, register: usize) {
        let asked = self.run.now();
        let (post, number) = (
            self.registers[register].post,
            self.registers[register].number,
        );
        let origin = if self.random.random_bool(0.1) {
            self.publish_outside(post).await;
            Origin::Outside
        } else {
            let Register { id, head, .. } = &self.registers[register];
            let key = format!("publish {post} {number}");
            let input = json!({ "id": id, "revision": head, "idempotencyKey": key });
            self.change(PUBLISH, "publishPost", input).await.1
        };
        let publication = Publication {
            post,
            number,
            origin,
            asked,
            answered: self.run.now(),
        };
        let mut history = self.run.history.lock().unwrap();
        history.publications.push(publication);
    }

    /// `alphanode publish` makes the newest revision live.
    async fn publish_outside(&self, post: usize) {
        let mut command = Command::new(program());
        command
            .args(["publish", &slug(post), "--database-url"])
            .arg(&self.run.database_url);
        let ended = tokio::task::spawn_blocking(move || command.output());
        let ended = ended.await.unwrap().unwrap();
        assert!(
            ended.status.success(),
            "{}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
}
