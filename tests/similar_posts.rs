//! Which posts are similar, and why.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Action;
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::{
    self, Content, Difficulty, EntityName, NewPost, NewRevision, PreparedPost, RevisionStatus,
};
use alphanode::domain::similar::{self, Reason, ReasonKind, SimilarPost};
use alphanode::domain::transaction::Transaction;
use alphanode::jobs;
use chrono::{DateTime, TimeDelta, Utc};
use entity::job;
use rstest::rstest;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use crate::support::{Backend, TestStore};

/// A post with some tools and nothing else.
fn about(title: &str, tools: &[&str]) -> Content {
    Content {
        title: title.to_owned(),
        summary: format!("Notes: {title}."),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
        ..Content::default()
    }
}

async fn create(
    test: &TestStore,
    content: Content,
    status: RevisionStatus,
    published_at: Option<DateTime<Utc>>,
) -> i64 {
    let post = NewPost {
        published_at,
        revisions: vec![NewRevision {
            content,
            status,
            ..NewRevision::default()
        }],
        ..NewPost::default()
    };
    let mut change = Transaction::begin(&test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    let prepared = PreparedPost::new(post).unwrap();
    let saved = post::create(&mut change, vec![prepared.into()])
        .await
        .unwrap();
    change.commit().await.unwrap();
    saved[0].as_ref().unwrap().post_id
}

async fn live(test: &TestStore, content: Content) -> i64 {
    create(test, content, RevisionStatus::Published, None).await
}

/// Takes a post away from the public, as seen by this table.
async fn unpublish(test: &TestStore, post_id: i64) {
    let database = test.store.database.writer();
    for join in [
        "post_content_tool",
        "post_content_stack",
        "post_content_entity",
    ] {
        let contents = Query::select()
            .column("id")
            .from("post_content")
            .and_where(Expr::col("post_id").eq(post_id))
            .to_owned();
        let update = Query::update()
            .table(join)
            .value("published_at", Option::<DateTime<Utc>>::None)
            .and_where(Expr::col("content_id").in_subquery(contents))
            .to_owned();
        database.execute(&update).await.unwrap();
    }
    for (table, column, key) in [
        ("post_content", "published_at", "post_id"),
        ("post", "live_content", "id"),
    ] {
        let update = Query::update()
            .table(table)
            .value(column, Expr::cust("NULL"))
            .and_where(Expr::col(key).eq(post_id))
            .to_owned();
        database.execute(&update).await.unwrap();
    }
}

/// Asks for the posts to be computed, and runs all jobs there are.
async fn compute(test: &TestStore, post_ids: &[i64]) {
    // What creating the posts asked for comes first.
    let mut worker = test.worker("one", jobs::handlers(&test.store));
    worker.run_until_idle().await.unwrap();
    let mut change = Transaction::begin(&test.store, Actor::CommandLine, Action::Import)
        .await
        .unwrap();
    change.enqueue(similar::job(post_ids));
    change.commit().await.unwrap();
    let ran = worker.run_until_idle().await;
    assert_eq!(ran.unwrap(), 1, "one job, and it asks for no other");
    let left = job::Entity::find()
        .filter(job::Column::Kind.eq(similar::JOB_KIND))
        .filter(job::Column::Status.ne("done"))
        .count(test.store.database.writer());
    assert_eq!(left.await.unwrap(), 0);
}

async fn similar_to(test: &TestStore, post_id: i64) -> Vec<SimilarPost> {
    let reader = Reader::new(test.store.database.clone(), Perspective::Published);
    let found = similar::of(&reader, &[post_id], similar::MOST).await;
    assert_eq!(reader.statements().count(), 1);
    found.unwrap()
}

async fn ids(test: &TestStore, post_id: i64) -> Vec<i64> {
    let found = similar_to(test, post_id).await;
    assert!(found.is_sorted_by(|one, next| one.position < next.position));
    found.into_iter().map(|row| row.similar_post_id).collect()
}

fn reason(kind: ReasonKind, name: &str) -> Reason {
    Reason {
        kind,
        name: name.to_owned(),
    }
}

#[rstest]
#[tokio::test]
async fn a_similar_post_says_why(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let note = |title: &str| Content {
        code_language: Some("rust".into()),
        difficulty: Some(Difficulty::Advanced),
        entities: vec![EntityName {
            name: "background jobs".into(),
            kind: "problem".into(),
        }],
        stack: vec!["Axum".into()],
        ..about(title, &["SeaORM", "axum"])
    };
    let one = live(&test, note("one")).await;
    let other = live(&test, note("other")).await;
    // Makes "background jobs" rarer than the others.
    let mut third = note("third");
    third.entities.clear();
    let third = live(&test, third).await;
    live(&test, about("unrelated", &["vim"])).await;
    compute(&test, &[one, other, third]).await;

    let found = similar_to(&test, one).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].similar_post_id, other);
    assert_eq!(
        found[0].reasons,
        [
            reason(ReasonKind::Entity, "background jobs"),
            // A tool and a stack of one name are one reason.
            reason(ReasonKind::Tool, "axum"),
            reason(ReasonKind::Tool, "SeaORM"),
            reason(ReasonKind::CodeLanguage, "rust"),
            reason(ReasonKind::Difficulty, "advanced"),
        ]
    );
    assert_eq!(found[1].similar_post_id, third);
    assert_eq!(found[1].reasons[0].kind, ReasonKind::Tool);
    assert!(found[0].weight > found[1].weight);
    assert_eq!(
        serde_json::to_value(&found[0].reasons[3]).unwrap(),
        serde_json::json!({ "kind": "code_language", "name": "rust" })
    );
}

#[rstest]
#[tokio::test]
async fn what_is_rare_counts_more_than_what_is_common(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let post = live(&test, about("alpha", &["git", "loom"])).await;
    let rare = live(&test, about("beta", &["loom"])).await;
    for title in ["gamma", "delta", "epsilon", "zeta"] {
        live(&test, about(title, &["git"])).await;
    }
    compute(&test, &[post]).await;
    let found = ids(&test, post).await;
    assert_eq!(found.len(), 5);
    assert_eq!(found[0], rare);
}

#[rstest]
#[tokio::test]
async fn the_ten_best_are_kept_and_of_equals_the_newest(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let post = live(&test, about("same", &["git"])).await;
    let now = test.store.clock.now();
    let mut newest_first = Vec::new();
    for (days, letter) in (0..).zip('a'..='l') {
        let published = Some(now - TimeDelta::days(days));
        let content = about(&format!("other {letter}"), &["git"]);
        newest_first.push(create(&test, content, RevisionStatus::Published, published).await);
    }
    compute(&test, &[post]).await;
    assert_eq!(ids(&test, post).await, newest_first[..10]);
}

#[rstest]
#[tokio::test]
async fn text_and_language_alone_make_posts_similar(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let rust = |title: &str| Content {
        code_language: Some("rust".into()),
        ..about(title, &[])
    };
    let post = live(&test, rust("cancelling futures safely")).await;
    let near = live(&test, rust("what cancelling of futures leaves behind")).await;
    let far = live(&test, rust("macros by example")).await;
    compute(&test, &[post]).await;
    assert_eq!(ids(&test, post).await, [near, far]);
}

#[rstest]
#[tokio::test]
async fn drafts_have_no_similar_posts_and_are_in_no_list(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let one = live(&test, about("one", &["git"])).await;
    let two = live(&test, about("two", &["git"])).await;
    let draft = create(
        &test,
        about("draft", &["git"]),
        RevisionStatus::Drafted,
        None,
    )
    .await;
    compute(&test, &[one, two, draft]).await;
    assert_eq!(ids(&test, one).await, [two]);
    assert_eq!(ids(&test, draft).await, Vec::<i64>::new());
}

#[rstest]
#[tokio::test]
async fn a_change_reaches_those_it_concerns(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let one = live(&test, about("one", &["git"])).await;
    let two = live(&test, about("two", &["git"])).await;
    compute(&test, &[one, two]).await;

    // A new post is listed by those it resembles.
    let three = live(&test, about("three", &["git"])).await;
    compute(&test, &[three]).await;
    assert!(ids(&test, one).await.contains(&three));
    assert!(ids(&test, two).await.contains(&three));

    // One that is gone is hidden at once, and computed away later.
    unpublish(&test, three).await;
    assert_eq!(ids(&test, one).await, [two]);
    compute(&test, &[three]).await;
    assert_eq!(ids(&test, one).await, [two]);
    assert_eq!(ids(&test, three).await, Vec::<i64>::new());
    let rows = Query::select()
        .column("post_id")
        .from("similar_post")
        .to_owned();
    let rows = test.store.database.reader().query_all(&rows).await.unwrap();
    assert_eq!(rows.len(), 2);
}

#[rstest]
#[tokio::test]
async fn computing_again_changes_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(test) = TestStore::create(backend).await else {
        return;
    };
    let tools = ["git", "loom", "vim", "axum", "tokio"];
    let mut posts = Vec::new();
    for number in 0..60_usize {
        let tools = [tools[number % 5], tools[number / 5 % 5]];
        posts.push(live(&test, about(&format!("note {number}"), &tools)).await);
    }
    compute(&test, &posts).await;
    let mut before = Vec::new();
    for post in &posts {
        before.extend(similar_to(&test, *post).await);
    }
    assert_eq!(before.len(), 600);

    // In other company, too.
    compute(&test, &posts[7..9]).await;
    let mut after = Vec::new();
    for post in &posts {
        after.extend(similar_to(&test, *post).await);
    }
    assert_eq!(after, before);
}
