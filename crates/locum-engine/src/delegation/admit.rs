//! Admit: takes a token from the bucket of this user at this address.

use std::net::{IpAddr, Ipv6Addr};

use crate::bucket::BucketDecision;
use crate::delegation::authenticate::Authenticated;
use crate::model::{DelegationPolicy, WhenUnavailable};
use crate::ports::{BucketKey, BucketSubject, Buckets};
use crate::refusal::{Refusal, RefusalKind};

/// A request within its rate limit.
#[derive(Debug)]
pub struct Admitted {
    pub(crate) authenticated: Authenticated,
}

/// The decision of the bucket, and the request if it is admitted.
#[derive(Debug)]
pub struct Admission {
    /// The values of the rate-limit headers; `None` if the buckets were unavailable.
    pub rate: Option<BucketDecision>,
    /// The request, or why it is refused.
    pub outcome: Result<Admitted, Refusal>,
}

/// Admits an authenticated request, if the rate limit of its user at this address allows it.
///
/// If the buckets are unavailable, the tenant's policy decides (see [`WhenUnavailable`]).
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

/// The decision of a bucket, and the refusal if there is no token.
pub(crate) struct Count {
    pub(crate) rate: Option<BucketDecision>,
    pub(crate) outcome: Result<(), Refusal>,
}

/// Takes a token from a bucket. If the buckets are unavailable, the tenant's policy decides.
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

/// The address that a rate limit counts. An IPv6 address is reduced to its first 64 bits, because a provider usually
/// assigns all of a /64 to one customer. An IPv4-mapped address becomes its IPv4 address.
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
