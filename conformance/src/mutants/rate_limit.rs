//! Mutants of the rate limit: too many or too few requests, and wrong numbers in headers.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use locum_engine::model::WhenUnavailable;
use locum_engine::ports::BucketSubject;
use locum_engine::{AuditCode, BucketDecision, BucketRule};

use crate::faults::fault::Fault;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::RateLimit,
        vec![
            (
                "never-limits",
                "No request is refused.",
                &[],
                &[],
                Fault::BucketDecision(|decision| BucketDecision { conforms: true, ..decision }),
            ),
            (
                "allows-one-request-more",
                "Eleven requests are accepted instead of ten.",
                &[],
                &[],
                Fault::Bucket(|key, rule| (key, BucketRule { size: rule.size.saturating_add(1), ..rule })),
            ),
            (
                "allows-one-request-less",
                "Nine requests are accepted instead of ten.",
                &[],
                &[],
                Fault::Bucket(|key, rule| (key, BucketRule { size: one_less(rule.size), ..rule })),
            ),
            (
                "refills-twice-as-fast",
                "Two requests are refilled per minute instead of one.",
                &[],
                &[],
                Fault::Bucket(|key, rule| {
                    (
                        key,
                        BucketRule {
                            per_minute: rule.per_minute.saturating_add(rule.per_minute.get()),
                            ..rule
                        },
                    )
                }),
            ),
            (
                "shares-a-bucket-between-users",
                "All users share a bucket.",
                &[],
                &[],
                Fault::Bucket(|mut key, rule| {
                    key.subject = BucketSubject::User("everybody");
                    (key, rule)
                }),
            ),
            (
                "shares-a-bucket-between-addresses",
                "All IP addresses of a user share a bucket.",
                &[],
                &[],
                Fault::Bucket(|mut key, rule| {
                    key.ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                    (key, rule)
                }),
            ),
            (
                "separates-addresses-of-an-ipv6-network",
                "Every address of an IPv6 network has its own bucket.",
                &[],
                &[],
                Fault::Request(|request, _| {
                    if let IpAddr::V6(ip) = request.ip {
                        let [.., high, low] = ip.segments();
                        request.ip = IpAddr::V4(Ipv4Addr::new(10, 0, high as u8, low as u8));
                    }
                }),
            ),
            (
                "ignores-the-rate-of-the-tenant",
                "Every tenant has the default rate.",
                &[],
                &[],
                Fault::Bucket(|key, _| (key, BucketRule::AUTH0_DEFAULT)),
            ),
            (
                "overstates-the-remaining-requests",
                "The header for the remaining requests is too high by one.",
                &[],
                &[],
                Fault::BucketDecision(|decision| BucketDecision {
                    remaining: decision.remaining + 1,
                    ..decision
                }),
            ),
            (
                "states-the-reset-a-second-late",
                "The header for the reset is a second late.",
                &[],
                &[],
                Fault::BucketDecision(|decision| BucketDecision {
                    reset_unix_seconds: decision.reset_unix_seconds + 1,
                    ..decision
                }),
            ),
            (
                "states-the-reset-in-milliseconds",
                "The header for the reset is in milliseconds.",
                &[],
                &[],
                Fault::BucketDecision(|decision| BucketDecision {
                    reset_unix_seconds: decision.reset_unix_seconds * 1000,
                    ..decision
                }),
            ),
            (
                "drops-retry-after",
                "A refusal lacks Retry-After.",
                &[],
                &[],
                Fault::Response(|response, _| response.headers.retain(|(name, _)| name != "retry-after")),
            ),
            (
                "drops-rate-headers-of-successes",
                "A successful response lacks the rate limit headers.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.status == 200 {
                        response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "drops-rate-headers-of-refusals",
                "A refusal lacks the rate limit headers.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.status != 200 {
                        response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "refuses-without-a-rate-limiter",
                "Requests are refused while the rate limiter is unavailable, although the tenant allows them.",
                &[],
                &[],
                Fault::Tenant(|data| {
                    data.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Closed
                }),
            ),
            (
                "accepts-without-a-rate-limiter",
                "Requests are accepted while the rate limiter is unavailable, although the tenant forbids this.",
                &[],
                &[],
                Fault::Tenant(|data| data.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Open),
            ),
            (
                "records-limits-as-failures",
                "The audit event of a rate-limited request has the code of another failure.",
                &[],
                &[],
                Fault::Audit(|mut event| {
                    if event.code == AuditCode::Limited {
                        event.code = AuditCode::Failure;
                    }
                    vec![event]
                }),
            ),
        ],
    )
}

fn one_less(size: NonZeroU32) -> NonZeroU32 {
    NonZeroU32::new(size.get() - 1).unwrap_or(size)
}
