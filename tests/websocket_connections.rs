//! Connections of WebSockets: who gets one, and how long it lasts.

use std::time::Duration;

use alphanode::domain::permission::Role;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use crate::support::socket::{Connection, PROTOCOL, listen};
use crate::support::{Backend, Serving, TestDatabase, TestServer};
use crate::websocket::{INIT, connect, open, open_as, server};

#[tokio::test]
async fn who_does_not_introduce_himself_is_not_waited_for() {
    let mut connection = connect(&server().await).await;
    tokio::time::pause();
    assert_eq!(connection.closed().await.0, 4408);
}

#[rstest]
#[case::no_protocol(&[], 400, "BAD_REQUEST")]
#[case::another_protocol(&[("sec-websocket-protocol", "graphql-ws")], 400, "BAD_REQUEST")]
#[case::a_page_of_others(&[PROTOCOL, ("origin", "https://evil.example")], 403, "FORBIDDEN")]
#[case::a_page_of_nobody(&[PROTOCOL, ("origin", "null")], 403, "FORBIDDEN")]
#[tokio::test]
async fn who_may_not_connect_is_told_why(
    #[case] headers: &[(&'static str, &str)],
    #[case] status: u16,
    #[case] code: &str,
) {
    let address = listen(&server().await).await;
    let refusal = Connection::connect(address, headers).await.err().unwrap();
    assert_eq!(refusal.status().as_u16(), status);
    let body: Value = serde_json::from_slice(refusal.body().as_ref().unwrap()).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], code);
}

#[tokio::test]
async fn a_page_of_the_server_may_connect_among_other_protocols() {
    let address = listen(&server().await).await;
    let origin = format!("http://{address}");
    let protocols = ("sec-websocket-protocol", "graphql-ws, graphql-transport-ws");
    let connection = Connection::connect(address, &[protocols, ("origin", &origin)]).await;
    assert!(connection.is_ok());
}

#[tokio::test]
async fn what_is_no_websocket_is_told_where_to_go() {
    let address = listen(&server().await).await;
    let answer = reqwest::get(format!("http://{address}/graphql/ws"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 426);
    assert_eq!(answer.headers()["upgrade"], "websocket");
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "UPGRADE_REQUIRED");
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let address = listen(&server().await).await;
    let mut connections = Vec::new();
    for _ in 0..100 {
        connections.push(Connection::connect(address, &[PROTOCOL]).await.unwrap());
    }
    let refusal = Connection::connect(address, &[PROTOCOL])
        .await
        .err()
        .unwrap();
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.headers()["retry-after"], "10");
    // Its place is free when the server has said farewell.
    let mut last = connections.pop().unwrap();
    last.send_raw(Message::text("{")).await.unwrap();
    assert_eq!(last.closed().await.0, 4400);
    assert_eq!(last.next().await, None);
    while Connection::connect(address, &[PROTOCOL]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

/// A client that nobody is at any more: it does not answer what every WebSocket answers by itself.
#[tokio::test]
async fn who_is_not_there_any_more_is_cut() {
    let address = listen(&server().await).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /graphql/ws HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // A text, masked with nothing.
    let mut frame = vec![0x81, 0x80 | u8::try_from(INIT.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(INIT.as_bytes());
    stream.write_all(&frame).await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(br#"{"type":"connection_ack"}"#) {
        assert_ne!(stream.read_buf(&mut heard).await.unwrap(), 0);
    }
    tokio::time::pause();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    let ping = [0x89, 0x00];
    assert_eq!(heard, ping);
}

#[tokio::test]
async fn who_does_not_read_is_cut() {
    let mut connection = connect(&server().await).await;
    let ping = json!({ "type": "ping", "payload": { "x": "y".repeat(200_000) } }).to_string();
    tokio::time::pause();
    let mut sent = 0;
    while connection
        .send_raw(Message::text(ping.clone()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 1_000, "what nobody reads is kept");
    }
}

#[rstest]
#[tokio::test]
async fn a_silent_connection_ends_with_its_credential(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let mut connection = open_as(&server, &editor).await;
    let mut anonymous = open(&server, json!({})).await;
    server.test.store.clock.advance(TimeDelta::minutes(16));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    assert_eq!(connection.closed().await.0, 4403);
    anonymous.settle().await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = server().await;
    let mut waiting = connect(&server).await;
    let mut connection = open(&server, json!({})).await;
    let stop = CancellationToken::new();
    let closing = tokio::spawn(server.sockets.clone().close_after(stop.clone()));
    connection.settle().await;
    stop.cancel();
    assert_eq!(connection.closed().await.0, 1001);
    assert_eq!(waiting.closed().await.0, 1001);
    assert_eq!(connection.next().await, None);
    assert_eq!(waiting.next().await, None);
    closing.await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_stopped_says_so() {
    let database = TestDatabase::create(Backend::Sqlite).await.unwrap();
    let serving = Serving::start(&database);
    let connected = Connection::connect(serving.address, &[PROTOCOL]).await;
    let mut connection = connected.unwrap();
    connection.introduce(json!({})).await;
    assert_eq!(connection.next().await.unwrap()["type"], "connection_ack");
    serving.tell_to_stop();
    assert_eq!(connection.closed().await.0, 1001);
    assert_eq!(connection.next().await, None);
    assert!(serving.stopped().await.success());
}
