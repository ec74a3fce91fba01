//! When the keys of an issuer are fetched.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{RETRY_AFTER, UNKNOWN_KEY_PAUSE};

/// What has happened to the keys of an issuer, as far as it decides when they are fetched.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    fresh: Option<Fresh>,
    /// The last fetch, if it failed.
    failed_at: Option<Instant>,
    /// The last fetch for a key that was not among those held.
    unknown_key_at: Option<Instant>,
}

/// Since when the keys are fresh, and for how long.
#[derive(Debug, Clone, Copy)]
struct Fresh {
    since: Instant,
    lifetime: Duration,
}

impl Fresh {
    fn until(self) -> Instant {
        self.since + self.lifetime
    }

    /// Before they expire, so that nobody has to wait then.
    fn renewed_at(self) -> Instant {
        self.since + self.lifetime * 3 / 4
    }
}

/// What to do with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Verify it with the keys that are held.
    Use,
    /// The same, and fetch meanwhile.
    UseAndFetch,
    /// The same, and fetch at this time: perhaps the issuer has a key of this name by then.
    UseAndFetchAt(Instant),
    /// Fetch first.
    Fetch,
    /// Refuse it: the last fetch failed only just now.
    Refuse,
}

impl Schedule {
    /// Decides at `now` about a token, which may be signed with one of the keys that are held or not. Keys that expired are
    /// used for `stale_if_error` more, while they cannot be fetched.
    pub(crate) fn decide(&mut self, now: Instant, is_known: bool, stale_if_error: Duration) -> Decision {
        let may_fetch = self.failed_at.is_none_or(|failed_at| now >= failed_at + RETRY_AFTER);
        let Some(fresh) = self.fresh.filter(|fresh| now < fresh.until() + stale_if_error) else {
            return if may_fetch { Decision::Fetch } else { Decision::Refuse };
        };
        if !is_known {
            let pause_ends = self.unknown_key_at.map(|at| at + UNKNOWN_KEY_PAUSE);
            return match pause_ends.filter(|ends| now < *ends) {
                Some(ends) => Decision::UseAndFetchAt(ends),
                None if may_fetch => {
                    self.unknown_key_at = Some(now);
                    Decision::Fetch
                }
                None => Decision::Refuse,
            };
        }
        let is_down = self.failed_at.is_some();
        match () {
            () if now < fresh.renewed_at() || !may_fetch => Decision::Use,
            () if now < fresh.until() || is_down => Decision::UseAndFetch,
            () => Decision::Fetch,
        }
    }

    /// The fetch that [`Decision::UseAndFetchAt`] ordered begins.
    pub(crate) fn fetches_unknown_key(&mut self, now: Instant) {
        self.unknown_key_at = Some(now);
    }

    /// The keys were fetched, or are still those that were held.
    pub(crate) fn fetched(&mut self, now: Instant, lifetime: Duration) {
        self.fresh = Some(Fresh { since: now, lifetime });
        self.failed_at = None;
    }

    /// The keys could not be fetched.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.failed_at = Some(now);
    }

    /// Whether keys that were held before may still be used.
    pub(crate) fn may_use(&self, now: Instant, stale_if_error: Duration) -> bool {
        self.fresh.is_some_and(|fresh| now < fresh.until() + stale_if_error)
    }

    /// How long ago the keys were fetched.
    pub(crate) fn age(&self, now: Instant) -> Option<Duration> {
        self.fresh.map(|fresh| now.duration_since(fresh.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALE: Duration = Duration::from_secs(1000);
    const LIFETIME: Duration = Duration::from_secs(100);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// What is decided so many seconds after the start.
    fn decided(schedule: &mut Schedule, start: Instant, after: u64, is_known: bool) -> Decision {
        schedule.decide(start + seconds(after), is_known, STALE)
    }

    #[test]
    fn keys_are_fetched_first_and_after_a_failure_not_before_five_seconds() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        assert_eq!(decided(&mut schedule, start, 0, false), Decision::Fetch);
        schedule.failed(start);
        assert_eq!(decided(&mut schedule, start, 4, false), Decision::Refuse);
        assert_eq!(decided(&mut schedule, start, 5, false), Decision::Fetch);
    }

    #[test]
    fn keys_are_renewed_before_they_expire_and_never_used_expired_while_the_issuer_answers() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.fetched(start, LIFETIME);
        for (after, decision) in [
            (0, Decision::Use),
            (74, Decision::Use),
            (75, Decision::UseAndFetch),
            (99, Decision::UseAndFetch),
            (100, Decision::Fetch),
            (5000, Decision::Fetch),
        ] {
            assert_eq!(decided(&mut schedule, start, after, true), decision, "{after}");
        }
    }

    #[test]
    fn while_the_issuer_is_down_expired_keys_are_used_for_so_long() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.fetched(start, LIFETIME);
        schedule.failed(start + seconds(80));
        assert_eq!(decided(&mut schedule, start, 84, true), Decision::Use);
        assert_eq!(decided(&mut schedule, start, 85, true), Decision::UseAndFetch);
        assert_eq!(decided(&mut schedule, start, 1099, true), Decision::UseAndFetch);
        assert!(schedule.may_use(start + seconds(1099), STALE));
        assert!(!schedule.may_use(start + seconds(1100), STALE));
        assert_eq!(decided(&mut schedule, start, 1100, true), Decision::Fetch);
        schedule.failed(start + seconds(1100));
        assert_eq!(decided(&mut schedule, start, 1104, true), Decision::Refuse);
    }

    #[test]
    fn an_unknown_key_is_fetched_once_in_thirty_seconds_and_the_first_fetch_does_not_count() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.fetched(start, LIFETIME);
        let again = Decision::UseAndFetchAt(start + seconds(31));
        for (after, decision) in [
            (1, Decision::Fetch),
            (1, again),
            (30, again),
            (31, Decision::Fetch),
            (32, Decision::UseAndFetchAt(start + seconds(61))),
        ] {
            assert_eq!(decided(&mut schedule, start, after, false), decision, "{after}");
        }
        assert_eq!(decided(&mut schedule, start, 33, true), Decision::Use);
        schedule.fetches_unknown_key(start + seconds(61));
        assert_eq!(decided(&mut schedule, start, 62, false), Decision::UseAndFetchAt(start + seconds(91)));
    }

    #[test]
    fn an_unknown_key_is_not_looked_for_at_an_issuer_that_has_just_failed() {
        let (start, mut schedule) = (Instant::now(), Schedule::default());
        schedule.fetched(start, LIFETIME);
        schedule.failed(start + seconds(80));
        assert_eq!(decided(&mut schedule, start, 81, false), Decision::Refuse);
        assert_eq!(decided(&mut schedule, start, 85, false), Decision::Fetch);
        schedule.fetched(start + seconds(85), LIFETIME);
        assert_eq!(schedule.age(start + seconds(90)), Some(seconds(5)));
    }
}
