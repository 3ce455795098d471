//! A form in small pieces. What takes a form apart holds on to everything until it finds the end of a
//! boundary or of the headers of a part; this is what keeps it from holding more than a little.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use async_graphql::futures_util::Stream;
use axum::body::{Body, BodyDataStream, Bytes};

/// The most bytes of a piece.
const PIECE_BYTES: usize = 64 * 1024;

/// The most bytes that may be held without anything coming of them: what stands before the first part
/// and the headers of a part have to fit.
const HELD_BYTES: usize = PIECE_BYTES + 32 * 1024;

/// What was handed on and nothing has come of yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<State>);

#[derive(Debug, Default)]
struct State {
    bytes: AtomicUsize,
    was_too_much: AtomicBool,
}

impl Held {
    /// Notes that something came of it: a part, or some of one.
    pub(super) fn release(&self) {
        self.0.bytes.store(0, Ordering::Relaxed);
    }

    /// Whether it became too much, and the form was broken off.
    pub(super) fn was_too_much(&self) -> bool {
        self.0.was_too_much.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) -> Result<(), TooMuch> {
        let held = self.0.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held <= HELD_BYTES {
            return Ok(());
        }
        self.0.was_too_much.store(true, Ordering::Relaxed);
        Err(TooMuch)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("what stands before a part, or its headers, has no end")]
struct TooMuch;

/// A body in pieces, after each of which whoever reads has to look at what came.
pub(super) struct Pieces {
    body: BodyDataStream,
    rest: Bytes,
    held: Held,
    has_to_pause: bool,
}

impl Pieces {
    /// The pieces of a body, and what is held of them.
    pub(super) fn of(body: Body) -> (Self, Held) {
        let held = Held::default();
        let pieces = Self {
            body: body.into_data_stream(),
            rest: Bytes::new(),
            held: held.clone(),
            has_to_pause: false,
        };
        (pieces, held)
    }
}

impl Stream for Pieces {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_to_pause {
            self.has_to_pause = false;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(bytes)) => self.rest = bytes,
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(length);
        self.has_to_pause = true;
        let held = self.held.add(length);
        Poll::Ready(Some(held.map(|()| piece).map_err(Into::into)))
    }
}
