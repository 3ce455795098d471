//! Whoever reads.

use std::sync::Arc;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::history::Sighting;
use super::{Run, writers};
use crate::chaos::client::{Client, Reply};
use crate::support::perspective::id;

/// What readers ask: a post, all of them, and what a search finds.
const DOCUMENTS: [&str; 3] = [
    "query ($id: ID!) { post(by: {id: $id}) { slug title } }",
    "{ posts(first: 50) { nodes { slug title } } }",
    "{ search(query: \"revision\", first: 50) { nodes { post { slug title } } } }",
];

const PATIENCE: Duration = Duration::from_secs(5);

async fn ask(client: &Client, document: usize, variables: Value) -> Option<Reply> {
    let body = json!({ "query": DOCUMENTS[document], "variables": variables }).to_string();
    let reply = client.attempt("/graphql", "application/json", &body, PATIENCE);
    // A node that can't reach the database says so.
    reply.await.filter(|reply| reply.body["errors"].is_null())
}

/// Whether an answer comes from the cache.
fn kept(reply: &Reply) -> bool {
    let outcome = reply.headers.get("x-cache").map(|value| value.as_bytes());
    outcome.is_some_and(|outcome| outcome.starts_with(b"HIT") || outcome.starts_with(b"STALE"))
}

/// Whether a node answers from its cache.
pub(super) async fn is_kept(client: &Client) -> bool {
    let reply = ask(client, 1, json!({})).await;
    reply.is_some_and(|reply| kept(&reply))
}

/// Somebody who asks one node.
pub(super) struct Reader {
    run: Arc<Run>,
    client: Client,
    node: usize,
    random: ChaCha8Rng,
}

impl Reader {
    pub(super) fn new(run: &Arc<Run>, node: usize, number: usize) -> Self {
        Self {
            run: Arc::clone(run),
            client: Client::anonymous(run.nodes[node]),
            node,
            random: ChaCha8Rng::seed_from_u64((10 * node + number) as u64),
        }
    }

    /// Asks until the run is over.
    pub(super) async fn read(mut self) {
        while !self.run.stop.is_cancelled() {
            self.look().await;
            // Others want to do something too.
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn look(&mut self) {
        let document = self.random.random_range(0..DOCUMENTS.len());
        let post = self.random.random_range(0..self.run.posts.len());
        let variables = match document {
            0 => json!({ "id": id("Post", self.run.posts[post].post_id) }),
            _ => json!({}),
        };
        let asked = self.run.now();
        let Some(reply) = ask(&self.client, document, variables).await else {
            return;
        };
        let answered = self.run.now();
        let data = &reply.body["data"];
        let shown: Vec<&Value> = match document {
            0 => vec![&data["post"]],
            1 => data["posts"]["nodes"].as_array().unwrap().iter().collect(),
            _ => {
                let found = data["search"]["nodes"].as_array().unwrap().iter();
                found.map(|found| &found["post"]).collect()
            }
        };
        if document > 0 {
            assert_eq!(shown.len(), self.run.posts.len(), "{data:#}");
        }
        let sightings = shown.into_iter().map(|shown| Sighting {
            node: self.node,
            document,
            post: writers::post_of(shown["slug"].as_str().unwrap()),
            number: writers::number_of(shown["title"].as_str().unwrap()),
            asked,
            answered,
            kept: kept(&reply),
        });
        let mut history = self.run.history.lock().unwrap();
        history.sightings.extend(sightings);
    }
}
