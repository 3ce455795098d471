//! One change after the other, against a model of what the public must see.

use std::collections::HashMap;

use alphanode::domain::permission::Role;
use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Sight, check, look, saying, work};
use crate::support::editing::{Written, mutate};
use crate::support::{Backend, TestServer, TestUser};

const STEPS: usize = 70;

/// A post, as far as the model knows it.
struct Post {
    written: Written,
    /// What each of its revisions says.
    revisions: Vec<(String, usize)>,
    live: Option<usize>,
    trashed: bool,
    /// When which revision goes live.
    plan: Option<(DateTime<Utc>, usize)>,
}

/// A release that has shipped: of each post, what it showed before and by the release.
struct Shipped {
    id: String,
    items: Vec<(usize, Option<usize>, Option<usize>)>,
}

struct Model {
    server: TestServer,
    editors: Vec<TestUser>,
    random: ChaCha8Rng,
    posts: Vec<Post>,
    shipped: Vec<Shipped>,
    saved: HashMap<String, usize>,
    said: usize,
}

impl Model {
    fn now(&self) -> DateTime<Utc> {
        self.server.test.store.clock.now()
    }

    fn pick(&mut self, among: usize) -> usize {
        self.random.random_range(0..among)
    }

    async fn change(&mut self, field: &str, input: Value) -> Value {
        let editor = self.pick(self.editors.len());
        mutate(&self.server, &self.editors[editor], field, input).await
    }

    /// The same, and whether it was made.
    async fn made(&mut self, field: &str, input: Value) -> bool {
        let payload = self.change(field, input).await;
        payload["userErrors"] == json!([])
    }

    async fn write(&mut self) {
        self.said += 1;
        let input = json!({ "content": saying(self.said) });
        let payload = self.change("createPost", input).await;
        let written = Written::of(&payload);
        self.saved.insert(written.head.clone(), self.said);
        self.posts.push(Post {
            revisions: vec![(written.head.clone(), self.said)],
            written,
            live: None,
            trashed: false,
            plan: None,
        });
    }

    async fn edit(&mut self, post: usize) {
        self.said += 1;
        let Written { id, head } = self.posts[post].written.clone();
        let input = json!({ "id": id, "basedOn": head, "content": saying(self.said) });
        let payload = self.change("updatePost", input).await;
        assert_eq!(
            payload["userErrors"] == json!([]),
            !self.posts[post].trashed
        );
        if !self.posts[post].trashed {
            let written = Written::of(&payload);
            self.saved.insert(written.head.clone(), self.said);
            let revision = (written.head.clone(), self.said);
            self.posts[post].revisions.push(revision);
            self.posts[post].written = written;
        }
    }

    async fn publish(&mut self, post: usize) {
        let of = self.posts[post].revisions.len();
        let (revision, number) =
            self.posts[post].revisions[self.random.random_range(0..of)].clone();
        let input = json!({ "id": self.posts[post].written.id, "revision": revision });
        let made = self.made("publishPost", input).await;
        let post = &mut self.posts[post];
        assert_eq!(made, !post.trashed);
        if made {
            (post.live, post.plan) = (Some(number), None);
        }
    }

    async fn schedule(&mut self, post: usize) {
        let at = self.now() + TimeDelta::seconds(3);
        let input = json!({ "id": self.posts[post].written.id, "at": at });
        let made = self.made("schedulePost", input).await;
        let post = &mut self.posts[post];
        assert_eq!(made, !post.trashed);
        if made {
            post.plan = post.revisions.last().map(|(_, number)| (at, *number));
        }
    }

    async fn verb(&mut self, post: usize, field: &str) {
        let input = json!({ "id": self.posts[post].written.id });
        assert!(self.made(field, input).await, "{field}");
        let post = &mut self.posts[post];
        match field {
            "unpublishPost" => (post.live, post.plan) = (None, None),
            "trashPost" if !post.trashed => {
                (post.live, post.plan, post.trashed) = (None, None, true);
            }
            "restorePost" => post.trashed = false,
            "cancelSchedule" => post.plan = None,
            _ => {}
        }
    }

    async fn release(&mut self) {
        let input = json!({
            "name": "A release",
            "reason": "To see what happens.",
            "expectedResult": "All of it, or nothing.",
            "rollbackNote": "Roll it back.",
        });
        let payload = self.change("createRelease", input).await;
        let id = payload["release"]["id"].as_str().unwrap().to_owned();
        let (mut revisions, mut unpublish, mut items) = (Vec::new(), Vec::new(), Vec::new());
        let mut possible = true;
        for post in 0..self.posts.len() {
            match self.random.random_range(0..4) {
                0 => {
                    let (revision, number) = self.posts[post].revisions.last().unwrap().clone();
                    revisions.push(revision);
                    items.push((post, self.posts[post].live, Some(number)));
                    possible &= !self.posts[post].trashed;
                }
                1 if self.posts[post].live.is_some() => {
                    unpublish.push(self.posts[post].written.id.clone());
                    items.push((post, self.posts[post].live, None));
                }
                _ => {}
            }
        }
        let input = json!({ "release": id, "revisions": revisions, "unpublish": unpublish });
        let added = self.made("addToRelease", input).await;
        let shipped = self.made("shipRelease", json!({ "id": id })).await;
        if !shipped {
            assert!(!possible || items.is_empty() || !added);
            return;
        }
        for (post, _, now) in &items {
            let post = &mut self.posts[*post];
            // A post that shows the revision already is not published again, and keeps its plan.
            if post.live != *now {
                post.plan = None;
            }
            post.live = *now;
        }
        self.shipped.push(Shipped { id, items });
    }

    async fn roll_back(&mut self) {
        let Some(release) = self.shipped.pop() else {
            return;
        };
        let choice = ["KEEP_LATER", "OVERWRITE"][self.pick(2)];
        let input = json!({ "id": release.id, "otherLaterEdits": choice });
        if !self.made("rollBackRelease", input).await {
            return;
        }
        for (post, before, now) in release.items {
            let post = &mut self.posts[post];
            if post.live == now || choice == "OVERWRITE" {
                if post.live != before {
                    post.plan = None;
                }
                post.live = before;
            }
        }
    }

    /// Time passes, and what was planned happens.
    async fn wait(&mut self) {
        let clock = self.server.test.store.clock.clone();
        clock.advance(TimeDelta::seconds(4));
        work(&self.server, "one").await;
        for post in &mut self.posts {
            if let Some((at, number)) = post.plan
                && at <= clock.now()
            {
                (post.live, post.plan) = (Some(number), None);
            }
        }
    }

    async fn step(&mut self) {
        self.server.test.store.clock.advance(TimeDelta::seconds(1));
        let post = self.pick(self.posts.len());
        match self.pick(16) {
            0 if self.posts.len() < 8 => self.write().await,
            0..=3 => self.edit(post).await,
            4..=6 => self.publish(post).await,
            7 => self.schedule(post).await,
            8 => self.verb(post, "unpublishPost").await,
            9 => self.verb(post, "trashPost").await,
            10 => self.verb(post, "restorePost").await,
            11 => self.verb(post, "cancelSchedule").await,
            12 | 13 => self.release().await,
            14 => self.roll_back().await,
            _ => self.wait().await,
        }
    }

    /// What the public must see.
    fn expected(&self) -> Sight {
        let posts = self.posts.iter();
        posts
            .filter_map(|post| Some((post.written.id.clone(), post.live?)))
            .collect()
    }
}

#[rstest]
#[tokio::test]
async fn the_public_sees_what_the_model_says(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(1, 2, 3)] seed: u64,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut editors = Vec::new();
    for role in [Role::Editor, Role::Editor, Role::Admin] {
        editors.push(server.sign_in_as(role).await);
    }
    let mut model = Model {
        server,
        editors,
        random: ChaCha8Rng::seed_from_u64(seed),
        posts: Vec::new(),
        shipped: Vec::new(),
        saved: HashMap::new(),
        said: 0,
    };
    for _ in 0..4 {
        model.write().await;
    }
    let mut past = Vec::new();
    for step in 0..STEPS {
        model.step().await;
        let seen = look(&model.server, None).await;
        assert_eq!(seen, model.expected(), "after step {step}");
        past.push((model.now(), seen));
    }
    check(&model.server, &model.editors[0], &model.saved).await;
    for (time, seen) in past {
        let perspective = format!("at:{}", time.to_rfc3339());
        let as_it_was = look(&model.server, Some((&model.editors[0], &perspective))).await;
        assert_eq!(as_it_was, seen, "{time}");
    }
}
