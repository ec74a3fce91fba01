//! The port that remembers used assertions.

use crate::port_reply::{PortReply, StoreReply, StoreUnavailable};

/// Remembers by which assertions clients have authenticated, so that nobody uses one that was seen on its way (RFC 7523
/// section 3). Times are in unix seconds.
pub trait UsedAssertions: Send + Sync {
    /// Remembers until `expires_at` that this client of this tenant used the assertion with this `jti` at `now`. Returns whether
    /// it is the first time: of two calls at one moment, one is first.
    fn use_once<'a>(
        &'a self,
        tenant: &'a str,
        client_id: &'a str,
        jti: &'a str,
        expires_at: i64,
        now: i64,
    ) -> StoreReply<'a, bool>;
}

/// Remembers nothing, so no assertion is accepted.
#[derive(Debug, Clone, Copy)]
pub struct NoUsedAssertions;

impl UsedAssertions for NoUsedAssertions {
    fn use_once<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str, _: i64, _: i64) -> StoreReply<'a, bool> {
        PortReply::Now(Err(StoreUnavailable("this program remembers no used assertions".to_owned())))
    }
}
