//! How those who enqueue jobs wake the workers of their process.

use tokio::sync::watch;

/// Wakes the workers of this process.
#[derive(Clone, Debug, Default)]
pub struct Wake(watch::Sender<()>);

impl Wake {
    /// Tells the workers that something may be waiting. All of them are told: one call may stand
    /// for many jobs.
    pub fn workers(&self) {
        self.0.send_replace(());
    }

    /// Listens from now on. What comes between two waits is kept for the second one.
    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

/// One worker's ear.
pub(super) struct Listener(watch::Receiver<()>);

impl Listener {
    /// Says that the worker is about to look for jobs: only what comes later wakes it.
    pub(super) fn about_to_look(&mut self) {
        self.0.mark_unchanged();
    }

    /// Returns at once when [`Wake::workers`] was called since the worker last looked.
    pub(super) async fn woken(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could wake it.
            std::future::pending::<()>().await;
        }
    }
}
