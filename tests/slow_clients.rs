//! Clients that hold a connection without using it, over a real port. The time of the test is its own:
//! it passes when nobody has anything to do.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, pause, sleep};

use crate::support::port::{Port, next_answer, rest};
use crate::support::{Backend, TestServer};

const HONEST: &str = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const KEPT: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// A small page, one that is 100 MB, and one that waits for long.
fn router() -> Router {
    let large = || async {
        let piece = Bytes::from(vec![b'x'; 1_000_000]);
        let pieces = vec![Ok::<_, Infallible>(piece); 100];
        Body::from_stream(async_graphql::futures_util::stream::iter(pieces))
    };
    let wait = |seconds| async move {
        sleep(Duration::from_secs(seconds)).await;
        "waited"
    };
    Router::new()
        .route("/", get(async || "small"))
        .route("/large", get(large))
        .route("/wait", get(move || wait(5)))
        .route("/wait-long", get(move || wait(1_000)))
        .route("/read", post(async |body: Bytes| body.len().to_string()))
}

async fn is_honest_answered(port: &Port) {
    let answer = port.exchange(HONEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("small"), "{answer}");
}

/// Seconds until the server closes a connection.
async fn cut_after(stream: &mut TcpStream) -> u64 {
    let began = Instant::now();
    rest(stream).await;
    began.elapsed().as_secs()
}

#[rstest]
#[case::nothing("")]
#[case::half_a_line("GET / HT")]
#[case::half_a_head("GET / HTTP/1.1\r\nhost: a\r\nx-one: 1\r\n")]
#[case::half_of_http_2("PRI * HTTP/2.0\r\n\r\nSM")]
#[tokio::test]
async fn a_head_that_never_ends_is_cut(#[case] begun: &str) {
    let port = Port::open(router(), 100).await;
    let mut stream = port.connect(begun).await;
    pause();
    let seconds = cut_after(&mut stream).await;
    assert!((10..=20).contains(&seconds), "{seconds}");
    is_honest_answered(&port).await;
}

#[tokio::test]
async fn a_head_that_trickles_is_cut() {
    let port = Port::open(router(), 100).await;
    let stream = port.connect("GET / HTTP/1.1\r\n").await;
    pause();
    let (mut reader, mut writer) = stream.into_split();
    let began = Instant::now();
    let trickling = tokio::spawn(async move {
        while writer.write_all(b"x-slow: 1\r\n").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut text = String::new();
    let _ = reader.read_to_string(&mut text).await;
    let seconds = began.elapsed().as_secs();
    assert!((10..=20).contains(&seconds), "{seconds}");
    trickling.await.unwrap();
    is_honest_answered(&port).await;
}

#[tokio::test]
async fn a_connection_is_kept_for_a_while_and_then_closed() {
    let port = Port::open(router(), 100).await;
    let mut stream = port.connect(KEPT).await;
    pause();
    assert!(next_answer(&mut stream).await.ends_with("small"));
    // A proxy that comes back within a minute finds it.
    sleep(Duration::from_secs(60)).await;
    stream.write_all(KEPT.as_bytes()).await.unwrap();
    assert!(next_answer(&mut stream).await.ends_with("small"));
    let seconds = cut_after(&mut stream).await;
    assert!((75..=85).contains(&seconds), "{seconds}");

    // A second head has to come as quickly as the first.
    let mut stream = port.connect(KEPT).await;
    next_answer(&mut stream).await;
    stream.write_all(b"GET /").await.unwrap();
    let seconds = cut_after(&mut stream).await;
    assert!((10..=20).contains(&seconds), "{seconds}");
    is_honest_answered(&port).await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_cut() {
    // The one place there is is free again.
    let port = Port::open(router(), 1).await;
    let stream = port.connect("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pause();
    let began = Instant::now();
    is_honest_answered(&port).await;
    let seconds = began.elapsed().as_secs();
    assert!((25..=60).contains(&seconds), "{seconds}");
    drop(stream);
}

#[tokio::test]
async fn an_answer_that_is_read_in_crumbs_is_cut() {
    let port = Port::open(router(), 100).await;
    let mut stream = port.connect("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pause();
    let mut crumb = [0; 64];
    let mut read = 0;
    // It ends long before 100 MB are read like that.
    while let Ok(count @ 1..) = stream.read(&mut crumb).await {
        read += count;
        sleep(Duration::from_secs(1)).await;
        if read > 64 * 90 {
            break;
        }
    }
    // What is on its way already comes; then the end.
    let all = read + rest(&mut stream).await.len();
    assert!(all < 50_000_000, "{all}");
    is_honest_answered(&port).await;
}

#[tokio::test]
async fn an_answer_that_is_read_slowly_but_steadily_is_sent() {
    let port = Port::open(router(), 100).await;
    let mut stream = port
        .connect("GET /large HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    pause();
    let mut piece = vec![0; 1_000_000];
    let mut read = 0;
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        read += count;
        sleep(Duration::from_secs(2)).await;
    }
    assert!(read > 100_000_000, "{read}");
}

#[tokio::test]
async fn who_rests_makes_room_for_who_comes() {
    let port = Port::open(router(), 2).await;
    let mut resting = port.connect(KEPT).await;
    next_answer(&mut resting).await;
    let mut silent = port.connect("").await;
    pause();
    let began = Instant::now();
    is_honest_answered(&port).await;
    assert!(began.elapsed() < Duration::from_secs(4));
    assert_eq!(cut_after(&mut resting).await, 0);
    assert_eq!(cut_after(&mut silent).await, 0);
    // Who is worked for keeps its place.
    let mut first = port.connect("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut second = port.connect("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    is_honest_answered(&port).await;
    assert!(next_answer(&mut first).await.ends_with("waited"));
    assert!(next_answer(&mut second).await.ends_with("waited"));
}

#[tokio::test]
async fn nobody_takes_all_places() {
    let port = Port::open_behind(Vec::new(), router(), 4).await;
    let mut held = [port.connect(KEPT).await, port.connect(KEPT).await];
    for connection in &mut held {
        next_answer(connection).await;
    }
    let refused = port.exchange("").await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    drop(held);
    let mut answer = port.exchange(HONEST).await;
    while answer.starts_with("HTTP/1.1 503 ") {
        // The server has yet to see that they are gone.
        answer = port.exchange(HONEST).await;
    }
    assert!(answer.ends_with("small"), "{answer}");
}

#[tokio::test]
async fn stopping_lets_requests_come_to_their_end() {
    let port = Port::open(router(), 100).await;
    let mut resting = port.connect(KEPT).await;
    next_answer(&mut resting).await;
    let mut under_way = port.connect("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
    pause();
    sleep(Duration::from_millis(10)).await;
    port.stop();
    // Who asks for nothing is let go, who waits is answered and then let go.
    assert_eq!(cut_after(&mut resting).await, 0);
    let answer = rest(&mut under_way).await;
    assert!(answer.ends_with("waited"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(TcpStream::connect(port.address).await.is_err());
    assert!(port.stopped().await);
}

#[tokio::test]
async fn stopping_waits_for_a_quarter_of_a_minute() {
    let port = Port::open(router(), 100).await;
    let mut under_way = port
        .connect("GET /wait-long HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    pause();
    sleep(Duration::from_millis(10)).await;
    port.stop();
    let began = Instant::now();
    assert!(!port.stopped().await);
    assert_eq!(began.elapsed().as_secs(), 15);
    assert_eq!(rest(&mut under_way).await, "");
}

#[tokio::test]
async fn http_2_is_spoken_with_several_requests_at_once() {
    let port = Port::open(router(), 100).await;
    let stream = TcpStream::connect(port.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut ask = |path: &str| {
        let request = axum::http::Request::get(format!("http://a{path}"));
        sender.send_request(request.body(Body::empty()).unwrap())
    };
    pause();
    let began = Instant::now();
    let (one, two) = (ask("/wait"), ask("/wait"));
    let (one, two) = tokio::join!(one, two);
    assert_eq!(one.unwrap().status(), 200);
    assert_eq!(two.unwrap().status(), 200);
    assert_eq!(began.elapsed().as_secs(), 5, "both at once");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(ask("/").await.unwrap().status(), 200);
}

#[rstest]
#[case::no_http("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", "400")]
#[case::two_lengths(
    "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "400"
)]
#[case::no_length(
    "POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: many\r\n\r\nab",
    "400"
)]
#[case::no_name("GET / HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n", "400")]
#[case::many_headers(&format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "x: 1\r\n".repeat(150)), "431")]
#[case::long_header(&format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "1".repeat(70_000)), "431")]
#[case::long_path(&format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "1".repeat(70_000)), "4")]
#[tokio::test]
async fn a_head_that_makes_no_sense_is_refused(#[case] request: &str, #[case] status: &str) {
    let port = Port::open(router(), 100).await;
    let answer = port.exchange(request).await;
    let expected = format!("HTTP/1.1 {status}");
    assert!(answer.starts_with(&expected), "{answer}");
    is_honest_answered(&port).await;
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up() {
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let port = Port::open(server.router.clone(), 100).await;
    let head = "POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
        content-length: 1000\r\n\r\n";
    let stream = port.connect(head).await;
    pause();
    let (mut reader, mut writer) = stream.into_split();
    let began = Instant::now();
    tokio::spawn(async move {
        while writer.write_all(b" ").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut answer = [0; 12];
    reader.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert_eq!(began.elapsed().as_secs(), 10);
    let healthy = port
        .exchange("GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(healthy.ends_with("ok\n"), "{healthy}");
}

#[tokio::test]
async fn a_websocket_is_opened_over_it() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let server = TestServer::create(Backend::Sqlite).await.unwrap();
    let port = Port::open(server.router.clone(), 100).await;
    let address = format!("ws://{}/graphql/ws", port.address);
    let mut request = address.into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", protocol);
    let (_socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(answer.status(), 101);
}
