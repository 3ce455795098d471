//! Many plans that are due at the same time.

use alphanode::domain::permission::Role;
use alphanode::domain::post::{Content, RevisionStatus};
use chrono::TimeDelta;
use rstest::rstest;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::support::editing::done;
use crate::support::perspective::id;
use crate::support::{Backend, TestServer, TestUser, note, number};

const AT: &str = "2026-06-01T12:05:00Z";

async fn work(server: &TestServer) {
    let handlers = alphanode::jobs::handlers(&server.test.store);
    let mut worker = server.test.worker("one", handlers);
    worker.run_until_idle().await.unwrap();
}

/// Posts, as ids.
async fn posts(server: &TestServer, count: usize, status: RevisionStatus) -> Vec<String> {
    let post = |number: usize| {
        let content = Content {
            title: format!("{} {number}", status.as_str()),
            body: "Text.".into(),
            ..Content::default()
        };
        note(content, status)
    };
    let saved = server.create_posts((0..count).map(post).collect()).await;
    saved.iter().map(|post| id("Post", post.post_id)).collect()
}

async fn plan(server: &TestServer, user: &TestUser, post: &str, times: Value) {
    let mut input = times;
    input["id"] = json!(post);
    done(server, user, "schedulePost", input).await;
}

async fn total(server: &TestServer) -> i64 {
    let data = server.data("{ posts { totalCount } }", json!({})).await;
    data["posts"]["totalCount"].as_i64().unwrap()
}

#[rstest]
#[tokio::test]
async fn what_is_due_at_once_is_carried_out_at_once_and_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let leaver = server.sign_in_as(Role::Editor).await;
    let drafts = posts(&server, 250, RevisionStatus::Drafted).await;
    let live = posts(&server, 20, RevisionStatus::Published).await;
    let (theirs, mine) = drafts.split_at(3);
    for post in theirs {
        plan(&server, &leaver, post, json!({ "at": AT })).await;
    }
    for post in mine {
        plan(&server, &editor, post, json!({ "at": AT })).await;
    }
    for post in &live {
        plan(&server, &editor, post, json!({ "unpublishAt": AT })).await;
    }
    // One moved, one called off, one live by hand; and one that goes out of sight a little later.
    let later = "2026-06-01T12:07:00Z";
    plan(&server, &editor, &mine[0], json!({ "at": later })).await;
    done(&server, &editor, "cancelSchedule", json!({ "id": mine[1] })).await;
    let for_a_while = json!({ "at": AT, "unpublishAt": later });
    plan(&server, &editor, &mine[2], for_a_while).await;
    let connection = server.test.store.database.writer();
    let disable = format!(
        "UPDATE \"user\" SET disabled_at = created_at WHERE id = {}",
        leaver.id
    );
    connection.execute_unprepared(&disable).await.unwrap();

    work(&server).await;
    assert_eq!(total(&server).await, 20, "nothing is due yet");
    server.test.store.clock.advance(TimeDelta::minutes(5));
    work(&server).await;
    assert_eq!(total(&server).await, 245);
    let failed = "SELECT COUNT(*) FROM audit_event WHERE action = 'schedule_failed'";
    assert_eq!(number(connection, failed).await, 3);
    let plans = "SELECT COUNT(*) FROM post_schedule";
    assert_eq!(number(connection, plans).await, 2);
    let lines = "SELECT COUNT(*) FROM job_log_line WHERE line LIKE 'carried out 265 plans%'";
    assert_eq!(number(connection, lines).await, 1, "together");
    let twice = "SELECT COUNT(*) FROM (SELECT post_id FROM publication
        GROUP BY post_id HAVING COUNT(*) > 1) AS twice";
    assert_eq!(number(connection, twice).await, 0);

    server.test.store.clock.advance(TimeDelta::minutes(2));
    work(&server).await;
    assert_eq!(total(&server).await, 245, "one came and one went");
    assert_eq!(number(connection, plans).await, 0);
    let open = "SELECT COUNT(*) FROM job WHERE kind = 'scheduled_post' AND status <> 'done'";
    assert_eq!(
        number(connection, open).await,
        3,
        "the leaver's, which are dead"
    );
}

/// Something that fails when all are carried out together keeps nobody else from it.
#[rstest]
#[tokio::test]
async fn one_that_fails_does_not_stop_the_others(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let drafts = posts(&server, 6, RevisionStatus::Drafted).await;
    for post in &drafts {
        plan(&server, &editor, post, json!({ "at": AT })).await;
    }
    // A slug that another post has taken past the program: the database refuses it.
    let connection = server.test.store.database.writer();
    let taken = "UPDATE post_content SET slug = 'drafted-0' WHERE slug = 'drafted-1'";
    connection.execute_unprepared(taken).await.unwrap();
    server.test.store.clock.advance(TimeDelta::minutes(5));
    work(&server).await;
    assert_eq!(total(&server).await, 5);
    let waiting = "SELECT COUNT(*) FROM job WHERE kind = 'scheduled_post' AND status = 'waiting'";
    assert_eq!(number(connection, waiting).await, 1, "it is tried again");
}

/// A client's clock may tell nanoseconds; the databases keep microseconds.
#[rstest]
#[tokio::test]
async fn a_time_that_is_finer_than_the_databases_keep_is_carried_out(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let drafts = posts(&server, 3, RevisionStatus::Drafted).await;
    plan(
        &server,
        &editor,
        &drafts[0],
        json!({ "at": "2026-06-01T12:05:00.000000999Z" }),
    )
    .await;
    for draft in &drafts[1..] {
        plan(
            &server,
            &editor,
            draft,
            json!({ "at": "2026-06-01T12:06:00.123456789Z" }),
        )
        .await;
    }
    server.test.store.clock.advance(TimeDelta::seconds(301));
    work(&server).await;
    assert_eq!(total(&server).await, 1, "alone");
    server.test.store.clock.advance(TimeDelta::seconds(60));
    work(&server).await;
    assert_eq!(total(&server).await, 3, "together");
}
