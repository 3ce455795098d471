//! Changes of every kind that the public can see, one after the other, in no order.

use alphanode::domain::import::Manner;
use alphanode::transfer::Document;
use chrono::TimeDelta;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::questions::{Known, SLUGS, TYPES, WORDS};
use crate::editing_model::work;
use crate::support::editing::Written;
use crate::support::transfer::import_with;
use crate::support::{TestServer, TestUser};

/// Posts that there are at most, those in the trash included.
const POSTS: usize = 6;

/// An editor who does whatever comes to mind.
pub(super) struct Editing {
    pub(super) server: TestServer,
    editor: TestUser,
    random: ChaCha8Rng,
    posts: Vec<Post>,
    words: Vec<Word>,
    shipped: Vec<String>,
    said: usize,
}

struct Post {
    written: Written,
    revisions: Vec<String>,
}

/// A tool, a stack or an entity.
struct Word {
    /// As the API spells it: `Tool`, `Stack` or `Entity`.
    noun: &'static str,
    id: String,
}

/// What was done last.
pub(super) struct Change {
    pub(super) name: &'static str,
    pub(super) input: Value,
    /// Whether it was; many are refused.
    pub(super) made: bool,
}

impl Editing {
    pub(super) fn new(server: TestServer, editor: TestUser, random: ChaCha8Rng) -> Self {
        Self {
            server,
            editor,
            random,
            posts: Vec::new(),
            words: Vec::new(),
            shipped: Vec::new(),
            said: 0,
        }
    }

    /// Makes the words, and some posts that the public sees.
    pub(super) async fn begin(&mut self) {
        for word in &WORDS[..4] {
            for noun in ["Tool", "Stack", "Entity"] {
                let input = match noun {
                    "Entity" => json!({ "name": word, "type": TYPES[0] }),
                    _ => json!({ "name": word }),
                };
                let kind = if noun == "Entity" { "Entity" } else { "Term" };
                let payload = self
                    .run(
                        &format!("create{noun}"),
                        &format!("Create{kind}Input"),
                        input,
                    )
                    .await;
                let id = payload[noun.to_lowercase()]["id"].as_str().unwrap();
                self.words.push(Word {
                    noun,
                    id: id.to_owned(),
                });
            }
        }
        for _ in 0..4 {
            self.write().await;
            let post = self.posts.len() - 1;
            self.publish(post).await;
        }
    }

    /// What questions name.
    pub(super) fn known(&self) -> Known {
        let posts: Vec<String> = self
            .posts
            .iter()
            .map(|post| post.written.id.clone())
            .collect();
        let heads = self.posts.iter().map(|post| post.written.head.clone());
        let words = self.words.iter().map(|word| word.id.clone());
        let nodes = posts.iter().cloned().chain(heads).chain(words);
        Known {
            nodes: nodes.take(40).collect(),
            posts,
        }
    }

    /// Does something; time passes.
    pub(super) async fn change(&mut self) -> Change {
        self.server.test.store.clock.advance(TimeDelta::seconds(1));
        let post = self.pick(self.posts.len());
        match self.pick(30) {
            0 if self.posts.len() < POSTS => self.write().await,
            0..=3 => self.edit(post).await,
            4..=7 => self.publish(post).await,
            8 => self.verb(post, "unpublishPost").await,
            9 => self.verb(post, "trashPost").await,
            10 | 11 => self.verb(post, "restorePost").await,
            12 => self.delete(post).await,
            13 => self.schedule(post).await,
            14 => self.wait().await,
            15 | 16 => self.score(post).await,
            17 => self.verb(post, "assessPost").await,
            18 => self.edit_many().await,
            19 => self.restore_revision(post).await,
            20 => self.tick(post).await,
            21 | 22 => self.ship().await,
            23 => self.roll_back().await,
            24..=26 => self.rename().await,
            27 => self.merge().await,
            28 => self.delete_word().await,
            _ => self.import().await,
        }
    }

    fn pick(&mut self, among: usize) -> usize {
        self.random.random_range(0..among)
    }

    fn pick_of<'list>(&mut self, list: &[&'list str]) -> &'list str {
        list[self.pick(list.len())]
    }

    /// The payload of a mutation.
    async fn run(&self, field: &str, input_type: &str, input: Value) -> Value {
        const POST: &str = "post { id revision { id } editing { headRevisionId } }";
        let wanted = match field {
            "createPost" | "updatePost" | "restoreRevision" => POST,
            "createRelease" => "release { id }",
            "createTool" => "tool { id }",
            "createStack" => "stack { id }",
            "createEntity" => "entity { id }",
            _ => "",
        };
        let document = format!(
            "mutation ($input: {input_type}!) {{
                {field}(input: $input) {{ {wanted} userErrors {{ code path }} }} }}"
        );
        let variables = json!({ "input": input });
        let answer = self
            .server
            .ask_as(&self.editor.token, &document, variables)
            .await;
        answer.data()[field].clone()
    }

    /// Runs a mutation that may be refused.
    async fn attempt(&self, name: &'static str, input_type: &str, input: Value) -> Change {
        let payload = self.run(name, input_type, input.clone()).await;
        Change {
            name,
            input,
            made: payload["userErrors"] == json!([]),
        }
    }

    /// What a post says next: every field that may differ from one revision to the next, or a few.
    fn content(&mut self, whole: bool) -> Value {
        self.said += 1;
        let number = self.said;
        let mut content = json!({
            "title": format!("Title {number}"),
            "body": format!("Body {number}\n\n## Part {number}\n\nabout {}", self.pick_of(&WORDS)),
        });
        let fields = [
            "slug",
            "tools",
            "stack",
            "entities",
            "difficulty",
            "codeLanguage",
            "outline",
            "brief",
            "checklist",
            "notes",
            "flags",
            "seo",
            "summary",
            "topic",
            "payload",
        ];
        for field in fields {
            if !whole && self.random.random_bool(0.7) {
                continue;
            }
            let words = [self.pick_of(&WORDS[..4]), self.pick_of(&WORDS[..4])];
            content[field] = match field {
                // Where another post has it already, this is refused.
                "slug" => json!(self.pick_of(&SLUGS[..3])),
                "tools" | "stack" => json!(words),
                "entities" => json!([{ "type": self.pick_of(&TYPES), "name": words[0] }]),
                "difficulty" => json!(self.pick_of(&["BEGINNER", "ADVANCED"])),
                "codeLanguage" => json!(self.pick_of(&["rust", "python"])),
                "outline" => json!({ "problem": format!("Problem {number}") }),
                "checklist" => json!([{ "text": format!("Item {number}") }]),
                "notes" => json!([format!("Note {number}")]),
                "flags" => json!({ "imageHeavy": self.random.random_bool(0.5) }),
                "seo" => json!({ "title": format!("Seo {number}") }),
                "payload" => json!({ "number": number }),
                _ => json!(format!("{field} {number}")),
            };
        }
        content
    }

    async fn write(&mut self) -> Change {
        let mut content = self.content(true);
        // One that no other post has, so that it is taken.
        content["slug"] = json!(null);
        let input = json!({ "content": content });
        let payload = self
            .run("createPost", "CreatePostInput", input.clone())
            .await;
        assert_eq!(payload["userErrors"], json!([]), "{input:#}");
        let written = Written::of(&payload);
        self.posts.push(Post {
            revisions: vec![written.head.clone()],
            written,
        });
        Change {
            name: "createPost",
            input,
            made: true,
        }
    }

    /// Notes what was saved, if it was.
    fn saved(&mut self, post: usize, name: &'static str, input: Value, payload: &Value) -> Change {
        let made = payload["userErrors"] == json!([]);
        if made && payload["post"].is_object() {
            let written = Written::of(payload);
            let post = &mut self.posts[post];
            post.revisions.push(written.head.clone());
            post.written = written;
        }
        Change { name, input, made }
    }

    async fn edit(&mut self, post: usize) -> Change {
        let Written { id, head } = self.posts[post].written.clone();
        let content = self.content(false);
        let input = json!({ "id": id, "basedOn": head, "content": content });
        let payload = self
            .run("updatePost", "UpdatePostInput", input.clone())
            .await;
        self.saved(post, "updatePost", input, &payload)
    }

    async fn restore_revision(&mut self, post: usize) -> Change {
        let revision = self.pick(self.posts[post].revisions.len());
        let Post { written, revisions } = &self.posts[post];
        let input = json!({ "revision": revisions[revision], "basedOn": written.head });
        let payload = self
            .run("restoreRevision", "RestoreRevisionInput", input.clone())
            .await;
        self.saved(post, "restoreRevision", input, &payload)
    }

    /// The newest revision in most cases, an older one in others.
    async fn publish(&mut self, post: usize) -> Change {
        let older = self.pick(self.posts[post].revisions.len());
        let Post { written, revisions } = &self.posts[post];
        let id = written.id.clone();
        let (newest, older) = (written.head.clone(), revisions[older].clone());
        let revision = if self.random.random_bool(0.8) {
            newest
        } else {
            older
        };
        let input = json!({ "id": id, "revision": revision });
        self.attempt("publishPost", "PublishPostInput", input).await
    }

    async fn verb(&mut self, post: usize, field: &'static str) -> Change {
        let input = json!({ "id": self.posts[post].written.id });
        let input_type = match field {
            "assessPost" => "AssessPostInput",
            _ => "PostIdInput",
        };
        self.attempt(field, input_type, input).await
    }

    async fn delete(&mut self, post: usize) -> Change {
        let change = self.verb(post, "deletePost").await;
        if change.made {
            self.posts.remove(post);
            if self.posts.is_empty() {
                self.write().await;
            }
        }
        change
    }

    async fn schedule(&mut self, post: usize) -> Change {
        let now = self.server.test.store.clock.now();
        let times = [now + TimeDelta::seconds(2), now + TimeDelta::seconds(4)];
        let input = json!({
            "id": self.posts[post].written.id, "at": times[0], "unpublishAt": times[1],
        });
        self.attempt("schedulePost", "SchedulePostInput", input)
            .await
    }

    /// What was planned happens, and so does everything else that is left to jobs.
    async fn wait(&mut self) -> Change {
        self.server.test.store.clock.advance(TimeDelta::seconds(3));
        work(&self.server, "one").await;
        Change {
            name: "jobs",
            input: json!({}),
            made: true,
        }
    }

    async fn score(&mut self, post: usize) -> Change {
        let mut figure = || self.random.random_range(0..=100);
        let input = json!({
            "quality": figure(), "freshness": figure(), "depth": figure(), "clarity": figure(),
            "id": self.posts[post].written.id, "comment": "as it is",
        });
        self.attempt("scorePost", "ScorePostInput", input).await
    }

    async fn edit_many(&mut self) -> Change {
        let ids: Vec<String> = self.known().posts;
        let input = json!({
            "ids": ids, "patch": { "addTools": [self.pick_of(&WORDS[..4])], "topic": "many" },
        });
        self.attempt("updatePosts", "UpdatePostsInput", input).await
    }

    async fn tick(&mut self, post: usize) -> Change {
        let id = self.posts[post].written.id.clone();
        let query = "query ($id: ID!) { post(by: {id: $id}) { checklist { id } } }";
        let data = self.server.data(query, json!({ "id": id })).await;
        let item = data["post"]["checklist"][0]["id"].clone();
        if item.is_null() {
            return self.score(post).await;
        }
        let input = json!({ "id": id, "item": item });
        self.attempt("tickChecklistItem", "TickChecklistItemInput", input)
            .await
    }

    /// A release of the newest revisions of some posts, and without another one.
    async fn ship(&mut self) -> Change {
        let input = json!({
            "name": "A release", "reason": "To see what happens.",
            "expectedResult": "All of it, or nothing.", "rollbackNote": "Roll it back.",
        });
        let payload = self.run("createRelease", "CreateReleaseInput", input).await;
        let release = payload["release"]["id"].as_str().unwrap().to_owned();
        let (mut revisions, mut unpublish) = (Vec::new(), Vec::new());
        for post in 0..self.posts.len() {
            let written = self.posts[post].written.clone();
            match self.pick(4) {
                0 | 1 => revisions.push(written.head),
                2 => unpublish.push(written.id),
                _ => {}
            }
        }
        let input = json!({ "release": release, "revisions": revisions, "unpublish": unpublish });
        self.run("addToRelease", "AddToReleaseInput", input).await;
        let input = json!({ "id": release });
        let change = self.attempt("shipRelease", "ReleaseInput", input).await;
        if change.made {
            self.shipped.push(release);
        }
        change
    }

    async fn roll_back(&mut self) -> Change {
        let Some(release) = self.shipped.pop() else {
            return self.ship().await;
        };
        let input = json!({ "id": release, "otherLaterEdits": "OVERWRITE" });
        self.attempt("rollBackRelease", "RollBackReleaseInput", input)
            .await
    }

    async fn rename(&mut self) -> Change {
        let word = self.pick(self.words.len());
        let name = self.pick_of(&WORDS);
        let field = self.pick_of(&["name", "slug"]);
        let mut input = json!({ "id": self.words[word].id, field: name });
        match self.words[word].noun {
            "Tool" => self.attempt("updateTool", "UpdateTermInput", input).await,
            "Stack" => self.attempt("updateStack", "UpdateTermInput", input).await,
            _ => {
                input["type"] = json!(self.pick_of(&TYPES));
                self.attempt("updateEntity", "UpdateEntityInput", input)
                    .await
            }
        }
    }

    /// Two words of the same noun.
    fn two_words(&mut self) -> (usize, usize) {
        let (word, shift) = (self.pick(self.words.len()), 3 * self.pick(4));
        (word, (word + shift) % self.words.len())
    }

    async fn merge(&mut self) -> Change {
        let (word, into) = self.two_words();
        let input = json!({ "id": self.words[word].id, "into": self.words[into].id });
        match self.words[word].noun {
            "Tool" => self.attempt("mergeTool", "MergeTermInput", input).await,
            "Stack" => self.attempt("mergeStack", "MergeTermInput", input).await,
            _ => self.attempt("mergeEntity", "MergeTermInput", input).await,
        }
    }

    async fn delete_word(&mut self) -> Change {
        let (word, other) = self.two_words();
        let input = json!({ "id": self.words[word].id, "reassignTo": self.words[other].id });
        match self.words[word].noun {
            "Tool" => self.attempt("deleteTool", "DeleteTermInput", input).await,
            "Stack" => self.attempt("deleteStack", "DeleteTermInput", input).await,
            _ => self.attempt("deleteEntity", "DeleteTermInput", input).await,
        }
    }

    /// A source that changed is imported and published.
    async fn import(&mut self) -> Change {
        self.said += 1;
        let mut document: Document = alphanode::transfer::synth::documents(7, 0..1)
            .next()
            .unwrap();
        document.content.title = format!("Title {}", self.said);
        document.content.slug = Some("imported".into());
        document.hash = Some(format!("{:064x}", self.said));
        let manner = Manner {
            publish: true,
            overwrite: true,
        };
        let imported = import_with(&self.server.test.store, &[document], manner).await;
        Change {
            name: "import",
            input: json!(imported.counts()),
            made: true,
        }
    }
}
