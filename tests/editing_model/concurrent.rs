//! Several editors at the same moment, while the public reads.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use alphanode::domain::permission::Role;
use chrono::TimeDelta;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{check, look, saying, work};
use crate::support::editing::{Written, write};
use crate::support::{Backend, TestServer, TestUser};

const EDITORS: usize = 4;
const STEPS: usize = 30;

/// What the editors know together.
#[derive(Default)]
struct Knowledge {
    posts: Vec<Written>,
    /// What each revision that was saved says.
    saved: HashMap<String, usize>,
    /// What somebody has asked to publish.
    asked: HashSet<usize>,
    said: usize,
}

struct Editor {
    server: Arc<TestServer>,
    user: TestUser,
    random: ChaCha8Rng,
    knowledge: Arc<Mutex<Knowledge>>,
}

impl Editor {
    /// The payload of a mutation; null when it lost against another one and may be sent again.
    async fn change(&self, field: &str, input: &str, wanted: &str, value: Value) -> Value {
        let document = format!(
            "mutation ($input: {input}!) {{ {field}(input: $input) {{ {wanted} userErrors {{ code }} }} }}"
        );
        let variables = json!({ "input": value });
        let answer = self
            .server
            .ask_as(&self.user.token, &document, variables)
            .await;
        if answer.body["errors"].is_array() {
            assert_eq!(answer.code(), "TRY_AGAIN", "{:#}", answer.body);
            return Value::Null;
        }
        answer.data()[field].clone()
    }

    /// Notes that somebody asks to publish the newest revision. What it says is known once its save
    /// was answered.
    fn ask_for(&self, post: &Written) -> Option<usize> {
        let mut knowledge = self.knowledge.lock().unwrap();
        let said = knowledge.saved.get(&post.head).copied();
        knowledge.asked.extend(said);
        said
    }

    /// Ships two posts together, and takes them back, or not.
    async fn release(&mut self, post: &Written) {
        const RELEASE: &str = "release { id } ";
        let other = {
            let knowledge = self.knowledge.lock().unwrap();
            let index = self.random.random_range(0..knowledge.posts.len());
            knowledge.posts[index].clone()
        };
        if self.ask_for(post).is_none() || self.ask_for(&other).is_none() {
            return;
        }
        let input = json!({
            "name": "A release",
            "reason": "To see what happens.",
            "expectedResult": "All of it, or nothing.",
            "rollbackNote": "Roll it back.",
        });
        let made = self
            .change("createRelease", "CreateReleaseInput", RELEASE, input)
            .await;
        let Some(id) = made["release"]["id"].as_str() else {
            return;
        };
        let input = json!({ "release": id, "revisions": [post.head, other.head] });
        self.change("addToRelease", "AddToReleaseInput", RELEASE, input)
            .await;
        let input = json!({ "id": id });
        self.change("shipRelease", "ReleaseInput", RELEASE, input)
            .await;
        if self.random.random_bool(0.5) {
            let choice = ["KEEP_LATER", "OVERWRITE"][self.random.random_range(0..2)];
            let input = json!({ "id": id, "otherLaterEdits": choice });
            self.change("rollBackRelease", "RollBackReleaseInput", RELEASE, input)
                .await;
        }
    }

    async fn step(&mut self) {
        const POST: &str = "post { id editing { headRevisionId } } ";
        let (post, number, action) = {
            let mut knowledge = self.knowledge.lock().unwrap();
            knowledge.said += 1;
            let index = self.random.random_range(0..knowledge.posts.len());
            let number = knowledge.said;
            (
                knowledge.posts[index].clone(),
                number,
                self.random.random_range(0..13),
            )
        };
        match action {
            0..=3 => {
                let input =
                    json!({ "id": post.id, "basedOn": post.head, "content": saying(number) });
                let payload = self
                    .change(
                        "updatePost",
                        "UpdatePostInput",
                        &format!("{POST} conflict {{ current {{ id }} }}"),
                        input,
                    )
                    .await;
                if payload["post"].is_object() {
                    let written = Written::of(&payload);
                    let mut knowledge = self.knowledge.lock().unwrap();
                    if payload["conflict"].is_null() {
                        knowledge.saved.insert(written.head.clone(), number);
                    }
                    let known = knowledge.posts.iter_mut();
                    for known in known.filter(|known| known.id == written.id) {
                        *known = written.clone();
                    }
                }
            }
            4..=6 => {
                if self.ask_for(&post).is_some() {
                    let input = json!({ "id": post.id, "revision": post.head });
                    self.change("publishPost", "PublishPostInput", POST, input)
                        .await;
                }
            }
            7 => {
                let input = json!({ "id": post.id });
                self.change("unpublishPost", "PostIdInput", POST, input)
                    .await;
            }
            8 => {
                let input = json!({ "ids": [post.id] });
                self.change("trashPosts", "PostIdsInput", "", input).await;
            }
            9 => self.release(&post).await,
            10 => {
                let said = self.ask_for(&post);
                if said.is_some() {
                    let at = self.server.test.store.clock.now() + TimeDelta::seconds(1);
                    let input = json!({ "id": post.id, "revision": post.head, "at": at });
                    self.change("schedulePost", "SchedulePostInput", POST, input)
                        .await;
                }
            }
            11 => {
                self.server.test.store.clock.advance(TimeDelta::seconds(2));
                work(&self.server, &self.user.email).await;
            }
            _ => {
                let ids: Vec<String> = {
                    let knowledge = self.knowledge.lock().unwrap();
                    let posts = knowledge.posts.iter();
                    posts.map(|post| post.id.clone()).collect()
                };
                let input = json!({ "ids": ids });
                self.change("restorePosts", "PostIdsInput", "", input).await;
            }
        }
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn editors_at_once_lose_nothing_and_show_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let server = Arc::new(server);
    let knowledge = Arc::new(Mutex::new(Knowledge::default()));
    let writer = server.sign_in_as(Role::Editor).await;
    for number in 1..=5 {
        let written = write(&server, &writer, saying(number)).await;
        let mut knowledge = knowledge.lock().unwrap();
        knowledge.saved.insert(written.head.clone(), number);
        knowledge.posts.push(written);
        knowledge.said = number;
    }
    let mut editors = Vec::new();
    for number in 0..EDITORS {
        let mut editor = Editor {
            server: Arc::clone(&server),
            user: server.sign_in_as(Role::Editor).await,
            random: ChaCha8Rng::seed_from_u64(number as u64),
            knowledge: Arc::clone(&knowledge),
        };
        editors.push(tokio::spawn(async move {
            for _ in 0..STEPS {
                editor.step().await;
            }
        }));
    }
    let stop = CancellationToken::new();
    let public = {
        let (server, knowledge) = (Arc::clone(&server), Arc::clone(&knowledge));
        let stop = stop.clone();
        tokio::spawn(async move {
            let mut looks = 0;
            while !stop.is_cancelled() {
                let seen = look(&server, None).await;
                let knowledge = knowledge.lock().unwrap();
                for number in seen.values() {
                    assert!(knowledge.asked.contains(number), "{number} shows");
                }
                looks += 1;
            }
            looks
        })
    };
    for editor in editors {
        editor.await.unwrap();
    }
    stop.cancel();
    assert!(public.await.unwrap() > 0);
    let saved = knowledge.lock().unwrap().saved.clone();
    check(&server, &writer, &saved).await;
}
