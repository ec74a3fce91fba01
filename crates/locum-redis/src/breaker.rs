//! A circuit breaker: while a server does not answer, only one call in a while tries it, and no other waits.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long calls are not made after some have failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How many must fail in a row: on a busy machine a single answer may be late, and nothing is counted during a pause.
const FAILURES: u32 = 3;

/// Whether a server is called.
#[derive(Debug)]
pub(crate) struct Breaker {
    start: Instant,
    /// How many calls in a row were not answered.
    failures: AtomicU32,
    /// The milliseconds after `start` until which it is not called; zero while it answers.
    paused_until: AtomicU64,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), failures: AtomicU32::new(0), paused_until: AtomicU64::new(0) }
    }

    /// Whether to call. After a pause one caller tries, and the others are told not to until it has answered.
    pub(crate) fn may_call(&self) -> bool {
        self.may_call_at(self.elapsed())
    }

    /// A call was answered. Returns whether the one before was not.
    pub(crate) fn succeeded(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.paused_until.store(0, Ordering::Relaxed);
        self.failures.swap(0, Ordering::Relaxed) != 0
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
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        if before >= FAILURES - 1 {
            self.paused_until.store(pause_after(now), Ordering::Relaxed);
        }
        before == 0
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
    fn after_three_failures_one_call_in_a_second_tries_until_one_is_answered() {
        let breaker = Breaker::new();
        assert!(breaker.may_call_at(0) && breaker.may_call_at(0));
        assert!(breaker.failed_at(8), "the first failure is news");
        assert!(!breaker.failed_at(9), "the second is not");
        assert!(breaker.may_call_at(9) && breaker.may_call_at(9));
        assert!(!breaker.failed_at(10));
        assert!(!breaker.may_call_at(1009));
        assert!(breaker.may_call_at(1010));
        assert!(!breaker.may_call_at(1010), "another one tries");
        assert!(!breaker.failed_at(1020));
        assert!(!breaker.may_call_at(2019));
        assert!(breaker.may_call_at(2020));
        assert!(breaker.succeeded() && !breaker.succeeded());
        assert!(breaker.may_call_at(2021) && breaker.may_call_at(2021));
    }

    #[test]
    fn failures_between_answers_are_no_outage() {
        let breaker = Breaker::new();
        for _ in 0..5 {
            assert!(breaker.failed_at(1) && !breaker.failed_at(1));
            assert!(breaker.succeeded() && breaker.may_call_at(2));
        }
    }
}
