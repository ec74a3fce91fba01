//! The limit of failures: of invalid subject tokens, of wrong client secrets, and of names that do not exist. Before a token is
//! verified nobody is known, so an address is counted.
//!
//! Only a failure takes from the bucket. An address behind which many users sit is not limited as long as their tokens are
//! valid.

use std::net::IpAddr;

use crate::bucket::{BucketDecision, BucketRule};
use crate::model::WhenUnavailable;
use crate::ports::{BucketKey, BucketSubject, Buckets, PortReply, StoreUnavailable};
use crate::prepared::PreparedTenant;
use crate::rate_limited_address::rate_limited_address;
use crate::refusal::{Refusal, RefusalKind};

/// The bucket of one kind of failure, of one address at one tenant.
pub(crate) struct FailureLimit<'a> {
    buckets: &'a dyn Buckets,
    key: BucketKey<'a>,
    rule: BucketRule,
    when_unavailable: WhenUnavailable,
    now_unix_ms: u64,
}

impl<'a> FailureLimit<'a> {
    pub(crate) fn new(
        buckets: &'a dyn Buckets,
        tenant: &'a PreparedTenant,
        ip: IpAddr,
        subject: BucketSubject<'a>,
        now_unix_ms: u64,
    ) -> Self {
        let policy = tenant.delegation();
        Self {
            buckets,
            key: BucketKey { tenant: tenant.domain(), ip: rate_limited_address(ip), subject },
            rule: policy.invalid_token_rate,
            when_unavailable: policy.when_buckets_unavailable,
            now_unix_ms,
        }
    }

    /// Refuses a request with this description, before anything is verified, if the bucket is empty.
    ///
    /// # Errors
    /// 429, or 503 if the buckets cannot be asked and the tenant's policy is closed.
    pub(crate) async fn check(&self, exceeded: &str) -> Result<(), Refusal> {
        let answer = self.buckets.peek(self.key, self.rule, self.now_unix_ms).wait().await;
        decided(answer, self.when_unavailable, exceeded)
    }

    /// The same, if the buckets are in memory; `None` if they have to be asked.
    pub(crate) fn check_at_once(&self, exceeded: &str) -> Option<Result<(), Refusal>> {
        match self.buckets.peek(self.key, self.rule, self.now_unix_ms) {
            PortReply::Now(answer) => Some(decided(answer, self.when_unavailable, exceeded)),
            PortReply::Later(_) => None,
        }
    }

    /// Takes a token from the bucket for a failure.
    pub(crate) async fn count(&self) {
        // The request is refused already. If the buckets cannot be asked, the next request finds that in `check`.
        let _ = self.buckets.try_acquire(self.key, self.rule, self.now_unix_ms).wait().await;
    }
}

fn decided(
    answer: Result<BucketDecision, StoreUnavailable>,
    when_unavailable: WhenUnavailable,
    exceeded: &str,
) -> Result<(), Refusal> {
    match answer {
        Ok(decision) if decision.conforms => Ok(()),
        Ok(decision) => Err(Refusal::new(RefusalKind::TooManyInvalidTokens, exceeded)
            .retry_after(decision.retry_after_seconds)),
        Err(unavailable) => match when_unavailable {
            WhenUnavailable::Open => Ok(()),
            WhenUnavailable::Closed => Err(Refusal::unavailable(unavailable)),
        },
    }
}
