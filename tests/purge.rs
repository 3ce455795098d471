//! What is deleted when its time is over, and what is not.

use std::net::{IpAddr, Ipv4Addr};

use alphanode::domain::actor::{Actor, Caller};
use alphanode::domain::permission::{Action, Role};
use alphanode::domain::purge::{self, Step};
use alphanode::domain::session::{self, SignIn};
use alphanode::domain::transaction::Transaction;
use alphanode::domain::user::password::Passwords;
use chrono::TimeDelta;
use entity::job;
use rstest::rstest;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder};
use serde_json::json;

use crate::support::editing::{done, publish, write};
use crate::support::{Backend, TestServer, TestUser, number};

async fn fail_to_sign_in(server: &TestServer, user: &TestUser) {
    let caller = Caller {
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        ..Caller::from(Actor::Anonymous)
    };
    let input = SignIn {
        email: user.email.clone(),
        password: "a wrong password".into(),
        user_agent: None,
    };
    let store = &server.test.store;
    let refused = session::sign_in(store, &server.keys, &Passwords::new(1), caller, input).await;
    assert!(refused.is_err());
}

fn advance(server: &TestServer, time: TimeDelta) {
    server.test.store.clock.advance(time);
}

#[rstest]
#[tokio::test]
async fn each_thing_goes_when_its_time_is_over_and_not_before(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = TestServer::create(backend).await else {
        return;
    };
    server.test.store.trash_kept = Some(TimeDelta::days(100));
    let admin = server.sign_in_as(Role::Admin).await;
    server.renew(&admin).await;
    fail_to_sign_in(&server, &admin).await;
    let input = json!({ "email": "ada@example.org", "name": "Ada", "role": "EDITOR" });
    let invite = "mutation($input: InviteUserInput!) { inviteUser(input: $input) { link } }";
    let invited = server
        .ask_as(&admin.token, invite, json!({ "input": input }))
        .await;
    assert!(invited.data()["inviteUser"]["link"].is_string());
    let create = json!({ "content": { "title": "One" }, "idempotencyKey": "a key" });
    let post = done(&server, &admin, "createPost", create).await;
    let id = &post["post"]["id"];
    done(&server, &admin, "trashPost", json!({ "id": id })).await;

    let store = &server.test.store;
    let purged = || async {
        let mut purged = Vec::new();
        for step in Step::ALL {
            purged.push((step, purge::purge(store, step).await.unwrap()));
        }
        purged.retain(|(_, count)| *count > 0);
        purged
    };
    let changes = "SELECT COUNT(*) FROM audit_event WHERE action <> 'fail_to_sign_in'";
    let logged = number(server.test.store.database.writer(), changes).await;
    assert_eq!(purged().await, []);
    advance(&server, TimeDelta::hours(23));
    assert_eq!(purged().await, []);
    advance(&server, TimeDelta::hours(2));
    // A key of a day, and two counts of failures: of the account and of the address.
    assert_eq!(
        purged().await,
        [(Step::IdempotencyKeys, 1), (Step::SignInThrottles, 2)]
    );
    advance(&server, TimeDelta::days(6));
    assert_eq!(purged().await, [(Step::OneTimeLinks, 1)]);
    advance(&server, TimeDelta::days(24));
    // The token that was used once; the session is over, and still told for a while.
    assert_eq!(purged().await, [(Step::RefreshTokens, 1)]);
    advance(&server, TimeDelta::days(31));
    assert_eq!(purged().await, [(Step::Sessions, 1)]);
    assert_eq!(
        number(
            server.test.store.database.writer(),
            "SELECT COUNT(*) FROM refresh_token"
        )
        .await,
        0
    );
    advance(&server, TimeDelta::days(29));
    assert_eq!(purged().await, [(Step::FailedSignIns, 1)]);
    assert_eq!(
        number(
            server.test.store.database.writer(),
            "SELECT COUNT(*) FROM post"
        )
        .await,
        1
    );
    advance(&server, TimeDelta::days(10));
    assert_eq!(purged().await, [(Step::TrashedPosts, 1)]);
    assert_eq!(
        number(
            server.test.store.database.writer(),
            "SELECT COUNT(*) FROM post"
        )
        .await,
        0
    );
    let deleted = "SELECT COUNT(*) FROM audit_event WHERE action = 'delete' AND actor = 'worker'";
    assert_eq!(
        number(server.test.store.database.writer(), deleted).await,
        1,
        "it is told to the log"
    );
    assert_eq!(
        number(server.test.store.database.writer(), changes).await,
        logged + 1
    );
}

#[rstest]
#[tokio::test]
async fn the_trash_is_emptied_in_batches_and_keeps_what_is_wanted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let mut posts = Vec::new();
    for number in 0..60 {
        let content = json!({ "title": format!("Post {number}") });
        posts.push(write(&server, &editor, content).await);
    }
    publish(&server, &editor, &posts[0]).await;
    let release = done(&server, &editor, "createRelease", json!({ "name": "R" })).await;
    let release = &release["release"]["id"];
    let item = json!({ "release": release, "revisions": [posts[7].head] });
    let add = "mutation($input: AddToReleaseInput!) {
        addToRelease(input: $input) { userErrors { message } } }";
    let added = server
        .ask_as(&editor.token, add, json!({ "input": item }))
        .await;
    assert_eq!(added.data()["addToRelease"]["userErrors"], json!([]));
    let ids: Vec<&String> = posts[1..58].iter().map(|post| &post.id).collect();
    done(&server, &editor, "trashPosts", json!({ "ids": ids })).await;
    advance(&server, TimeDelta::days(31));
    let editor = server.sign_in_as(Role::Editor).await;
    done(&server, &editor, "trashPost", json!({ "id": posts[58].id })).await;

    let trash = Step::TrashedPosts;
    // Kept for ever, and then for a month.
    assert_eq!(purge::purge(&server.test.store, trash).await.unwrap(), 0);
    server.test.store.trash_kept = Some(TimeDelta::days(30));
    assert_eq!(purge::purge(&server.test.store, trash).await.unwrap(), 56);
    assert_eq!(purge::purge(&server.test.store, trash).await.unwrap(), 0);
    // A live one, one that a release wants, one that was put there lately, and one that is nowhere.
    assert_eq!(
        number(
            server.test.store.database.writer(),
            "SELECT COUNT(*) FROM post"
        )
        .await,
        4
    );
}

#[rstest]
#[tokio::test]
async fn a_step_that_fails_does_not_keep_the_others_from_being_taken(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    fail_to_sign_in(&server, &admin).await;
    let store = &server.test.store;
    let connection = store.database.writer();
    connection
        .execute_unprepared("ALTER TABLE one_time_link RENAME TO away")
        .await
        .unwrap();
    advance(&server, TimeDelta::days(200));
    let mut change = Transaction::begin(store, Actor::Worker, Action::Maintain)
        .await
        .unwrap();
    change.enqueue(purge::job());
    change.commit().await.unwrap();
    let mut worker = server.test.worker("one", alphanode::jobs::handlers(store));
    worker.run_until_idle().await.unwrap();

    let job = job::Entity::find()
        .order_by_desc(job::Column::Id)
        .one(connection)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(job.status, "waiting", "it is tried again");
    let error = job.last_error.unwrap();
    assert_eq!(error, "could not delete one-time links; the rest is done");
    for table in ["session", "sign_in_throttle"] {
        let rows = number(
            server.test.store.database.writer(),
            &format!("SELECT COUNT(*) FROM {table}"),
        )
        .await;
        assert_eq!(rows, 0, "{table}");
    }
    let failures = "SELECT COUNT(*) FROM audit_event WHERE action = 'fail_to_sign_in'";
    assert_eq!(
        number(server.test.store.database.writer(), failures).await,
        0
    );
}
