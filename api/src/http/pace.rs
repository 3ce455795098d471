//! How a connection gets on: whether its other end asks for something, and takes what it is given.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Version;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::serve::Taken;

/// How long the head of a request may take from its first byte; of the first request, from when the
/// connection was made.
const HEAD: Duration = Duration::from_secs(10);

/// How long a connection is kept on which nothing is asked. Longer than proxies in front keep theirs,
/// so that it is them who end it and no request is lost.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long the other end may take for [`TAKEN_BYTES`] of an answer.
const TAKING: Duration = Duration::from_secs(30);

/// Bytes of an answer that have to be taken within [`TAKING`], unless there are fewer.
const TAKEN_BYTES: usize = 32 * 1024;

/// Bytes that are surely a part of an answer. Less may be what HTTP/2 says by itself, for which the
/// other end only has to ask.
const PART_OF_ANSWER: usize = 4 * 1024;

/// What happens on a connection. Times are milliseconds since it was made.
#[derive(Debug)]
pub(super) struct Activity {
    made: Instant,
    /// Requests that are worked on.
    busy: AtomicU32,
    /// When something was last done for it.
    rests_since: AtomicU64,
    /// When the head began that has not come to its end; 0 without one.
    head_since: AtomicU64,
    /// Whether something waits to be taken by the other end.
    is_behind: AtomicBool,
    /// Whether it speaks HTTP/2, where bytes may come that are no request.
    many_streams: AtomicBool,
}

/// A request that is worked on.
pub(super) struct Busy(Arc<Activity>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.rests_since.store(self.0.now(), Ordering::Relaxed);
        self.0.busy.fetch_sub(1, Ordering::Release);
    }
}

impl Activity {
    /// That of a connection just made, which has to ask for something soon.
    pub(super) fn new() -> Self {
        Self {
            made: Instant::now(),
            busy: AtomicU32::new(0),
            rests_since: AtomicU64::new(0),
            head_since: AtomicU64::new(1),
            is_behind: AtomicBool::new(false),
            many_streams: AtomicBool::new(false),
        }
    }

    /// Notes that a request has come, which is worked on until what is answered is dropped.
    pub(super) fn begin(self: &Arc<Self>, version: Version) -> Busy {
        self.busy.fetch_add(1, Ordering::Acquire);
        self.head_since.store(0, Ordering::Relaxed);
        if version == Version::HTTP_2 {
            self.many_streams.store(true, Ordering::Relaxed);
        }
        Busy(Arc::clone(self))
    }

    /// Whether nothing has been done for it for so long. Who is slow to take an answer does not rest.
    pub(super) fn rests_for(&self, time: Duration) -> bool {
        let since = self.rests_since.load(Ordering::Relaxed);
        self.busy.load(Ordering::Acquire) == 0
            && !self.is_behind.load(Ordering::Relaxed)
            && self.is_over(since, time)
    }

    /// Whether its time is over.
    pub(super) fn is_overdue(&self) -> bool {
        if self.busy.load(Ordering::Acquire) > 0 {
            return false;
        }
        let head = self.head_since.load(Ordering::Relaxed);
        (head > 0 && self.is_over(head, HEAD)) || self.rests_for(KEEP_ALIVE)
    }

    fn is_over(&self, since: u64, time: Duration) -> bool {
        u128::from(self.now().saturating_sub(since)) >= time.as_millis()
    }

    /// At least 1, so that 0 is no time.
    fn now(&self) -> u64 {
        u64::try_from(self.made.elapsed().as_millis()).map_or(u64::MAX, |now| now.max(1))
    }

    fn has_read(&self) {
        let is_head = self.busy.load(Ordering::Relaxed) == 0
            && self.head_since.load(Ordering::Relaxed) == 0
            && !self.many_streams.load(Ordering::Relaxed);
        if is_head {
            self.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn has_written(&self, bytes: usize, is_behind: bool) {
        self.is_behind.store(is_behind, Ordering::Relaxed);
        if bytes >= PART_OF_ANSWER {
            self.rests_since.store(self.now(), Ordering::Relaxed);
        }
    }
}

/// A stream whose other end has to take what is written, and not in crumbs. It holds its place for as
/// long as it is open, also when it has become a WebSocket.
pub(super) struct Paced<Io> {
    io: Io,
    activity: Arc<Activity>,
    backlog: Option<Backlog>,
    _place: Taken,
}

/// What could not be written because nobody took it.
struct Backlog {
    /// Until when some of it has to be.
    deadline: Pin<Box<Sleep>>,
    /// How many bytes that is.
    due: usize,
}

impl<Io> Paced<Io> {
    pub(super) fn new(io: Io, activity: Arc<Activity>, place: Taken) -> Self {
        Self {
            io,
            activity,
            backlog: None,
            _place: place,
        }
    }

    /// What comes of having tried to write `wanted` bytes.
    fn tried(
        &mut self,
        context: &mut Context<'_>,
        wanted: usize,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Ready(Ok(written)) => {
                self.backlog = self.backlog.take().and_then(|mut backlog| {
                    backlog.due = backlog.due.saturating_sub(written);
                    (backlog.due > 0 && written < wanted).then_some(backlog)
                });
                self.activity.has_written(written, self.backlog.is_some());
                result
            }
            Poll::Ready(Err(_)) => result,
            Poll::Pending => {
                self.activity.is_behind.store(true, Ordering::Relaxed);
                let backlog = self.backlog.get_or_insert_with(|| Backlog {
                    deadline: Box::pin(sleep(TAKING)),
                    due: TAKEN_BYTES,
                });
                ready!(backlog.deadline.as_mut().poll(context));
                Poll::Ready(Err(ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Paced<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.has_read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Paced<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(context, bytes);
        self.tried(context, bytes.len(), result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wanted = slices.iter().map(|slice| slice.len()).sum();
        let result = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.tried(context, wanted, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
