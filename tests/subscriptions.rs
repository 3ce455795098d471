//! What happens is told over a WebSocket, to those who may know it.

use alphanode::domain::permission::Role;
use rstest::rstest;
use serde_json::json;

use crate::support::editing::{publish, revise, write};
use crate::support::socket::Connection;
use crate::support::{Backend, TestServer};

#[rstest]
#[tokio::test]
async fn editors_are_told_what_happens_to_posts(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let watched = write(&server, &editor, json!({ "title": "Watched" })).await;
    let other = write(&server, &editor, json!({ "title": "Other" })).await;
    let introduction = json!({
        "authorization": format!("Bearer {}", editor.token),
        "perspective": "draft",
    });
    let mut connection = Connection::open(&server, introduction).await;
    assert_eq!(connection.next().await.unwrap()["type"], "connection_ack");
    let document = format!(
        "subscription {{ postChanged(ids: [\"{}\"]) {{ id action post {{ title }} }} }}",
        watched.id
    );
    connection.subscribe(&document).await;
    // A message that is answered tells that the one before it was taken in.
    connection.send(json!({ "type": "ping" })).await;
    assert_eq!(connection.next().await.unwrap()["type"], "pong");

    revise(&server, &editor, &other, json!({ "title": "Unseen" })).await;
    let watched = revise(&server, &editor, &watched, json!({ "title": "Seen" })).await;
    publish(&server, &editor, &watched).await;
    for action in ["revise", "publish"] {
        let told = connection.next().await.unwrap();
        let changed = &told["payload"]["data"]["postChanged"];
        assert_eq!(changed["action"], action, "{told:#}");
        assert_eq!(changed["id"], watched.id.as_str());
        assert_eq!(changed["post"]["title"], "Seen");
    }

    // Signing out ends what was subscribed to.
    let sign_out = "mutation { signOut { userErrors { code } } }";
    server.ask_as(&editor.token, sign_out, json!({})).await;
    let again = server.sign_in_as(Role::Editor).await;
    revise(&server, &again, &watched, json!({ "title": "Hidden" })).await;
    let told = connection.next().await.unwrap();
    assert!(!told.to_string().contains("Hidden"), "{told:#}");
    assert!(told.to_string().contains("UNAUTHENTICATED"), "{told:#}");
}

#[rstest]
#[tokio::test]
async fn strangers_and_other_operations_are_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let bad = json!({ "authorization": "Bearer nonsense" });
    let mut connection = Connection::open(&server, bad).await;
    assert_eq!(connection.next().await, None);
    let mut connection = Connection::open(&server, json!({ "perspective": "draft" })).await;
    assert_eq!(connection.next().await, None);

    let mut connection = Connection::open(&server, json!({})).await;
    assert_eq!(connection.next().await.unwrap()["type"], "connection_ack");
    connection
        .subscribe("subscription { postChanged { id } }")
        .await;
    let told = connection.next().await.unwrap();
    assert!(told.to_string().contains("UNAUTHENTICATED"), "{told:#}");

    for document in [
        "{ posts { totalCount } }",
        "subscription { postChanged { ...A } } fragment A on PostChanged { ...A }",
    ] {
        let mut connection = Connection::open(&server, json!({})).await;
        assert_eq!(connection.next().await.unwrap()["type"], "connection_ack");
        connection.subscribe(document).await;
        let told = connection.next().await.unwrap();
        assert!(told.to_string().contains("code"), "{told:#}");
        assert!(!told.to_string().contains("totalCount\":"), "{told:#}");
    }
}
