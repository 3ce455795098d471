//! Taking in connections, and letting go of those that hold one without using it.
//!
//! A connection has a place, of which there are so many, and half as many for one address, so that
//! nobody takes all of them; only proxies that are trusted may. It loses it when its other end is slow:
//! headers that don't come to their end, an answer that is not read ([`super::pace`]), nothing asked
//! for a while. When all places are taken, those who rest make room at once. Bodies that trickle are
//! cut by whoever reads them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::pace::{Activity, Paced};
use super::places::{Place, Places};
use super::rate_limit::Client;

/// How long requests under way may go on after the server was told to stop.
pub const DRAIN: Duration = Duration::from_secs(15);

/// The most bytes of the head of a request: its line and its headers.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The most headers of a request.
const HEADERS: usize = 100;

/// The most requests at once in one connection of HTTP/2.
const STREAMS: u32 = 100;

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(5);

/// How long who rests is left alone when somebody else waits for a place.
const CROWDED_REST: Duration = Duration::from_secs(2);

/// How often those who rest are asked for their place while somebody waits for one.
const CROWDED_LOOK: Duration = Duration::from_millis(250);

/// How long to wait after a connection could not be taken in: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What whoever has too many connections is told.
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// The place of a connection: altogether, and of its address.
pub(super) type Taken = (OwnedSemaphorePermit, Option<Place>);

/// What connections are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Go on.
    Serve,
    /// Whoever rests gives up its place.
    MakeRoom,
    /// Finish what is under way.
    Finish,
    /// Stop.
    Stop,
}

/// Serves the router until `stop`, then lets what is under way come to its end for [`DRAIN`]. Speaks
/// HTTP/1.1 and HTTP/2 (without encryption, by prior knowledge), at most `places` connections at once,
/// and half of them from one address unless it is a proxy of `proxies`.
/// Requests carry the address of the other end as [`ConnectInfo`]. Answers whether everything came to
/// its end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    places: usize,
    proxies: Vec<IpAddr>,
    stop: CancellationToken,
) -> bool {
    let builder = Arc::new(builder());
    let by_address = Places::new(places, places.div_ceil(2));
    let places = Arc::new(Semaphore::new(places));
    let (orders, _) = watch::channel(Order::Serve);
    let take_in = async {
        loop {
            let place = place(&places, &orders).await;
            let (stream, address) = accept(&listener, &orders).await;
            let peer = address.ip().to_canonical();
            let place = match by_address.take(Client::at(Some(peer))) {
                Ok(of_address) => (place, Some(of_address)),
                Err(_) if proxies.contains(&peer) => (place, None),
                Err(_) => {
                    // Who does not hear it is told by the end of the connection.
                    let _ = stream.try_write(TOO_MANY_CONNECTIONS);
                    continue;
                }
            };
            let connection = Connection {
                builder: Arc::clone(&builder),
                router: router.clone(),
                address,
                orders: orders.subscribe(),
            };
            tokio::spawn(connection.serve(stream, place));
        }
    };
    tokio::select! {
        () = take_in => {}
        () = stop.cancelled() => {}
    }
    drop(listener);
    orders.send_replace(Order::Finish);
    if timeout(DRAIN, orders.closed()).await.is_ok() {
        return true;
    }
    orders.send_replace(Order::Stop);
    orders.closed().await;
    false
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS);
    builder
        .http2()
        .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS);
    builder
}

/// A place for a connection, for which others have to make room when there is none.
async fn place(places: &Arc<Semaphore>, orders: &watch::Sender<Order>) -> OwnedSemaphorePermit {
    loop {
        let place = Arc::clone(places).acquire_owned();
        match timeout(CROWDED_LOOK, place).await {
            Ok(Ok(place)) => return place,
            // Nobody closes it.
            Ok(Err(_)) => std::future::pending().await,
            Err(_) => {
                orders.send_replace(Order::MakeRoom);
            }
        }
    }
}

/// The next connection. What goes wrong with one is its own business; when the machine has no more
/// to give, connections wait outside until it has.
async fn accept(listener: &TcpListener, orders: &watch::Sender<Order>) -> (TcpStream, SocketAddr) {
    let (mut pause, longest) = PAUSES;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::ConnectionRefused
                        | ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionReset
                ) => {}
            Err(error) => {
                tracing::error!(%error, "a connection can't be taken in");
                orders.send_replace(Order::MakeRoom);
                sleep(pause).await;
                pause = (pause * 2).min(longest);
            }
        }
    }
}

/// A connection.
struct Connection {
    builder: Arc<Builder<TokioExecutor>>,
    router: Router,
    address: SocketAddr,
    orders: watch::Receiver<Order>,
}

impl Connection {
    async fn serve(self, stream: TcpStream, place: Taken) {
        let Self {
            builder,
            router,
            address,
            mut orders,
        } = self;
        // A connection that can't be told is slower, not wrong.
        let _ = stream.set_nodelay(true);
        let activity = Arc::new(Activity::new());
        let io = TokioIo::new(Paced::new(stream, Arc::clone(&activity), place));
        let service = {
            let activity = Arc::clone(&activity);
            service_fn(move |mut request: Request<Incoming>| {
                let busy = activity.begin(request.version());
                request.extensions_mut().insert(ConnectInfo(address));
                let answer = answer(router.clone(), request.map(Body::new));
                async move {
                    let answer = answer.await;
                    drop(busy);
                    answer
                }
            })
        };
        let mut connection = pin!(builder.serve_connection_with_upgrades(io, service));
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_ending = false;
        loop {
            tokio::select! {
                biased;
                // What goes wrong with a connection is told to nobody: it is gone.
                _ = connection.as_mut() => return,
                // Its sender outlives every connection.
                _ = orders.changed() => {
                    match *orders.borrow_and_update() {
                        Order::Serve => {}
                        Order::MakeRoom if activity.rests_for(CROWDED_REST) => return,
                        Order::MakeRoom => {}
                        Order::Finish => {
                            is_ending = true;
                            connection.as_mut().graceful_shutdown();
                        }
                        Order::Stop => return,
                    }
                }
                _ = look.tick() => {
                    if activity.is_overdue() {
                        // The other end is told first, where there is a way to.
                        if is_ending {
                            return;
                        }
                        is_ending = true;
                        connection.as_mut().graceful_shutdown();
                    }
                }
            }
        }
    }
}

async fn answer(
    mut router: Router,
    request: Request<Body>,
) -> Result<axum::response::Response, Infallible> {
    // A router is always ready; asking is part of the contract.
    poll_fn(|context| Service::<Request<Body>>::poll_ready(&mut router, context)).await?;
    router.call(request).await
}
