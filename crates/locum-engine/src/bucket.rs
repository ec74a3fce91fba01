//! The token bucket, as limitd computes it: a pure function from a state and a time to the next state.
//!
//! Refill is continuous; a request that does not conform takes nothing; `reset` is the second at which the bucket is
//! full again, rounded up.

/// Milliseconds in the interval that a rate is given for.
const MINUTE_MS: f64 = 60_000.0;

/// Size and refill of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketRule {
    /// Requests that a full bucket holds.
    pub size: u32,
    /// Requests that come back in a minute.
    pub per_minute: u32,
}

impl BucketRule {
    /// The rule of the record: bursts of ten, one back each minute.
    pub const AUTH0_DEFAULT: Self = Self { size: 10, per_minute: 1 };

    /// After this time without requests a bucket is full, and its state need not be kept.
    pub fn full_after_ms(&self) -> u64 {
        self.fill_ms(f64::from(self.size)) as u64
    }

    fn fill_ms(&self, requests: f64) -> f64 {
        (requests * MINUTE_MS / f64::from(self.per_minute)).ceil()
    }
}

/// What is kept for one key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBucket {
    /// Requests left, with fractions.
    pub content: f64,
    /// When that was true, unix milliseconds.
    pub as_of_unix_ms: u64,
}

/// What a request finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BucketDecision {
    /// Whether the request may go on.
    pub conforms: bool,
    /// `X-RateLimit-Limit`.
    pub limit: u32,
    /// `X-RateLimit-Remaining`: whole requests left.
    pub remaining: u32,
    /// `X-RateLimit-Reset`: the unix second at which the bucket is full.
    pub reset_unix_seconds: u64,
    /// `Retry-After`: whole seconds until one request is there; zero if one is.
    pub retry_after_seconds: u64,
}

/// Takes one request out of a bucket; `None` is a key never seen, whose bucket is full.
#[must_use]
pub fn take(state: Option<TokenBucket>, rule: BucketRule, now_unix_ms: u64) -> (TokenBucket, BucketDecision) {
    let size = f64::from(rule.size);
    let per_ms = f64::from(rule.per_minute) / MINUTE_MS;
    let filled = state.map_or(size, |state| {
        // A clock that steps back adds nothing.
        let elapsed_ms = now_unix_ms.saturating_sub(state.as_of_unix_ms) as f64;
        (state.content + elapsed_ms * per_ms).min(size)
    });
    let conforms = filled >= 1.0;
    let content = if conforms { filled - 1.0 } else { filled };
    let full_at_ms = now_unix_ms + rule.fill_ms(size - content) as u64;
    let taken = BucketDecision {
        conforms,
        limit: rule.size,
        remaining: content.floor() as u32,
        reset_unix_seconds: full_at_ms.div_ceil(1000),
        retry_after_seconds: (rule.fill_ms((1.0 - content).max(0.0)) as u64).div_ceil(1000),
    };
    let as_of_unix_ms = state.map_or(now_unix_ms, |state| state.as_of_unix_ms.max(now_unix_ms));
    (TokenBucket { content, as_of_unix_ms }, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: u64 = 1_900_000_000_000;

    fn drain(requests: u32) -> (TokenBucket, Vec<BucketDecision>) {
        let mut state = None;
        let taken = (0..requests)
            .map(|_| {
                let (next, taken) = take(state, BucketRule::AUTH0_DEFAULT, T0);
                state = Some(next);
                taken
            })
            .collect();
        (state.unwrap(), taken)
    }

    #[test]
    fn ten_pass_and_the_eleventh_does_not() {
        let (_, taken) = drain(11);
        let remaining: Vec<u32> = taken.iter().map(|taken| taken.remaining).collect();
        assert_eq!(remaining, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]);
        assert!(taken[..10].iter().all(|taken| taken.conforms));
        assert!(!taken[10].conforms);
        assert_eq!(taken[10].retry_after_seconds, 60);
    }

    #[test]
    fn reset_is_the_second_at_which_the_bucket_is_full() {
        let (_, taken) = drain(10);
        assert_eq!(taken[0].reset_unix_seconds, T0 / 1000 + 60);
        assert_eq!(taken[9].reset_unix_seconds, T0 / 1000 + 600);
    }

    #[test]
    fn one_comes_back_each_minute_and_not_a_moment_before() {
        let (empty, _) = drain(10);
        assert!(!take(Some(empty), BucketRule::AUTH0_DEFAULT, T0 + 59_999).1.conforms);
        assert!(take(Some(empty), BucketRule::AUTH0_DEFAULT, T0 + 60_000).1.conforms);
    }

    #[test]
    fn a_refused_request_takes_nothing() {
        let (empty, _) = drain(10);
        let (refused, _) = take(Some(empty), BucketRule::AUTH0_DEFAULT, T0 + 30_000);
        assert!(take(Some(refused), BucketRule::AUTH0_DEFAULT, T0 + 60_000).1.conforms);
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_away() {
        let (empty, _) = drain(10);
        let (back, taken) = take(Some(empty), BucketRule::AUTH0_DEFAULT, T0 - 600_000);
        assert!(!taken.conforms);
        assert!(!take(Some(back), BucketRule::AUTH0_DEFAULT, T0).1.conforms);
    }

    #[test]
    fn a_long_rest_fills_it_and_no_more() {
        let (empty, _) = drain(10);
        let (_, taken) = take(Some(empty), BucketRule::AUTH0_DEFAULT, T0 + 86_400_000);
        assert_eq!(taken.remaining, 9);
    }
}
