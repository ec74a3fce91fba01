//! A circuit breaker: while a server does not answer, only one call in a while tries it, and no other waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long calls are not made after one has failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether a server is called.
#[derive(Debug)]
pub(crate) struct Breaker {
    start: Instant,
    /// The milliseconds after `start` until which it is not called; zero while it answers.
    paused_until: AtomicU64,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), paused_until: AtomicU64::new(0) }
    }

    /// Whether to call. After a pause one caller tries, and the others are told not to until it has answered.
    pub(crate) fn may_call(&self) -> bool {
        self.may_call_at(self.elapsed())
    }

    /// A call was answered. Returns whether the one before was not.
    pub(crate) fn succeeded(&self) -> bool {
        self.paused_until.load(Ordering::Relaxed) != 0 && self.paused_until.swap(0, Ordering::Relaxed) != 0
    }

    /// A call was not answered. Returns whether the one before was.
    pub(crate) fn failed(&self) -> bool {
        self.failed_at(self.elapsed())
    }

    fn may_call_at(&self, now: u64) -> bool {
        let until = self.paused_until.load(Ordering::Relaxed);
        let tries = || {
            let later = pause_after(now);
            self.paused_until.compare_exchange(until, later, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        until == 0 || (now >= until && tries())
    }

    fn failed_at(&self, now: u64) -> bool {
        self.paused_until.swap(pause_after(now), Ordering::Relaxed) == 0
    }

    fn elapsed(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }
}

fn pause_after(now: u64) -> u64 {
    now.saturating_add(milliseconds(PAUSE)).max(1)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_call_in_a_second_tries_until_one_is_answered() {
        let breaker = Breaker::new();
        assert!(breaker.may_call_at(0) && breaker.may_call_at(0));
        assert!(breaker.failed_at(10), "the first failure is news");
        assert!(!breaker.failed_at(10), "the second is not");
        assert!(!breaker.may_call_at(1009));
        assert!(breaker.may_call_at(1010));
        assert!(!breaker.may_call_at(1010), "another one tries");
        assert!(breaker.may_call_at(2010));
        assert!(breaker.succeeded() && !breaker.succeeded());
        assert!(breaker.may_call_at(2011) && breaker.may_call_at(2011));
        assert!(breaker.failed_at(2012));
    }
}
