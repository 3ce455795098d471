//! Editors who work on posts and releases through the schema.

use std::sync::Arc;

use alphanode::domain::actor::{Actor, Caller};
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::{
    self, Content, NewRevision, PreparedRevision, RevisionStatus, SavedPost, Standing,
};
use alphanode::domain::transaction::Transaction;
use alphanode::graphql::Schema;
use alphanode::graphql::context::{RequestContext, Site};
use async_graphql::{Request, Variables};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{post as post_row, publication, user};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait};
use sea_orm::{QueryFilter, QueryOrder};
use serde_json::{Value, json};

use super::{Backend, TestServer, note};

/// A newsroom: a server, and an editor named Ann who works through the schema in the draft
/// perspective.
pub struct Desk {
    pub server: TestServer,
    pub editor: Actor,
    schema: Schema,
}

/// An id as the API writes it.
pub fn id(node: &str, key: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{node}:{key}"))
}

/// A content with nothing but a slug and a title.
pub fn content(slug: &str, title: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: title.to_owned(),
        tools: vec![format!("tool of {title}")],
        body: format!("About {title}."),
        ..Content::default()
    }
}

impl Desk {
    /// `None` as [`super::TestDatabase::create`] answers it.
    pub async fn create(backend: Backend) -> Option<Self> {
        let server = TestServer::create(backend).await?;
        let schema = alphanode::graphql::schema(Site {
            url: "https://example.org".into(),
        });
        let mut desk = Self {
            server,
            editor: Actor::Anonymous,
            schema: schema.finish(),
        };
        desk.editor = desk.user("Ann", Role::Editor).await;
        Some(desk)
    }

    /// Somebody who signed in.
    pub async fn user(&self, name: &str, role: Role) -> Actor {
        let store = &self.server.test.store;
        let row = user::ActiveModel {
            email: Set(format!("{name}@example.org")),
            email_key: Set(format!("{name}@example.org").to_lowercase()),
            name: Set(name.to_owned()),
            role: Set(role.as_str().to_owned()),
            created_at: Set(store.clock.now()),
            ..Default::default()
        };
        Actor::User {
            user_id: row.insert(store.database.writer()).await.unwrap().id,
            role,
            session_id: 1,
        }
    }

    /// Runs an operation for somebody. Answers the response and the statements its reads took.
    pub async fn ask(&self, actor: Actor, document: &str, variables: Value) -> (Value, u32) {
        let store = self.server.test.store.clone();
        let reader = Arc::new(Reader::new(store.database.clone(), Perspective::Draft));
        let context = RequestContext::new(store, Caller::from(actor), Arc::clone(&reader));
        let request = Request::new(document)
            .variables(Variables::from_json(variables))
            .data(context);
        let response = self.schema.execute(request).await;
        let statements = reader.statements().count();
        (serde_json::to_value(response).unwrap(), statements)
    }

    /// Runs an operation for Ann that must succeed.
    pub async fn data(&self, document: &str, variables: Value) -> Value {
        let (answer, _) = self.ask(self.editor, document, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        answer["data"].clone()
    }

    /// Runs the mutation of this name, whose payload holds a release, for Ann. Answers the payload.
    pub async fn change(&self, mutation: &str, input: Value) -> Value {
        let (name, rest) = mutation.split_at(1);
        let input_type = match mutation {
            "shipRelease" | "deleteRelease" | "cancelReleaseSchedule" => "ReleaseInput".to_owned(),
            _ => format!("{}{rest}Input", name.to_uppercase()),
        };
        let fields = match mutation {
            "deleteRelease" => "deletedId",
            "rollBackRelease" => {
                "release { id status items(first: 500) { postTitle restored } } \
                 obstacles { kind since by message item { postTitle } liveRevision { number } }"
            }
            _ => {
                "release { id name status itemCount owner { name } shipAt shippedAt
                 shipFailure { at problems } items { postTitle unpublish } }"
            }
        };
        let document = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {fields} \
             userErrors {{ code path message }} }} }}"
        );
        self.data(&document, json!({ "input": input })).await[mutation].clone()
    }

    /// The same, where it must go well.
    pub async fn done(&self, mutation: &str, input: Value) -> Value {
        let payload = self.change(mutation, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload:#}");
        payload
    }

    /// The same, where it must not: code and path of each problem.
    pub async fn refused(&self, mutation: &str, input: Value) -> Vec<(String, String)> {
        let payload = self.change(mutation, input).await;
        assert!(payload["release"].is_null(), "{payload:#}");
        let problems = payload["userErrors"].as_array().unwrap().iter();
        let problems: Vec<(String, String)> = problems
            .map(|problem| {
                let path = problem["path"].as_array().unwrap().iter();
                let path: Vec<&str> = path.map(|part| part.as_str().unwrap()).collect();
                (problem["code"].as_str().unwrap().to_owned(), path.join("."))
            })
            .collect();
        assert!(!problems.is_empty());
        problems
    }

    /// A release that lacks nothing but posts.
    pub async fn release(&self, name: &str) -> String {
        let input = json!({
            "name": name,
            "reason": "The old ones are wrong.",
            "expectedResult": "Fewer questions.",
            "rollbackNote": "When questions rise.",
        });
        let payload = self.done("createRelease", input).await;
        payload["release"]["id"].as_str().unwrap().to_owned()
    }

    /// A release that holds revisions, and posts to unpublish.
    pub async fn release_of(&self, revisions: &[i64], unpublish: &[i64]) -> String {
        let release = self.release("Autumn").await;
        let input = json!({
            "release": release,
            "revisions": revisions.iter().map(|key| id("Revision", *key)).collect::<Vec<_>>(),
            "unpublish": unpublish.iter().map(|key| id("Post", *key)).collect::<Vec<_>>(),
        });
        self.done("addToRelease", input).await;
        release
    }

    /// Posts with one revision each, live or drafted.
    pub async fn posts(&self, names: &[&str], status: RevisionStatus) -> Vec<SavedPost> {
        let posts = names.iter().map(|name| note(content(name, name), status));
        self.server.create_posts(posts.collect()).await
    }

    /// Saves a further revision of a post, and answers its key.
    pub async fn revise(&self, post_id: i64, content: Content) -> i64 {
        let store = &self.server.test.store;
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::Import)
            .await
            .unwrap();
        let revision = NewRevision {
            content,
            ..NewRevision::default()
        };
        let revision = PreparedRevision::new(revision).unwrap();
        let saved = post::revise(&mut change, post_id, revision, Standing::Head).await;
        change.commit().await.unwrap();
        saved.unwrap().revision_id
    }

    /// Publishes a revision for Ann.
    pub async fn publish(&self, post_id: i64, revision_id: i64) {
        let mut change = Transaction::begin(
            &self.server.test.store,
            Caller::from(self.editor),
            Action::PublishPost,
        )
        .await
        .unwrap();
        let published = post::publish(&mut change, post_id, revision_id).await;
        published.unwrap();
        change.commit().await.unwrap();
    }

    /// Unpublishes a post for Ann.
    pub async fn unpublish(&self, post_id: i64) {
        let mut change = Transaction::begin(
            &self.server.test.store,
            Caller::from(self.editor),
            Action::UnpublishPost,
        )
        .await
        .unwrap();
        post::unpublish(&mut change, post_id).await.unwrap();
        change.commit().await.unwrap();
    }

    /// Runs a statement past the program.
    pub async fn sql(&self, sql: &str) {
        let database = self.server.test.store.database.writer();
        database.execute_unprepared(sql).await.unwrap();
    }

    /// A number that a statement reads past the program.
    pub async fn number(&self, sql: &str) -> i64 {
        super::number(self.server.test.store.database.writer(), sql).await
    }

    /// What of each post is live, in the order of posts.
    pub async fn live(&self) -> Vec<Option<i64>> {
        let posts = post_row::Entity::find()
            .order_by_asc(post_row::Column::Id)
            .all(self.server.test.store.database.writer())
            .await
            .unwrap();
        posts.into_iter().map(|post| post.live_content).collect()
    }

    /// The titles that the public sees, sorted.
    pub async fn public_titles(&self) -> Vec<String> {
        let data = self
            .server
            .data("{ posts(first: 100) { nodes { title } } }", json!({}))
            .await;
        let titles = data["posts"]["nodes"].as_array().unwrap().iter();
        let mut titles: Vec<String> = titles
            .map(|post| post["title"].as_str().unwrap().to_owned())
            .collect();
        titles.sort();
        titles
    }

    /// Where a path leads for the public.
    pub async fn redirect(&self, path: &str) -> Value {
        let query = "query($path: String!) { redirect(path: $path) { to } }";
        let data = self.server.data(query, json!({ "path": path })).await;
        data["redirect"]["to"].clone()
    }

    /// What was live of a post, and from when to when, as minutes since noon.
    pub async fn publications(&self, post_id: i64) -> Vec<(i64, i64, Option<i64>)> {
        let noon = "2026-06-01T12:00:00Z"
            .parse::<chrono::DateTime<chrono::Utc>>()
            .unwrap();
        let minutes = |time: chrono::DateTime<chrono::Utc>| (time - noon).num_minutes();
        let rows = publication::Entity::find()
            .filter(publication::Column::PostId.eq(post_id))
            .order_by_asc(publication::Column::Id)
            .all(self.server.test.store.database.writer())
            .await
            .unwrap();
        rows.into_iter()
            .map(|row| {
                let until = row.published_until.map(minutes);
                (row.content_id, minutes(row.published_from), until)
            })
            .collect()
    }

    /// Checks that every mark of live content says what the posts say.
    pub async fn assert_consistent(&self) {
        for sql in [
            "SELECT COUNT(*) FROM post_content c LEFT JOIN post p ON p.live_content = c.id
             WHERE (c.published_at IS NULL) <> (p.id IS NULL) OR c.published_at <> p.published_at",
            "SELECT COUNT(*) FROM post_content_tool j JOIN post_content c ON c.id = j.content_id
             WHERE (j.published_at IS NULL) <> (c.published_at IS NULL)
             OR j.published_at <> c.published_at",
            "SELECT COUNT(*) FROM post p LEFT JOIN publication b
             ON b.post_id = p.id AND b.published_until IS NULL
             WHERE (b.id IS NULL) <> (p.live_content IS NULL) OR b.content_id <> p.live_content",
            "SELECT COUNT(*) FROM revision r LEFT JOIN post p ON p.live_content = r.id
             WHERE (r.status = 'published') <> (p.id IS NOT NULL)",
        ] {
            assert_eq!(self.number(sql).await, 0, "{sql}");
        }
    }
}
