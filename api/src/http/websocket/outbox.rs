//! What waits to be sent to a client.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::close::Close;

/// Bytes that may wait for a client that reads slowly. Then its subscriptions wait, each with what it
/// is about to tell, until they are told that they missed something.
const BYTES: u32 = 512 * 1024;

/// What the connection has to do.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// Send a message of a subscription.
    Message(Letter),
    /// Close the connection.
    Close(Close),
}

/// A message of a subscription.
#[derive(Debug)]
pub(super) struct Letter {
    /// Which of all subscriptions of the connection; ids can be used again.
    pub(super) number: u64,
    /// Under which id.
    pub(super) id: Arc<str>,
    /// The message.
    pub(super) text: String,
    /// Whether it is the last one of the subscription.
    pub(super) last: bool,
    /// The room that it takes until it is sent.
    _room: OwnedSemaphorePermit,
}

/// Where the subscriptions of a connection put what they tell.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    outgoing: UnboundedSender<Outgoing>,
    room: Arc<Semaphore>,
}

impl Outbox {
    /// An empty outbox, and its end at the connection.
    pub(super) fn new() -> (Self, UnboundedReceiver<Outgoing>) {
        let (outgoing, receiver) = unbounded_channel();
        let room = Arc::new(Semaphore::new(BYTES as usize));
        (Self { outgoing, room }, receiver)
    }

    /// Puts a message in when there is room; one that is larger than all of the room waits until the
    /// outbox is empty.
    pub(super) async fn put(&self, number: u64, id: &Arc<str>, text: String, last: bool) {
        let bytes = u32::try_from(text.len()).unwrap_or(BYTES).min(BYTES);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes).await;
        let Ok(room) = room else { return };
        let letter = Letter {
            number,
            id: Arc::clone(id),
            text,
            last,
            _room: room,
        };
        // When the connection is gone, so is whoever wanted to know.
        let _ = self.outgoing.send(Outgoing::Message(letter));
    }

    /// Has the connection closed when what was put in before is sent.
    pub(super) fn close(&self, why: Close) {
        let _ = self.outgoing.send(Outgoing::Close(why));
    }
}
