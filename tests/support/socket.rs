//! A client that is told over a WebSocket what happens.

use std::net::SocketAddr;

use async_graphql::futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::TestServer;

/// What a client offers that speaks our protocol.
pub const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

/// A client's end of a connection.
pub struct Connection(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The router on a port of this machine.
pub async fn listen(server: &TestServer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = server
        .router
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

impl Connection {
    /// Connects to the router over a real socket, and introduces itself.
    pub async fn open(server: &TestServer, introduction: Value) -> Self {
        let address = listen(server).await;
        let mut connection = Self::connect(address, &[PROTOCOL]).await.unwrap();
        connection.introduce(introduction).await;
        connection
    }

    /// Connects with these headers; answers the refusal when there is one.
    pub async fn connect(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Box<Response<Option<Vec<u8>>>>> {
        let mut request = format!("ws://{address}/graphql/ws")
            .into_client_request()
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(refusal)) => Err(refusal),
            Err(error) => panic!("{error}"),
        }
    }

    /// Says who connects.
    pub async fn introduce(&mut self, payload: Value) {
        let init = json!({ "type": "connection_init", "payload": payload });
        self.send(init).await;
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string()))
            .await
            .unwrap();
    }

    /// Sends whatever it is.
    pub async fn send_raw(&mut self, message: Message) -> Result<(), Error> {
        self.0.send(message).await
    }

    /// Subscribes, under the id 1.
    pub async fn subscribe(&mut self, document: &str) {
        self.subscribe_as("1", document).await;
    }

    /// Subscribes under an id.
    pub async fn subscribe_as(&mut self, id: &str, document: &str) {
        let payload = json!({ "query": document });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload }))
            .await;
    }

    /// Waits until the server has taken in everything that was sent before.
    pub async fn settle(&mut self) {
        self.send(json!({ "type": "ping" })).await;
        assert_eq!(self.next().await.unwrap()["type"], "pong");
    }

    /// The next message; none when the server closes the connection.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The code and the reason with which the server closes the connection, whatever it says before.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.0.next().await.expect("a word of farewell").unwrap() {
                Message::Close(frame) => {
                    let frame = frame.expect("a code");
                    return (frame.code.into(), frame.reason.to_string());
                }
                Message::Binary(bytes) => panic!("{bytes:?}"),
                _ => {}
            }
        }
    }
}
