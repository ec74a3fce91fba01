//! Admit: takes a token from the bucket of this user at this address.

use std::net::IpAddr;

use crate::bucket::{BucketDecision, BucketRule};
use crate::delegation::authenticate::Authenticated;
use crate::model::{DelegationPolicy, WhenUnavailable};
use crate::port_reply::both;
use crate::ports::{BucketKey, BucketSubject, Buckets};
use crate::rate_limited_address::rate_limited_address;
use crate::refusal::{Refusal, RefusalKind};

/// A request within its rate limit.
#[derive(Debug)]
pub struct Admitted<'t> {
    pub(crate) authenticated: Authenticated<'t>,
}

/// The decision of the bucket, and the request if it is admitted.
#[derive(Debug)]
pub struct Admission<'t> {
    /// The values of the rate-limit headers; `None` if the buckets were unavailable.
    pub rate: Option<BucketDecision>,
    /// The request, or why it is refused.
    pub outcome: Result<Admitted<'t>, Refusal>,
}

/// Admits an authenticated request, if the rate limit of its user at this address allows it.
///
/// If the buckets are unavailable, the tenant's policy decides (see [`WhenUnavailable`]). Where they are elsewhere, whether the
/// address has presented too many invalid tokens is asked now too.
pub async fn admit<'t>(
    buckets: &dyn Buckets,
    mut authenticated: Authenticated<'t>,
    ip: IpAddr,
) -> Admission<'t> {
    let guess_check = std::mem::take(&mut authenticated.guess_check).unmade();
    let policy = authenticated.tenant.delegation();
    let key = BucketKey {
        tenant: authenticated.tenant.domain(),
        ip: rate_limited_address(ip),
        subject: BucketSubject::User(&authenticated.subject.user_id),
    };
    let exceeded = "rate limit of this user at this address exceeded";
    let counted = count(buckets, key, policy.rate, policy, exceeded, authenticated.now_unix_ms);
    let Count { rate, outcome } = match guess_check {
        None => counted.await,
        Some(check) => match Box::pin(both(check.make(), counted)).await {
            (Ok(()), counted) => counted,
            (Err(too_many), _) => Count { rate: None, outcome: Err(too_many) },
        },
    };
    Admission { rate, outcome: outcome.map(|()| Admitted { authenticated }) }
}

/// The decision of a bucket, and the refusal if there is no token.
pub(crate) struct Count {
    pub(crate) rate: Option<BucketDecision>,
    pub(crate) outcome: Result<(), Refusal>,
}

/// Takes a token from a bucket. If the buckets are unavailable, the tenant's policy decides.
pub(crate) async fn count(
    buckets: &dyn Buckets,
    key: BucketKey<'_>,
    rule: BucketRule,
    policy: &DelegationPolicy,
    exceeded: &str,
    now_unix_ms: u64,
) -> Count {
    match buckets.try_acquire(key, rule, now_unix_ms).wait().await {
        Ok(decision) if decision.conforms => Count { rate: Some(decision), outcome: Ok(()) },
        Ok(decision) => {
            Count { rate: Some(decision), outcome: Err(Refusal::new(RefusalKind::TooManyRequests, exceeded)) }
        }
        Err(unavailable) => {
            let outcome = match policy.when_buckets_unavailable {
                WhenUnavailable::Open => Ok(()),
                WhenUnavailable::Closed => Err(Refusal::unavailable(unavailable)),
            };
            Count { rate: None, outcome }
        }
    }
}
