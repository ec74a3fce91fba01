//! The limit of invalid subject tokens: before a token is verified nobody is known, so an address is counted.
//!
//! Only a refused token takes from the bucket. An address behind which many users sit is not limited as long as their
//! tokens are valid.

use std::net::IpAddr;

use crate::bucket::BucketRule;
use crate::model::WhenUnavailable;
use crate::ports::{BucketKey, BucketSubject, Buckets};
use crate::prepared::PreparedTenant;
use crate::rate_limited_address::rate_limited_address;
use crate::refusal::{Refusal, RefusalKind};

/// The bucket of one address at one tenant.
pub(super) struct InvalidTokenLimit<'a> {
    buckets: &'a dyn Buckets,
    key: BucketKey<'a>,
    rule: BucketRule,
    when_unavailable: WhenUnavailable,
    now_unix_ms: u64,
}

impl<'a> InvalidTokenLimit<'a> {
    pub(super) fn new(
        buckets: &'a dyn Buckets,
        tenant: &'a PreparedTenant,
        ip: IpAddr,
        now_unix_ms: u64,
    ) -> Self {
        let policy = tenant.delegation();
        Self {
            buckets,
            key: BucketKey {
                tenant: tenant.domain(),
                ip: rate_limited_address(ip),
                subject: BucketSubject::InvalidTokens,
            },
            rule: policy.invalid_token_rate,
            when_unavailable: policy.when_buckets_unavailable,
            now_unix_ms,
        }
    }

    /// Refuses a request, before its token is verified, if the bucket is empty.
    ///
    /// # Errors
    /// 429, or 503 if the buckets cannot be asked and the tenant's policy is closed.
    pub(super) async fn check(&self) -> Result<(), Refusal> {
        match self.buckets.peek(self.key, self.rule, self.now_unix_ms).wait().await {
            Ok(decision) if decision.conforms => Ok(()),
            Ok(decision) => Err(Refusal::new(
                RefusalKind::TooManyInvalidTokens,
                "too many invalid tokens from this address; wait before the next request",
            )
            .retry_after(decision.retry_after_seconds)),
            Err(unavailable) => match self.when_unavailable {
                WhenUnavailable::Open => Ok(()),
                WhenUnavailable::Closed => {
                    Err(Refusal::new(RefusalKind::TemporarilyUnavailable, "try again later")
                        .because(unavailable))
                }
            },
        }
    }

    /// Takes a token from the bucket for a refused subject token.
    pub(super) async fn count(&self) {
        // The request is refused already. If the buckets cannot be asked, the next request finds that in `check`.
        let _ = self.buckets.try_acquire(self.key, self.rule, self.now_unix_ms).wait().await;
    }
}
