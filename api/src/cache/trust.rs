//! Until when it is known that nothing is out of date that was not told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Until when it is known that nothing is out of date that was not told. Never, at first.
#[derive(Debug)]
pub(super) struct Trust {
    began: Instant,
    /// Microseconds after that.
    until: AtomicU64,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            until: AtomicU64::new(0),
        }
    }
}

impl Trust {
    /// Until then.
    pub(super) fn until(&self, until: Instant) {
        self.until.store(self.after(until), Ordering::Release);
    }

    /// Not from now on.
    pub(super) fn end(&self) {
        self.until.store(0, Ordering::Release);
    }

    pub(super) fn holds(&self) -> bool {
        self.after(Instant::now()) < self.until.load(Ordering::Acquire)
    }

    fn after(&self, time: Instant) -> u64 {
        let after = time.saturating_duration_since(self.began);
        u64::try_from(after.as_micros()).unwrap_or(u64::MAX)
    }
}
