//! A clock that a test sets.

use std::sync::atomic::{AtomicI64, Ordering};

use locum_engine::ports::Clock;

/// A clock whose time changes only by [`advance`](Self::advance).
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// A clock at this time, in unix seconds.
    pub fn at(unix_seconds: i64) -> Self {
        Self(AtomicI64::new(unix_seconds))
    }

    /// Moves the clock by this many seconds, backwards if negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_unix_ms(&self) -> u64 {
        u64::try_from(self.0.load(Ordering::Relaxed)).unwrap() * 1000
    }
}
