//! When loaders look up what they have gathered: once the request can't go on without it.
//!
//! Loaders run in tasks of their own, which other threads may take up at once, while the request still
//! asks for more. Then a look-up would be made of some of the keys, and another of the rest.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use async_graphql::futures_util::FutureExt;
use async_graphql::futures_util::future::{BoxFuture, poll_fn};
use async_graphql::runtime::Timer;
use tokio::sync::watch;

/// Whether a request is at work or waits.
#[derive(Clone, Debug, Default)]
pub struct Turn(watch::Sender<bool>);

/// The request is at work until this is dropped.
struct AtWork<'turn>(&'turn Turn);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        self.0.0.send_replace(false);
    }
}

impl Turn {
    /// Works a request out, or a part of it.
    pub async fn take<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| -> Poll<T> {
            self.0.send_replace(true);
            let _at_work = AtWork(self);
            work.as_mut().poll(context)
        })
        .await
    }
}

/// Loaders wait for the end of the turn, however long that is.
impl Timer for Turn {
    fn delay(&self, _: Duration) -> BoxFuture<'static, ()> {
        let mut turn = self.0.subscribe();
        async move {
            // Who asked may be gone; then nobody is at work either.
            let _ = turn.wait_for(|at_work| !at_work).await;
        }
        .boxed()
    }
}
