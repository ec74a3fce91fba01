//! Admit: one token from the bucket of this user at this address.

use std::net::{IpAddr, Ipv6Addr};

use crate::bucket::BucketDecision;
use crate::delegation::authenticate::Authenticated;
use crate::model::{DelegationPolicy, WhenUnavailable};
use crate::ports::{BucketKey, BucketSubject, Buckets};
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

/// The address that a limit counts: of IPv6 the /64, since one customer of a provider has all of it.
#[must_use]
pub fn rate_limited_address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(ip: &str) -> String {
        rate_limited_address(ip.parse().unwrap()).to_string()
    }

    #[test]
    fn ipv6_addresses_share_a_bucket_if_their_first_64_bits_are_equal() {
        assert_eq!(limited("2001:db8:1:2:3:4:5:6"), limited("2001:db8:1:2:ffff::1"));
        assert_ne!(limited("2001:db8:1:2::1"), limited("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_mapped_address_counts_as_its_ipv4_address() {
        assert_eq!(limited("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(limited("192.0.2.7"), limited("192.0.2.8"));
    }
}
