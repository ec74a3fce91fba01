//! How long a client's refresh tokens are valid, and whether each is used once.

/// What a client's refresh tokens are like. Times are in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshTokenRules {
    /// Whether the grant `refresh_token` replaces the token by a successor. A replaced token that is presented again ends its
    /// family: either it or its successor was stolen (RFC 9700 section 4.14.2).
    pub rotates: bool,
    /// For how long after its replacement a token is still accepted, because the answer with its successor can get lost.
    pub leeway_seconds: u64,
    /// How long after the first token a family ends; `None` if it does not.
    pub lifetime_seconds: Option<u64>,
    /// How long after its last use a token ends; `None` if it does not.
    pub idle_seconds: Option<u64>,
}

/// Thirty days at most, and fifteen without use.
impl Default for RefreshTokenRules {
    fn default() -> Self {
        Self {
            rotates: false,
            leeway_seconds: 0,
            lifetime_seconds: Some(2_592_000),
            idle_seconds: Some(1_296_000),
        }
    }
}

impl RefreshTokenRules {
    /// When a family ends that begins at `now`, both in unix seconds.
    pub fn expires_at(&self, now: i64) -> Option<i64> {
        self.lifetime_seconds.map(|seconds| after(now, seconds))
    }

    /// When a token ends that is used at `now` and not again.
    pub fn idle_expires_at(&self, now: i64) -> Option<i64> {
        self.idle_seconds.map(|seconds| after(now, seconds))
    }
}

pub(crate) fn after(now: i64, seconds: u64) -> i64 {
    now.saturating_add(i64::try_from(seconds).unwrap_or(i64::MAX))
}
