//! Whatever is published while processes are killed is told, and nothing else is.

use std::cell::Cell;
use std::collections::HashSet;

use alphanode::domain::post::SavedPost;
use rstest::rstest;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use super::Scale;
use super::client::Client;
use super::fleet::Fleet;
use super::publications::{drafts, prepare};
use super::receiver::Receiver;
use crate::support::perspective::id;
use crate::support::{Backend, TestDatabase, number};

const ENDPOINT: &str = "mutation ($input: CreateWebhookEndpointInput!) {
    createWebhookEndpoint(input: $input) { secret userErrors { message } }
}";

const PUBLISH: &str = "mutation ($input: PublishPostInput!) {
    publishPost(input: $input) { post { id } userErrors { code } }
}";

/// Publishes all of them, and tries in between what is refused and leaves nothing behind.
async fn publish_all(client: &Client, posts: &[SavedPost]) {
    let publish = async |post: &SavedPost, revision_id: i64, key: Option<String>| {
        let input = json!({
            "id": id("Post", post.post_id),
            "revision": id("Revision", revision_id),
            "idempotencyKey": key,
        });
        let data = client.ask(PUBLISH, json!({ "input": input })).await;
        data["publishPost"].clone()
    };
    for (number, post) in posts.iter().enumerate() {
        let of_another = posts[(number + 1) % posts.len()].revision_id;
        let refused = publish(post, of_another, None).await;
        assert_eq!(refused["post"], Value::Null, "{refused}");
        let published = publish(post, post.revision_id, Some(format!("publish {number}"))).await;
        assert_eq!(published["userErrors"], json!([]));
    }
}

#[rstest]
#[tokio::test]
async fn what_is_published_is_told_whoever_is_killed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(database) = TestDatabase::create(backend).await else {
        return;
    };
    let scale = Scale::of_this_run();
    let (posts, token) = prepare(&database, drafts(scale.posts)).await;
    let (receiver, address) = Receiver::start().await;
    let mut fleet = Fleet::start(database.url());
    let client = Client::new(fleet.address, token);
    let input = json!({ "url": format!("http://{address}/"), "eventTypes": ["POST_PUBLISHED"],
                        "description": "chaos" });
    let made = client.ask(ENDPOINT, json!({ "input": input })).await;
    let made = &made["createWebhookEndpoint"];
    assert_eq!(made["userErrors"], json!([]));
    receiver.trust(made["secret"].as_str().unwrap());

    let connection = database.connect().await;
    let count = async |sql: &str| number(&connection, sql).await;
    let published = Cell::new(false);
    let publish = async {
        publish_all(&client, &posts).await;
        published.set(true);
    };
    let torment = fleet.torment(scale.kills, 50..750, async || {
        // What failed would be tried again after seconds, then minutes.
        let hurry = "UPDATE job SET due_at = created_at
                     WHERE kind = 'deliver_webhook' AND status = 'waiting'";
        connection.execute_unprepared(hurry).await.unwrap();
        let pending = "SELECT COUNT(*) FROM webhook_delivery WHERE status <> 'delivered'";
        published.get() && count(pending).await == 0
    });
    tokio::join!(publish, torment);
    eprintln!("{backend:?}: {} kills", fleet.kills);
    drop(fleet);

    let messages = receiver.messages();
    let repeated = messages
        .values()
        .filter(|message| message.times > 1)
        .count();
    eprintln!(
        "{backend:?}: {} events, {repeated} of them told again",
        messages.len()
    );
    assert!(repeated > 0, "nothing failed");
    let never = messages.values().find(|message| !message.taken);
    assert!(never.is_none(), "{never:?}");
    let told: HashSet<String> = messages.into_keys().collect();
    let statement = Statement::from_string(
        connection.get_database_backend(),
        "SELECT message_id FROM webhook_event",
    );
    let written = connection.query_all_raw(statement).await.unwrap();
    let written: HashSet<String> = written
        .iter()
        .map(|row| row.try_get_by_index(0).unwrap())
        .collect();
    assert_eq!(
        told, written,
        "every event that was committed, and no other"
    );
    assert_eq!(written.len(), posts.len(), "an event for each post");
    let posts = i64::try_from(posts.len()).unwrap();
    assert_eq!(count("SELECT COUNT(*) FROM publication").await, posts);
    let stuck = "SELECT COUNT(*) FROM job WHERE kind = 'deliver_webhook' AND status <> 'done'";
    assert_eq!(count(stuck).await, 0);
}
