//! One connection: what it hears, what it says, and when it ends.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::MESSAGE_BYTES;
use super::close::{Close, End};
use super::message::{ClientMessage, ServerMessage};
use super::operation::Operation;
use super::outbox::{Outbox, Outgoing};
use super::session::Session;
use crate::graphql::limits::refusal;
use crate::http::Server;
use crate::http::authenticate::Origin;
use crate::http::graphql::Call;

/// How long it may take until a client has introduced itself and is let in.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// How often a client is asked whether it is still there. One from which nothing came since the last
/// time is not.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// How long it may take a client to read one message.
const READING: Duration = Duration::from_secs(10);

/// How long a client may take to close a connection from its end.
const GOODBYE: Duration = Duration::from_secs(2);

/// Subscriptions of a connection at once.
const SUBSCRIPTIONS: usize = 50;

/// One connection.
pub(super) struct Connection {
    server: Arc<Server>,
    origin: Origin,
    socket: WebSocket,
    stop: CancellationToken,
    state: State,
    /// Whether anything came from the client since it was last asked.
    heard: bool,
    /// How many subscriptions there were.
    count: u64,
    subscriptions: HashMap<Arc<str>, Subscription>,
    /// What runs for the connection, and ends with it.
    tasks: JoinSet<()>,
    outbox: Outbox,
    outgoing: UnboundedReceiver<Outgoing>,
}

/// How far client and server have come in knowing each other.
enum State {
    Waiting,
    Introducing(Pin<Box<dyn Future<Output = Result<Session, Close>> + Send>>),
    LetIn(Arc<Session>),
}

impl State {
    /// The session, as soon as it is known; never when none is being found out.
    async fn introduced(&mut self) -> Result<Session, Close> {
        match self {
            Self::Introducing(session) => session.await,
            Self::Waiting | Self::LetIn(_) => pending().await,
        }
    }
}

/// A subscription that goes on.
struct Subscription {
    number: u64,
    task: AbortHandle,
}

impl Connection {
    /// The connection of a client that has not said anything yet.
    pub(super) fn new(
        server: Arc<Server>,
        origin: Origin,
        socket: WebSocket,
        stop: CancellationToken,
    ) -> Self {
        let (outbox, outgoing) = Outbox::new();
        Self {
            server,
            origin,
            socket,
            stop,
            state: State::Waiting,
            heard: true,
            count: 0,
            subscriptions: HashMap::new(),
            tasks: JoinSet::new(),
            outbox,
            outgoing,
        }
    }

    /// Serves the client until one of the two has had enough.
    pub(super) async fn serve(mut self) {
        let Err(end) = self.run().await;
        // Nothing is worked out any more while the other end takes its time.
        self.tasks.abort_all();
        let mut socket = self.socket;
        let goodbye = async {
            match end {
                End::Closed(close) => socket.send(Message::Close(Some(close.into()))).await.ok(),
                End::Left => Some(()),
                End::Cut => None,
            }?;
            // A socket that is dropped while something comes is reset, and what was said last lost.
            while let Some(Ok(_)) = socket.recv().await {}
            Some(())
        };
        // Whoever does not listen does not hear it.
        let _ = timeout(GOODBYE, goodbye).await;
    }

    async fn run(&mut self) -> Result<Infallible, End> {
        let now = Instant::now();
        let mut keep_alive = interval_at(now + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_let_in = matches!(self.state, State::LetIn(_));
            tokio::select! {
                () = self.stop.cancelled() => return Err(Close::Stopping.into()),
                () = sleep_until(now + INTRODUCTION), if !is_let_in => {
                    return Err(Close::TooLate.into());
                }
                session = self.state.introduced() => self.let_in(session?).await?,
                message = self.socket.recv() => self.hear(message).await?,
                Some(outgoing) = self.outgoing.recv() => self.tell(outgoing).await?,
                Some(ended) = self.tasks.join_next() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        return Err(Close::Fault(self.origin.request_id.clone()).into());
                    }
                }
                _ = keep_alive.tick() => self.keep_alive().await?,
            }
        }
    }

    async fn let_in(&mut self, session: Session) -> Result<(), End> {
        let session = Arc::new(session);
        let watch = Arc::clone(&session).watch(self.outbox.clone());
        self.tasks.spawn(watch);
        self.state = State::LetIn(session);
        self.say(&ServerMessage::ConnectionAck).await
    }

    async fn hear(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = true;
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Close(_))) | None => return Err(End::Left),
            Some(Ok(Message::Binary(_))) => {
                return Err(Close::BadMessage("send text, not binary".into()).into());
            }
            Some(Err(error)) => return Err(Close::BadMessage(error.to_string()).into()),
        };
        if text.len() > MESSAGE_BYTES {
            let why = format!("{MESSAGE_BYTES} bytes are the most");
            return Err(Close::BadMessage(why).into());
        }
        match ClientMessage::read(&text)? {
            ClientMessage::ConnectionInit { payload } => {
                let State::Waiting = self.state else {
                    return Err(Close::Again.into());
                };
                let (server, origin) = (Arc::clone(&self.server), self.origin.clone());
                let session = Session::begin(server, origin, payload.unwrap_or_default());
                self.state = State::Introducing(Box::pin(session));
            }
            ClientMessage::Ping { payload } => self.say(&ServerMessage::Pong { payload }).await?,
            ClientMessage::Pong {} => {}
            ClientMessage::Subscribe { id, payload } => self.subscribe(id, payload).await?,
            ClientMessage::Complete { id } => {
                if let Some(subscription) = self.subscriptions.remove(id.as_str()) {
                    subscription.task.abort();
                }
            }
        }
        Ok(())
    }

    async fn subscribe(&mut self, id: String, call: Call) -> Result<(), End> {
        let State::LetIn(session) = &self.state else {
            return Err(Close::NotAcknowledged.into());
        };
        if self.subscriptions.contains_key(id.as_str()) {
            return Err(Close::Taken(id).into());
        }
        if self.subscriptions.len() == SUBSCRIPTIONS {
            let message = format!(
                "a connection carries {SUBSCRIPTIONS} subscriptions at most; end some, or connect \
                 once more"
            );
            let payload = &[refusal("SUBSCRIPTION_LIMIT", message)];
            return self.say(&ServerMessage::Error { id: &id, payload }).await;
        }
        self.count += 1;
        let (id, number) = (Arc::<str>::from(id), self.count);
        let operation = Operation {
            number,
            id: Arc::clone(&id),
            session: Arc::clone(session),
            outbox: self.outbox.clone(),
        };
        let task = self.tasks.spawn(operation.run(call));
        self.subscriptions.insert(id, Subscription { number, task });
        Ok(())
    }

    async fn tell(&mut self, outgoing: Outgoing) -> Result<(), End> {
        let letter = match outgoing {
            Outgoing::Message(letter) => letter,
            Outgoing::Close(close) => return Err(close.into()),
        };
        // The client may have ended it, and used its id again, while this waited.
        let subscription = self.subscriptions.get(&letter.id);
        if subscription.is_none_or(|subscription| subscription.number != letter.number) {
            return Ok(());
        }
        if letter.last {
            self.subscriptions.remove(&letter.id);
        }
        self.send(Message::Text(letter.text.into())).await
    }

    /// Asks the client whether it is there. Every WebSocket answers this by itself, so that clients
    /// which never heard of the protocol's own pings are not cut.
    async fn keep_alive(&mut self) -> Result<(), End> {
        if !std::mem::take(&mut self.heard) {
            return Err(End::Cut);
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn say(&mut self, message: &ServerMessage<'_>) -> Result<(), End> {
        match message.write() {
            Ok(text) => self.send(Message::Text(text.into())).await,
            Err(error) => {
                let request_id = &self.origin.request_id;
                tracing::error!(request_id, %error, "a message can't be written");
                Err(Close::Fault(request_id.clone()).into())
            }
        }
    }

    /// Sends a message. A client that does not take it in time gets no other: nothing of it is kept.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        tokio::select! {
            biased;
            sent = timeout(READING, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Cut),
            },
            () = self.stop.cancelled() => Err(End::Cut),
        }
    }
}
