//! The token bucket, with limitd's arithmetic: a pure function from a bucket and a time to the next bucket.
//!
//! Refill is continuous; a refused request takes no token; `reset` is the second at which the bucket is full again,
//! rounded up.

use std::num::NonZeroU32;

/// Microseconds in the interval that a rate is given for.
const MINUTE_US: u64 = 60_000_000;

/// Capacity and refill rate of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRule {
    /// Tokens that a full bucket holds; one request takes one token.
    pub size: NonZeroU32,
    /// Tokens that are refilled in a minute.
    pub per_minute: NonZeroU32,
}

impl BucketRule {
    /// Auth0's limit for delegation: bursts of ten, one token refilled each minute.
    pub const AUTH0_DEFAULT: Self = Self { size: NonZeroU32::new(10).unwrap(), per_minute: NonZeroU32::MIN };

    /// The default limit of invalid subject tokens: bursts of sixty, one token refilled each second.
    pub const INVALID_TOKENS_DEFAULT: Self =
        Self { size: NonZeroU32::new(60).unwrap(), per_minute: NonZeroU32::new(60).unwrap() };

    /// The time in which one token is refilled.
    fn token_us(self) -> u64 {
        MINUTE_US.div_ceil(u64::from(self.per_minute.get()))
    }

    /// The time in which an empty bucket becomes full.
    fn capacity_us(self) -> u64 {
        self.token_us() * u64::from(self.size.get())
    }
}

/// The state kept for one key: the time at which its bucket is full.
///
/// That time is right under any rule, so a table of buckets can drop full ones without knowing whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenBucket {
    full_at_unix_us: u64,
}

/// The answer of a bucket to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketDecision {
    /// Whether the request is within the rate.
    pub conforms: bool,
    /// `X-RateLimit-Limit`: the capacity.
    pub limit: u32,
    /// `X-RateLimit-Remaining`: whole tokens left.
    pub remaining: u32,
    /// `X-RateLimit-Reset`: the unix second at which the bucket is full.
    pub reset_unix_seconds: u64,
    /// `Retry-After`: whole seconds until one token is available; zero if one is.
    pub retry_after_seconds: u64,
}

impl TokenBucket {
    /// A full bucket: that of a key without state.
    pub const FULL: Self = Self { full_at_unix_us: 0 };

    /// Takes one token if there is one.
    ///
    /// A clock that is set back gives no tokens away, and delays the next token by no more than the step: the bucket is
    /// never further from full than an empty one.
    #[must_use]
    pub fn try_acquire(self, rule: BucketRule, now_unix_ms: u64) -> (Self, BucketDecision) {
        let now_us = now_unix_ms.saturating_mul(1000);
        let (token_us, capacity_us) = (rule.token_us(), rule.capacity_us());
        let missing_us = self.full_at_unix_us.saturating_sub(now_us).min(capacity_us);
        let conforms = missing_us + token_us <= capacity_us;
        let missing_us = if conforms { missing_us + token_us } else { missing_us };
        let left_us = capacity_us - missing_us;
        let bucket = Self { full_at_unix_us: now_us.saturating_add(missing_us) };
        let decision = BucketDecision {
            conforms,
            limit: rule.size.get(),
            remaining: u32::try_from(left_us / token_us).unwrap_or(u32::MAX),
            reset_unix_seconds: bucket.full_at_unix_us.div_ceil(1_000_000),
            retry_after_seconds: token_us.saturating_sub(left_us).div_ceil(1_000_000),
        };
        (bucket, decision)
    }

    /// The decision that [`try_acquire`](Self::try_acquire) would make now. Nothing is taken.
    #[must_use]
    pub fn peek(self, rule: BucketRule, now_unix_ms: u64) -> BucketDecision {
        self.try_acquire(rule, now_unix_ms).1
    }

    /// Whether the bucket is full, so that its state need not be kept.
    pub fn is_full_at(self, now_unix_ms: u64) -> bool {
        self.full_at_unix_us <= now_unix_ms.saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_900_000_000_000;

    fn acquire(bucket: TokenBucket, now_unix_ms: u64) -> (TokenBucket, BucketDecision) {
        bucket.try_acquire(BucketRule::AUTH0_DEFAULT, now_unix_ms)
    }

    fn drain(requests: u32) -> (TokenBucket, Vec<BucketDecision>) {
        let mut bucket = TokenBucket::FULL;
        let decisions = (0..requests)
            .map(|_| {
                let (next, decision) = acquire(bucket, T0);
                bucket = next;
                decision
            })
            .collect();
        (bucket, decisions)
    }

    #[test]
    fn ten_requests_conform_and_the_eleventh_does_not() {
        let (_, decisions) = drain(11);
        let remaining: Vec<u32> = decisions.iter().map(|decision| decision.remaining).collect();
        assert_eq!(remaining, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]);
        assert!(decisions[..10].iter().all(|decision| decision.conforms));
        assert!(!decisions[10].conforms);
        assert_eq!(decisions[10].retry_after_seconds, 60);
    }

    #[test]
    fn reset_is_the_second_at_which_the_bucket_is_full() {
        let (_, decisions) = drain(10);
        assert_eq!(decisions[0].reset_unix_seconds, T0 / 1000 + 60);
        assert_eq!(decisions[9].reset_unix_seconds, T0 / 1000 + 600);
    }

    #[test]
    fn one_token_is_refilled_per_minute_and_not_a_millisecond_earlier() {
        let (empty, _) = drain(10);
        assert!(!acquire(empty, T0 + 59_999).1.conforms);
        assert!(acquire(empty, T0 + 60_000).1.conforms);
    }

    #[test]
    fn retry_after_is_zero_while_a_token_is_left() {
        let (_, decisions) = drain(10);
        assert_eq!(decisions[8].retry_after_seconds, 0);
        assert_eq!(decisions[9].retry_after_seconds, 60);
    }

    #[test]
    fn a_refused_request_takes_no_token() {
        let (empty, _) = drain(10);
        let (refused, _) = acquire(empty, T0 + 30_000);
        assert!(acquire(refused, T0 + 60_000).1.conforms);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_no_token_away() {
        let (empty, _) = drain(10);
        let (earlier, decision) = acquire(empty, T0 - 600_000);
        assert!(!decision.conforms);
        assert!(!acquire(earlier, T0 - 600_000 + 59_999).1.conforms);
    }

    #[test]
    fn a_clock_that_is_set_back_delays_the_next_token_by_no_more_than_the_step() {
        let (empty, _) = drain(10);
        let (_, decision) = acquire(empty, T0 - 30_000);
        assert_eq!(decision.retry_after_seconds, 60);
        let (_, a_day_earlier) = acquire(empty, T0 - 86_400_000);
        assert_eq!(a_day_earlier.retry_after_seconds, 60);
    }

    #[test]
    fn a_long_pause_fills_the_bucket_and_no_more() {
        let (empty, _) = drain(10);
        let (_, decision) = acquire(empty, T0 + 86_400_000);
        assert_eq!(decision.remaining, 9);
    }

    #[test]
    fn a_bucket_is_full_when_its_last_token_is_back() {
        let (bucket, _) = acquire(TokenBucket::FULL, T0);
        assert!(!bucket.is_full_at(T0 + 59_999));
        assert!(bucket.is_full_at(T0 + 60_000));
    }
}
