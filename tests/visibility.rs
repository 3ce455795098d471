//! A draft, a trashed post and a retired revision are nowhere the public looks.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::post::{
    self, Content, EntityName, NewPost, NewRevision, PreparedRevision, RevisionStatus, Standing,
};
use alphanode::domain::transaction::Transaction;
use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, TestServer, note};

/// A word that is in nothing but what must stay hidden.
const SECRET: &str = "zanzibar";

fn secret(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: format!("{SECRET} title"),
        summary: format!("{SECRET} summary"),
        body: format!("## {SECRET} heading\n\nBody of {SECRET}."),
        topic: Some(SECRET.into()),
        tools: vec![format!("{SECRET} tool"), "git".into()],
        stack: vec![format!("{SECRET} stack")],
        entities: vec![EntityName {
            name: format!("{SECRET} entity"),
            kind: "problem".into(),
        }],
        code_language: Some(SECRET.into()),
        ..Content::default()
    }
}

fn public(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: "Public".into(),
        tools: vec!["git".into()],
        ..Content::default()
    }
}

/// Everything the public can ask, with the ids of hidden rows tried too.
const EVERYTHING: &str = "query($id: ID!, $revision: ID!, $tool: ID!) {
    posts(first: 20) { totalCount nodes { title slug topic summary bodyHtml revisions { message version }
        tools { name posts { totalCount nodes { title } } } similarPosts(first: 10) { post { title } reasons { name } } }
        facets(by: [TOOL, STACK, ENTITY, CODE_LANGUAGE, DIFFICULTY]) { values { value label count } } }
    search(query: \"zanzibar\") { totalCount nodes { titleHtml excerptHtml post { title } } }
    contains: posts(filter: {title: {contains: \"zanzibar\"}}) { totalCount }
    not: posts(filter: {not: {title: {eq: \"Public\"}}}) { totalCount nodes { title } }
    some: posts(filter: {tools: {some: {slug: {startsWith: \"zan\"}}}}) { totalCount }
    tools(first: 100) { totalCount nodes { name } }
    stacks(first: 100) { totalCount nodes { name } }
    entities(first: 100) { totalCount nodes { name } }
    byTool: tool(by: {slug: \"zanzibar-tool\"}) { name }
    git: tool(by: {slug: \"git\"}) { postCount posts { totalCount } }
    byReference: post(by: {reference: \"hidden\"}) { title }
    bySlug: post(by: {slug: \"hidden\"}) { title }
    bySource: post(by: {sourceId: \"hidden\"}) { title }
    byId: post(by: {id: $id}) { title }
    node(id: $id) { id ... on Post { title } }
    nodes(ids: [$id, $revision, $tool]) { id }
    redirect(path: \"/old\") { to post { title } } }";

async fn id_of(server: &TestServer, table: &str, node: &str, column: &str, value: &str) -> String {
    use base64::Engine;
    use sea_orm::ConnectionTrait;
    let database = server.test.store.database.reader();
    let sql = format!("SELECT id FROM {table} WHERE {column} = '{value}' ORDER BY id DESC LIMIT 1");
    let statement = sea_orm::Statement::from_string(database.get_database_backend(), sql);
    let row = database.query_one_raw(statement).await.unwrap().unwrap();
    let id: i64 = row.try_get_by_index(0).unwrap();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{node}:{id}"))
}

async fn assert_hidden(server: &TestServer, public_posts: i64) {
    let mut worker = server
        .test
        .worker("one", alphanode::jobs::handlers(&server.test.store));
    worker.run_until_idle().await.unwrap();
    let variables = json!({
        "id": id_of(server, "post", "Post", "reference", "hidden").await,
        "revision": id_of(server, "revision", "Revision", "version", "9.9.9").await,
        "tool": id_of(server, "tool", "Tool", "name", "zanzibar tool").await,
    });
    let answer = server.ask(EVERYTHING, variables).await;
    let data = answer.data();
    assert!(
        !answer.body.to_string().contains(SECRET),
        "{:#}",
        answer.body
    );
    assert_eq!(data["posts"]["totalCount"], public_posts);
    assert_eq!(data["git"]["postCount"], public_posts);
    assert_eq!(data["git"]["posts"]["totalCount"], public_posts);
    assert_eq!(data["not"]["totalCount"], 0);
    assert_eq!(data["search"]["totalCount"], 0);
    assert_eq!(data["byTool"], json!(null));
    assert_eq!(
        data["nodes"][1],
        json!(null),
        "a revision that was never live"
    );
    assert_eq!(data["nodes"][2], json!(null), "a tool of hidden posts only");
}

fn hidden(content: Content, status: RevisionStatus) -> NewPost {
    let mut post = note(content, status);
    post.reference = Some("hidden".into());
    post.source_id = Some("hidden".into());
    post.redirects = vec!["/old".into()];
    post.revisions[0].version = Some("9.9.9".into());
    post.revisions[0].message = Some(SECRET.into());
    post
}

#[rstest]
#[case::drafted(RevisionStatus::Drafted)]
#[case::in_review(RevisionStatus::InReview)]
#[case::approved(RevisionStatus::Approved)]
#[case::rejected(RevisionStatus::Rejected)]
#[tokio::test]
async fn a_post_that_is_not_live_is_nowhere(
    #[case] status: RevisionStatus,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut post = hidden(secret("hidden"), status);
    // A date in the future or the past makes nothing live by itself.
    post.published_at = Some(server.test.store.clock.now());
    server
        .create_posts(vec![note(public("open"), RevisionStatus::Published), post])
        .await;
    assert_hidden(&server, 1).await;
    let by_id = "query($id: ID!) { node(id: $id) { id } post(by: {slug: \"hidden\"}) { id } redirect(path: \"/old\") { to } }";
    let id = id_of(&server, "post", "Post", "reference", "hidden").await;
    let data = server.data(by_id, json!({ "id": id })).await;
    assert_eq!(
        data,
        json!({ "node": null, "post": null, "redirect": null })
    );
}

#[rstest]
#[tokio::test]
async fn a_draft_of_a_live_post_changes_nothing_the_public_sees(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut live = hidden(public("hidden"), RevisionStatus::Published);
    live.revisions[0].version = Some("1.0.0".into());
    live.revisions[0].message = None;
    let saved = server.create_posts(vec![live]).await[0];
    let before = server
        .data(
            "{ posts { nodes { title slug updatedAt tools { name } } } }",
            json!({}),
        )
        .await;
    server.test.store.clock.advance(chrono::TimeDelta::hours(1));
    let mut change = Transaction::begin(&server.test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let revision = NewRevision {
        content: secret("zanzibar-slug"),
        version: Some("9.9.9".into()),
        message: Some(SECRET.into()),
        ..NewRevision::default()
    };
    let prepared = PreparedRevision::new(revision).unwrap();
    post::revise(&mut change, saved.post_id, prepared, Standing::Head)
        .await
        .unwrap();
    change.commit().await.unwrap();
    let after = server
        .data(
            "{ posts { nodes { title slug updatedAt tools { name } } } }",
            json!({}),
        )
        .await;
    assert_eq!(before, after);
    assert_hidden(&server, 1).await;
}

/// What trash does to a post, as the table records it.
#[rstest]
#[tokio::test]
async fn a_trashed_post_is_nowhere(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    use sea_orm::ConnectionTrait;
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server
        .create_posts(vec![
            note(public("open"), RevisionStatus::Published),
            hidden(secret("hidden"), RevisionStatus::Drafted),
        ])
        .await;
    let database = server.test.store.database.writer();
    let trash = "UPDATE post SET trashed_at = created_at WHERE reference = 'hidden'";
    database.execute_unprepared(trash).await.unwrap();
    assert_hidden(&server, 1).await;
    // The schema itself refuses a post that is both live and in the trash.
    let both = "UPDATE post SET trashed_at = created_at WHERE live_content IS NOT NULL";
    assert!(database.execute_unprepared(both).await.is_err());
}
