//! The server as it is reached over a real port.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use alphanode::http::serve::serve;
use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A router behind a port of its own.
pub struct Port {
    pub address: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<bool>,
}

impl Port {
    /// Serves a router to so many connections at once, all of which the test may have.
    pub async fn open(router: Router, places: usize) -> Self {
        Self::open_behind(vec![Ipv4Addr::LOCALHOST.into()], router, places).await
    }

    /// The same behind these proxies.
    pub async fn open_behind(proxies: Vec<IpAddr>, router: Router, places: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(serve(listener, router, places, proxies, stop.clone()));
        Self {
            address,
            stop,
            serving,
        }
    }

    /// Connects, and sends these bytes.
    pub async fn connect(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Sends a request, and answers all that comes back until the server closes the connection.
    pub async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect(request).await;
        rest(&mut stream).await
    }

    /// Tells the server to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has. Answers whether everything came to its end.
    pub async fn stopped(self) -> bool {
        self.serving.await.unwrap()
    }
}

/// All that comes until the other end closes the connection, in good order or not.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        bytes.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The head and the body of the next answer, which says how long it is.
pub async fn next_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let mut lines = head.lines();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return text;
            }
        }
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the connection ended after {text:?}");
        text += std::str::from_utf8(&buffer[..count]).unwrap();
    }
}
