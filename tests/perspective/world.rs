//! A small site with a history, and what each perspective shows of it.

use std::collections::BTreeMap;

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{
    self, Content, Difficulty, EntityName, NewRevision, PreparedRevision, RevisionStatus, Standing,
};
use alphanode::domain::transaction::Transaction;
use sea_orm::{ConnectionTrait, Statement};

use crate::support::perspective::id;
use crate::support::{Backend, TestServer, note};

/// The contents of this small site: the post, its own slug, a title of a name and a kind, its
/// tools, which are its stack and its entities too.
pub const CONTENTS: [(&str, &str, &str, &[&str]); 8] = [
    ("plain", "plain", "Apple fruit", &["git"]),
    (
        "renamed",
        "old-name",
        "Banana cabbage",
        &["git", "docker", "make"],
    ),
    ("renamed", "new-name", "Banana pumpkin", &["git", "helm"]),
    ("never", "never", "Cherry pumpkin", &["docker", "secret"]),
    ("trashed", "trashed", "Damson cabbage", &["git", "rubbish"]),
    ("replaced", "before", "Elder cabbage", &["git", "cvs"]),
    ("replaced", "after", "Elder pumpkin", &["git"]),
    ("gap", "gap", "Fig cabbage", &["docker"]),
];

/// What is live in the end.
pub const LIVE: [&str; 4] = ["plain", "old-name", "after", "gap"];

/// Revisions that are or were live, of posts that are live in the end.
pub const PUBLIC: [&str; 5] = ["plain", "old-name", "before", "after", "gap"];

pub struct World {
    pub server: TestServer,
    /// The keys of the post and of the content with each slug.
    pub keys: BTreeMap<&'static str, (i64, i64)>,
}

fn content(slug: &str) -> Content {
    let (_, slug, title, tools) = CONTENTS[place(slug)];
    Content {
        slug: Some(slug.into()),
        title: title.into(),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        stack: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        entities: tools
            .iter()
            .map(|tool| EntityName {
                name: (*tool).to_owned(),
                kind: "thing".into(),
            })
            .collect(),
        difficulty: tools
            .contains(&"docker")
            .then_some(Difficulty::Intermediate),
        ..Content::default()
    }
}

pub fn place(slug: &str) -> usize {
    CONTENTS.iter().position(|row| row.1 == slug).unwrap()
}

pub fn reference(slug: &str) -> &'static str {
    CONTENTS[place(slug)].0
}

impl World {
    /// At 12:00 all but `never` are published; at 13:00 `before` gives way to `after` and `gap` is
    /// unpublished, at 14:00 it is back; at 15:00 `old-name` has a draft and `trashed` is trashed.
    pub async fn create(backend: Backend) -> Option<Self> {
        let server = TestServer::create(backend).await?;
        let first = ["plain", "old-name", "never", "trashed", "before", "gap"];
        let posts = first.map(|slug| {
            let status = match slug {
                "never" => RevisionStatus::Drafted,
                _ => RevisionStatus::Published,
            };
            let mut post = note(content(slug), status);
            post.reference = Some(reference(slug).into());
            post
        });
        let saved = server.create_posts(posts.into()).await;
        let keys = first.into_iter().zip(saved);
        let keys = keys.map(|(slug, saved)| (slug, (saved.post_id, saved.revision_id)));
        let mut world = Self {
            server,
            keys: keys.collect(),
        };
        world.pass_an_hour();
        world.revise("before", "after").await;
        world.publish("after").await;
        world.unpublish("gap").await;
        world.pass_an_hour();
        world.publish("gap").await;
        world.pass_an_hour();
        world.revise("old-name", "new-name").await;
        world.unpublish("trashed").await;
        world
            .execute("UPDATE post SET trashed_at = created_at WHERE reference = 'trashed'".into())
            .await;
        let mut worker = world
            .server
            .test
            .worker("one", alphanode::jobs::handlers(&world.server.test.store));
        worker.run_until_idle().await.unwrap();
        Some(world)
    }

    fn pass_an_hour(&self) {
        let clock = &self.server.test.store.clock;
        clock.advance(chrono::TimeDelta::hours(1));
    }

    async fn execute(&self, sql: String) {
        let database = self.server.test.store.database.writer();
        database.execute_unprepared(&sql).await.unwrap();
    }

    async fn change(&self) -> Transaction<'_> {
        let store = &self.server.test.store;
        Transaction::begin(store, Actor::CommandLine, Action::Import)
            .await
            .unwrap()
    }

    async fn revise(&mut self, slug: &str, next: &'static str) {
        let revision = NewRevision {
            content: content(next),
            ..NewRevision::default()
        };
        let prepared = PreparedRevision::new(revision).unwrap();
        let mut change = self.change().await;
        let saved = post::revise(&mut change, self.keys[slug].0, prepared, Standing::Head)
            .await
            .unwrap();
        change.commit().await.unwrap();
        self.keys.insert(next, (saved.post_id, saved.revision_id));
    }

    async fn publish(&self, slug: &str) {
        let (post_id, revision_id) = self.keys[slug];
        let mut change = self.change().await;
        post::publish(&mut change, post_id, revision_id)
            .await
            .unwrap();
        change.commit().await.unwrap();
    }

    /// What unpublishing does, as the tables record it.
    async fn unpublish(&self, slug: &str) {
        let (post_id, content_id) = self.keys[slug];
        let now = self.server.test.store.clock.now().to_rfc3339();
        let mut statements = vec![
            format!("UPDATE post SET live_content = NULL WHERE id = {post_id}"),
            format!("UPDATE post_content SET published_at = NULL WHERE id = {content_id}"),
            format!(
                "UPDATE publication SET published_until = '{now}'
                 WHERE post_id = {post_id} AND published_until IS NULL"
            ),
        ];
        for joins in ["tool", "stack", "entity"] {
            statements.push(format!(
                "UPDATE post_content_{joins} SET published_at = NULL WHERE content_id = {content_id}"
            ));
        }
        for statement in statements {
            self.execute(statement).await;
        }
    }

    /// The key of a tool.
    pub async fn tool(&self, slug: &str) -> i64 {
        self.key(format!("SELECT id FROM tool WHERE slug = '{slug}'"))
            .await
    }

    async fn key(&self, sql: String) -> i64 {
        let database = self.server.test.store.database.writer();
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// A release with a revision for `renamed`, `never` and `trashed`, that takes `plain` out of
    /// sight, and whose revision for `gap` is gone. Shipped and rolled back if told so.
    async fn release(&self, state: &str) -> i64 {
        let times = match state {
            "open" => "NULL, NULL",
            "shipped" => "'2026-06-01T12:00:00+00:00', NULL",
            _ => "'2026-06-01T12:00:00+00:00', '2026-06-01T12:00:00+00:00'",
        };
        let sql = format!(
            "INSERT INTO \"release\" (name, status, files_touched, created_at, shipped_at, rolled_back_at)
             VALUES ('one', '{state}', '[]', '2026-06-01T12:00:00+00:00', {times}) RETURNING id"
        );
        let release = self.key(sql).await;
        for (slug, unpublish) in [
            ("new-name", false),
            ("never", false),
            ("trashed", false),
            ("plain", true),
            ("gap", false),
        ] {
            let (post_id, content_id) = self.keys[slug];
            let revision = match slug {
                "plain" => "NULL".to_owned(),
                // A revision that is gone.
                "gap" => i64::MAX.to_string(),
                _ => content_id.to_string(),
            };
            self.execute(format!(
                "INSERT INTO release_item
                 (release_id, post_id, post_reference, post_title, revision_id, unpublish)
                 VALUES ({release}, {post_id}, 'x', 'x', {revision}, {unpublish})"
            ))
            .await;
        }
        release
    }

    /// Each perspective, as clients write it, and the slugs of the contents it shows, by title.
    pub async fn perspectives(&self) -> Vec<(String, Vec<&'static str>)> {
        let live = || LIVE.to_vec();
        let draft_of = |slug: &str| format!("draft:{}", id("Post", self.keys[slug].0));
        let revision = |slug: &str| format!("revision:{}", id("Revision", self.keys[slug].1));
        let mut all = vec![
            ("published".into(), live()),
            (
                "draft".into(),
                vec!["plain", "new-name", "never", "after", "gap"],
            ),
            ("trash".into(), vec!["trashed"]),
            (
                draft_of("new-name"),
                vec!["plain", "new-name", "after", "gap"],
            ),
            (
                draft_of("never"),
                vec!["plain", "old-name", "never", "after", "gap"],
            ),
            (draft_of("plain"), live()),
            (draft_of("trashed"), live()),
            (format!("draft:{}", id("Post", 999_999)), live()),
            (
                revision("before"),
                vec!["plain", "old-name", "before", "gap"],
            ),
            (
                revision("new-name"),
                vec!["plain", "new-name", "after", "gap"],
            ),
            (
                revision("never"),
                vec!["plain", "old-name", "never", "after", "gap"],
            ),
            (revision("trashed"), live()),
            (format!("revision:{}", id("Revision", 999_999)), live()),
            (format!("release:{}", id("Release", 999_999)), live()),
        ];
        for state in ["open", "shipped", "rolled_back"] {
            let release = id("Release", self.release(state).await);
            let applied = vec!["new-name", "never", "after", "gap"];
            all.push((format!("release:{release}"), applied));
        }
        let at_first = vec!["plain", "old-name", "trashed", "before", "gap"];
        let in_the_gap = vec!["plain", "old-name", "trashed", "after"];
        let back = vec!["plain", "old-name", "trashed", "after", "gap"];
        for (time, seen) in [
            ("2026-06-01T11:59:59.999Z", vec![]),
            ("2026-06-01T12:00:00Z", at_first.clone()),
            ("2026-06-01T12:59:59.999Z", at_first),
            ("2026-06-01T13:00:00Z", in_the_gap.clone()),
            // The same hour elsewhere.
            ("2026-06-01T15:30:00+02:00", in_the_gap),
            ("2026-06-01T14:30:00Z", back),
            ("2026-06-01T15:00:00Z", live()),
            ("9999-12-31T23:59:59Z", live()),
        ] {
            all.push((format!("at:{time}"), seen));
        }
        all
    }
}
