//! The token bucket, with the arithmetic of Auth0's limitd: a pure function from a bucket and a time to the next bucket.
//!
//! Refill is continuous; a refused request takes no token; `reset` is the second at which the bucket is full again,
//! rounded up.

use std::num::NonZeroU32;

/// Microseconds in a minute, the interval of every rate.
const MINUTE_US: u64 = 60_000_000;

/// Capacity and refill rate of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketRule {
    /// The tokens in a full bucket. Each request takes one.
    pub size: NonZeroU32,
    /// The tokens that are refilled per minute.
    pub per_minute: NonZeroU32,
}

impl BucketRule {
    /// Auth0's limit for delegation: bursts of ten, one token refilled each minute.
    pub const AUTH0_DEFAULT: Self = Self { size: NonZeroU32::new(10).unwrap(), per_minute: NonZeroU32::MIN };

    /// The default limit of invalid subject tokens: bursts of sixty, one token refilled each second.
    pub const INVALID_TOKENS_DEFAULT: Self =
        Self { size: NonZeroU32::new(60).unwrap(), per_minute: NonZeroU32::new(60).unwrap() };

    /// The limit of calls of the Management API by one client, or by all operators of a tenant: bursts of fifty, ten calls
    /// refilled each second.
    pub const MANAGEMENT: Self =
        Self { size: NonZeroU32::new(50).unwrap(), per_minute: NonZeroU32::new(600).unwrap() };

    /// The microseconds in which one token is refilled, rounded up.
    pub fn token_us(self) -> u64 {
        MINUTE_US.div_ceil(u64::from(self.per_minute.get()))
    }

    /// The microseconds in which an empty bucket becomes full.
    pub fn capacity_us(self) -> u64 {
        self.token_us() * u64::from(self.size.get())
    }
}

/// The state of one key: the time at which its bucket is full.
///
/// The time is valid under every rule, so a table of buckets can drop full ones without knowing whose they are.
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
    /// `Retry-After`: seconds until a token is available, rounded up; zero if one is.
    pub retry_after_seconds: u64,
}

impl BucketDecision {
    /// The answer of a bucket that is full at this time, in so many microseconds: for a store that computes the next state
    /// elsewhere.
    pub fn of(rule: BucketRule, conforms: bool, missing_us: u64, full_at_unix_us: u64) -> Self {
        let token_us = rule.token_us();
        let left_us = rule.capacity_us().saturating_sub(missing_us);
        Self {
            conforms,
            limit: rule.size.get(),
            remaining: u32::try_from(left_us / token_us).unwrap_or(u32::MAX),
            reset_unix_seconds: full_at_unix_us.div_ceil(1_000_000),
            retry_after_seconds: token_us.saturating_sub(left_us).div_ceil(1_000_000),
        }
    }
}

impl TokenBucket {
    /// A full bucket, which is the state of a new key.
    pub const FULL: Self = Self { full_at_unix_us: 0 };

    /// Takes one token at `now_unix_ms`, milliseconds since the unix epoch, if there is one.
    ///
    /// A clock that is set back adds no tokens. It delays the next token by no more than the step, because a bucket is
    /// never further from full than an empty one.
    #[must_use]
    pub fn try_acquire(self, rule: BucketRule, now_unix_ms: u64) -> (Self, BucketDecision) {
        let now_us = now_unix_ms.saturating_mul(1000);
        let (token_us, capacity_us) = (rule.token_us(), rule.capacity_us());
        let missing_us = self.full_at_unix_us.saturating_sub(now_us).min(capacity_us);
        let conforms = missing_us + token_us <= capacity_us;
        let missing_us = if conforms { missing_us + token_us } else { missing_us };
        let bucket = Self { full_at_unix_us: now_us.saturating_add(missing_us) };
        (bucket, BucketDecision::of(rule, conforms, missing_us, bucket.full_at_unix_us))
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
    use proptest::collection::vec;
    use proptest::prelude::*;

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
    fn a_clock_that_is_set_back_adds_no_token() {
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
    fn a_long_pause_does_not_overfill_the_bucket() {
        let (empty, _) = drain(10);
        let (_, decision) = acquire(empty, T0 + 86_400_000);
        assert_eq!(decision.remaining, 9);
    }

    #[test]
    fn a_bucket_is_full_when_its_last_token_is_refilled() {
        let (bucket, _) = acquire(TokenBucket::FULL, T0);
        assert!(!bucket.is_full_at(T0 + 59_999));
        assert!(bucket.is_full_at(T0 + 60_000));
    }

    /// A rule, and by how many milliseconds the clock moves before each request: forwards, backwards or not at all.
    fn rules_and_clocks() -> impl Strategy<Value = (BucketRule, Vec<i64>)> {
        let rule = (1u32..20, 1u32..600).prop_map(|(size, per_minute)| BucketRule {
            size: size.try_into().unwrap(),
            per_minute: per_minute.try_into().unwrap(),
        });
        let step = prop_oneof![4 => Just(0i64), 4 => 0i64..5_000, 1 => -100_000i64..100_000];
        (rule, vec(step, 1..80))
    }

    /// The bucket after these requests, its decisions, and the time of the last one in unix milliseconds.
    fn serve(rule: BucketRule, steps: &[i64]) -> (TokenBucket, Vec<BucketDecision>, u64) {
        let (mut bucket, mut now) = (TokenBucket::FULL, T0);
        let decisions = steps.iter().map(|step| {
            now = now.checked_add_signed(*step).unwrap();
            let (next, decision) = bucket.try_acquire(rule, now);
            bucket = next;
            decision
        });
        let decisions = decisions.collect();
        (bucket, decisions, now)
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_the_size_and_the_refill(
            (rule, steps) in rules_and_clocks(),
        ) {
            let (_, decisions, _) = serve(rule, &steps);
            for start in 0..steps.len() {
                let (mut admitted, mut elapsed_ms) = (0, 0);
                for at in start..steps.len() {
                    // Only the clock's movement forwards refills, and the first request of the window is at its start.
                    elapsed_ms += if at == start { 0 } else { u64::try_from(steps[at]).unwrap_or(0) };
                    admitted += u64::from(decisions[at].conforms);
                    prop_assert!(admitted * rule.token_us() <= rule.capacity_us() + elapsed_ms * 1000);
                }
            }
        }

        #[test]
        fn a_request_conforms_after_the_stated_wait((rule, steps) in rules_and_clocks()) {
            let (bucket, decisions, now) = serve(rule, &steps);
            let wait_ms = decisions.last().unwrap().retry_after_seconds * 1000;
            prop_assert!(bucket.try_acquire(rule, now + wait_ms).1.conforms);
        }
    }
}
