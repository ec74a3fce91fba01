//! Admit: one token from the bucket of this user at this address.

use std::net::IpAddr;

use crate::bucket::BucketDecision;
use crate::delegation::authenticate::Authenticated;
use crate::model::{DelegationPolicy, WhenUnavailable};
use crate::ports::{BucketKey, BucketSubject, Buckets};
use crate::rate_limited_address::rate_limited_address;
use crate::refusal::{Refusal, RefusalKind};

/// A request within its rate.
#[derive(Debug)]
pub struct Admitted {
    pub(crate) authenticated: Authenticated,
}

/// The answer of the bucket, whether or not it admits the request.
#[derive(Debug)]
pub struct Admission {
    /// What the rate headers are made of; `None` if the buckets could not be asked.
    pub rate: Option<BucketDecision>,
    /// The request, or why it is refused.
    pub outcome: Result<Admitted, Refusal>,
}

/// Admits an authenticated request.
pub async fn admit(buckets: &dyn Buckets, authenticated: Authenticated, ip: IpAddr) -> Admission {
    let policy = authenticated.tenant.delegation();
    let key = BucketKey {
        tenant: authenticated.tenant.domain(),
        ip: rate_limited_address(ip),
        subject: BucketSubject::User(&authenticated.subject.user_id),
    };
    let exceeded = "rate limit of this user at this address exceeded";
    let Count { rate, outcome } = count(buckets, key, policy, exceeded, authenticated.now_unix_ms).await;
    Admission { rate, outcome: outcome.map(|()| Admitted { authenticated }) }
}

/// The answer of a bucket, and whether it admits a request.
pub(crate) struct Count {
    pub(crate) rate: Option<BucketDecision>,
    pub(crate) outcome: Result<(), Refusal>,
}

/// Takes a token from a bucket, or does what the tenant's policy says for when the buckets cannot be asked.
pub(crate) async fn count(
    buckets: &dyn Buckets,
    key: BucketKey<'_>,
    policy: &DelegationPolicy,
    exceeded: &str,
    now_unix_ms: u64,
) -> Count {
    match buckets.try_acquire(key, policy.rate, now_unix_ms).wait().await {
        Ok(decision) if decision.conforms => Count { rate: Some(decision), outcome: Ok(()) },
        Ok(decision) => {
            Count { rate: Some(decision), outcome: Err(Refusal::new(RefusalKind::TooManyRequests, exceeded)) }
        }
        Err(unavailable) => {
            let outcome = match policy.when_buckets_unavailable {
                WhenUnavailable::Open => Ok(()),
                WhenUnavailable::Closed => {
                    Err(Refusal::new(RefusalKind::TemporarilyUnavailable, "try again later")
                        .because(unavailable))
                }
            };
            Count { rate: None, outcome }
        }
    }
}
