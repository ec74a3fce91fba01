//! How long ago the database was known to have nothing newer than what is kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use locum_engine::ports::StoreUnavailable;

/// When what is kept was last known to be what the database has.
pub(crate) struct Freshness {
    start: Instant,
    /// Milliseconds from the start.
    confirmed: AtomicU64,
    stale_max: Duration,
}

impl Freshness {
    /// Confirmed now. What is older than this must not be used.
    pub(crate) fn new(stale_max: Duration) -> Self {
        Self { start: Instant::now(), confirmed: AtomicU64::new(0), stale_max }
    }

    /// Everything that the database had at this moment is known.
    pub(crate) fn confirm(&self, at: Instant) {
        let elapsed = at.saturating_duration_since(self.start).as_millis();
        self.confirmed.fetch_max(u64::try_from(elapsed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How old it may be.
    pub(crate) fn age(&self) -> Duration {
        self.start.elapsed().saturating_sub(Duration::from_millis(self.confirmed.load(Ordering::Relaxed)))
    }

    /// How old what is kept may be.
    pub(crate) fn stale_max(&self) -> Duration {
        self.stale_max
    }

    /// Whether what is kept may be used.
    pub(crate) fn check(&self) -> Result<(), StoreUnavailable> {
        let age = self.age();
        if age <= self.stale_max {
            return Ok(());
        }
        Err(StoreUnavailable(format!(
            "the database has not been reached for {} s; what is kept is used for {} s",
            age.as_secs(),
            self.stale_max.as_secs()
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_confirmed_for_too_long_must_not_be_used() {
        let freshness = Freshness::new(Duration::from_millis(20));
        assert_eq!(freshness.check(), Ok(()));
        std::thread::sleep(Duration::from_millis(40));
        assert!(freshness.check().is_err());
        freshness.confirm(Instant::now());
        assert_eq!(freshness.check(), Ok(()));
    }

    #[test]
    fn a_late_confirmation_of_an_earlier_moment_changes_nothing() {
        let freshness = Freshness::new(Duration::from_secs(1));
        let earlier = Instant::now();
        std::thread::sleep(Duration::from_millis(30));
        freshness.confirm(Instant::now());
        freshness.confirm(earlier);
        assert!(freshness.age() < Duration::from_millis(25));
    }
}
