//! The protocol `graphql-transport-ws` as clients meet it that keep to it, and others.

use alphanode::domain::permission::Role;
use rstest::rstest;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::editing::{publish, write};
use crate::support::socket::{Connection, PROTOCOL, listen};
use crate::support::{Backend, TestServer, TestUser};

const POST_CHANGED: &str = "subscription { postChanged { action } }";

pub async fn server() -> TestServer {
    TestServer::create(Backend::Sqlite).await.unwrap()
}

/// A connection that nobody has introduced.
pub async fn connect(server: &TestServer) -> Connection {
    let address = listen(server).await;
    Connection::connect(address, &[PROTOCOL]).await.unwrap()
}

/// A connection that is let in.
pub async fn open(server: &TestServer, introduction: Value) -> Connection {
    let mut connection = Connection::open(server, introduction).await;
    assert_eq!(
        connection.next().await.unwrap(),
        json!({ "type": "connection_ack" })
    );
    connection
}

pub async fn open_as(server: &TestServer, user: &TestUser) -> Connection {
    let authorization = format!("Bearer {}", user.token);
    open(server, json!({ "authorization": authorization })).await
}

#[rstest]
#[case::no_json(&["{"], 4400)]
#[case::no_object(&["[]"], 4400)]
#[case::unknown(&[r#"{"type":"start","id":"1","payload":{}}"#], 4400)]
#[case::a_message_of_the_server(&[r#"{"type":"connection_ack"}"#], 4400)]
#[case::no_id(&[INIT, r#"{"type":"subscribe","payload":{"query":"{a}"}}"#], 4400)]
#[case::no_payload(&[INIT, r#"{"type":"subscribe","id":"1"}"#], 4400)]
#[case::variables_that_are_none(
    &[INIT, r#"{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":"x"}}"#],
    4400
)]
#[case::payload_that_is_none(&[r#"{"type":"connection_init","payload":"x"}"#], 4400)]
#[case::token_that_is_none(
    &[r#"{"type":"connection_init","payload":{"authorization":5}}"#],
    4400
)]
#[case::perspective_that_is_none(
    &[r#"{"type":"connection_init","payload":{"perspective":"revision:x"}}"#],
    4400
)]
#[case::not_introduced(&[SUBSCRIBE], 4401)]
#[case::bad_token(
    &[r#"{"type":"connection_init","payload":{"authorization":"Bearer nonsense"}}"#],
    4403
)]
#[case::drafts_for_nobody(
    &[r#"{"type":"connection_init","payload":{"perspective":"draft"}}"#],
    4403
)]
#[case::introduced_twice(&[INIT, INIT], 4429)]
#[tokio::test]
async fn who_does_not_keep_to_the_protocol_is_told_how(
    #[case] messages: &[&str],
    #[case] expected: u16,
) {
    let mut connection = connect(&server().await).await;
    for message in messages {
        let _ = connection.send_raw(Message::text(*message)).await;
    }
    let (code, reason) = connection.closed().await;
    assert_eq!(code, expected, "{reason}");
    assert!(!reason.is_empty());
}

pub const INIT: &str = r#"{"type":"connection_init"}"#;
const SUBSCRIBE: &str =
    r#"{"type":"subscribe","id":"1","payload":{"query":"subscription{postChanged{id}}"}}"#;

#[tokio::test]
async fn bytes_and_very_long_messages_are_refused() {
    let server = server().await;
    let mut connection = connect(&server).await;
    let bytes = Message::binary(INIT.as_bytes());
    connection.send_raw(bytes).await.unwrap();
    assert_eq!(connection.closed().await.0, 4400);

    let mut connection = connect(&server).await;
    let long = json!({ "type": "ping", "payload": { "x": "y".repeat(300_000) } });
    connection.send(long).await;
    let (code, reason) = connection.closed().await;
    assert_eq!(code, 4400);
    assert!(reason.contains("bytes"), "{reason}");
}

#[tokio::test]
async fn an_id_is_for_one_subscription_at_a_time() {
    let server = server().await;
    let editor = server.sign_in_as(Role::Editor).await;
    let mut connection = open_as(&server, &editor).await;
    connection.subscribe(POST_CHANGED).await;
    connection
        .send(json!({ "id": "1", "type": "complete" }))
        .await;
    // Of nothing that goes on.
    connection
        .send(json!({ "id": "9", "type": "complete" }))
        .await;
    connection.subscribe(POST_CHANGED).await;
    connection.settle().await;
    write(&server, &editor, json!({ "title": "Told once" })).await;
    let told = connection.next().await.unwrap();
    assert_eq!(told["payload"]["data"]["postChanged"]["action"], "create");
    connection.settle().await;

    connection.subscribe(POST_CHANGED).await;
    let (code, reason) = connection.closed().await;
    assert_eq!(code, 4409);
    assert_eq!(reason, "Subscriber for 1 already exists");
}

#[tokio::test]
async fn what_can_not_be_subscribed_to_leaves_the_connection_as_it_is() {
    let server = server().await;
    let editor = server.sign_in_as(Role::Editor).await;
    let mut connection = open_as(&server, &editor).await;
    for (document, code) in [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ posts { totalCount } }", "METHOD_NOT_ALLOWED"),
        (
            "mutation { signOut { userErrors { code } } }",
            "METHOD_NOT_ALLOWED",
        ),
        (
            "subscription { postChanged { ...A } } fragment A on PostChanged { ...A }",
            "FRAGMENT_CYCLE",
        ),
        (
            r#"subscription { postChanged(ids: ["nonsense"]) { id } }"#,
            "BAD_USER_INPUT",
        ),
    ] {
        connection.subscribe(document).await;
        let told = connection.next().await.unwrap();
        assert_eq!(told["type"], "error", "{told:#}");
        assert_eq!(told["id"], "1");
        assert_eq!(told["payload"][0]["extensions"]["code"], code, "{told:#}");
    }
    // The id is free, and the connection as good as it was.
    connection.subscribe(POST_CHANGED).await;
    connection.settle().await;
    write(&server, &editor, json!({ "title": "Seen" })).await;
    assert_eq!(connection.next().await.unwrap()["type"], "next");
}

#[tokio::test]
async fn a_connection_carries_so_many_subscriptions() {
    let server = server().await;
    let editor = server.sign_in_as(Role::Editor).await;
    let mut connection = open_as(&server, &editor).await;
    for id in 0..50 {
        connection.subscribe_as(&id.to_string(), POST_CHANGED).await;
    }
    connection.subscribe_as("more", POST_CHANGED).await;
    let told = connection.next().await.unwrap();
    assert_eq!(told["id"], "more");
    let code = &told["payload"][0]["extensions"]["code"];
    assert_eq!(code, "SUBSCRIPTION_LIMIT");
    connection
        .send(json!({ "id": "0", "type": "complete" }))
        .await;
    connection.subscribe_as("more", POST_CHANGED).await;
    connection.settle().await;
    write(&server, &editor, json!({ "title": "For all" })).await;
    for _ in 0..50 {
        assert_eq!(connection.next().await.unwrap()["type"], "next");
    }
}

#[tokio::test]
async fn a_ping_is_answered_with_what_it_carries() {
    let mut connection = connect(&server().await).await;
    for message in [
        json!({ "type": "ping" }),
        json!({ "type": "ping", "payload": { "sent": 7 } }),
    ] {
        connection.send(message.clone()).await;
        let mut answer = connection.next().await.unwrap();
        assert_eq!(answer["type"], "pong");
        answer["type"] = json!("ping");
        assert_eq!(answer, message);
    }
    connection.send(json!({ "type": "pong" })).await;
    connection.settle().await;
}

#[rstest]
#[tokio::test]
async fn another_role_ends_what_was_subscribed_to(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let admin = server.sign_in_as(Role::Admin).await;
    let editor = server.sign_in_as(Role::Editor).await;
    let mut connection = open_as(&server, &editor).await;
    connection.subscribe(POST_CHANGED).await;
    connection.settle().await;
    let users = "{ users(first: 100) { nodes { id email } } }";
    let users = server.ask_as(&admin.token, users, json!({})).await;
    let users = users.data()["users"]["nodes"].as_array().unwrap().clone();
    let user = users.iter().find(|user| user["email"] == editor.email);
    let change = "mutation($input: UpdateUserInput!) { \
                  updateUser(input: $input) { userErrors { message } } }";
    let input = json!({ "id": user.unwrap()["id"], "role": "VIEWER" });
    let changed = server
        .ask_as(&admin.token, change, json!({ "input": input }))
        .await;
    assert_eq!(changed.data()["updateUser"]["userErrors"], json!([]));

    let post = write(&server, &admin, json!({ "title": "Hidden" })).await;
    publish(&server, &admin, &post).await;
    let told = connection.next().await.unwrap();
    assert_eq!(told["type"], "error", "{told:#}");
    let code = &told["payload"][0]["extensions"]["code"];
    assert_eq!(code, "UNAUTHENTICATED");
    assert_eq!(connection.closed().await.0, 4403);
}
