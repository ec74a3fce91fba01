//! Mutants of the rate limit: too many requests, too few, and numbers that are not so.

use std::net::{IpAddr, Ipv4Addr};

use locum_engine::tenant::WhenUnavailable;
use locum_engine::{AuditCode, BucketRule};

use crate::faults::fault::Fault;
use crate::mutants::mutant::Mutant;
use crate::profile::Profile;

pub(crate) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::RateLimit,
        vec![
            (
                "never-limits",
                "Every request passes.",
                &[],
                &[],
                Fault::BucketDecision(|taken| locum_engine::BucketDecision { conforms: true, ..taken }),
            ),
            (
                "lets-one-more-through",
                "Eleven requests pass.",
                &[],
                &[],
                Fault::Bucket(|key, rule| (key, BucketRule { size: rule.size + 1, ..rule })),
            ),
            (
                "lets-one-less-through",
                "Nine requests pass.",
                &[],
                &[],
                Fault::Bucket(|key, rule| (key, BucketRule { size: rule.size.max(2) - 1, ..rule })),
            ),
            (
                "refills-twice-as-fast",
                "A minute gives two requests back.",
                &[],
                &[],
                Fault::Bucket(|key, rule| (key, BucketRule { per_minute: rule.per_minute * 2, ..rule })),
            ),
            (
                "counts-all-users-together",
                "All users share a bucket.",
                &[],
                &[],
                Fault::Bucket(|mut key, rule| {
                    key.user_id = "everybody";
                    (key, rule)
                }),
            ),
            (
                "counts-all-addresses-together",
                "A user has one bucket at all addresses.",
                &[],
                &[],
                Fault::Bucket(|mut key, rule| {
                    key.ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                    (key, rule)
                }),
            ),
            (
                "counts-every-ipv6-address",
                "Every address of an IPv6 network has a bucket.",
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
                "ignores-the-tenants-rate",
                "Every tenant has the rate of the record.",
                &[],
                &[],
                Fault::Bucket(|key, _| (key, BucketRule::AUTH0_DEFAULT)),
            ),
            (
                "says-that-more-remain",
                "The headers say that one more request remains.",
                &[],
                &[],
                Fault::BucketDecision(|taken| locum_engine::BucketDecision {
                    remaining: taken.remaining + 1,
                    ..taken
                }),
            ),
            (
                "says-a-later-reset",
                "The headers say that the bucket is full a second later.",
                &[],
                &[],
                Fault::BucketDecision(|taken| locum_engine::BucketDecision {
                    reset_unix_seconds: taken.reset_unix_seconds + 1,
                    ..taken
                }),
            ),
            (
                "says-reset-in-milliseconds",
                "The headers give the reset in milliseconds.",
                &[],
                &[],
                Fault::BucketDecision(|taken| locum_engine::BucketDecision {
                    reset_unix_seconds: taken.reset_unix_seconds * 1000,
                    ..taken
                }),
            ),
            (
                "says-nothing-about-waiting",
                "A refusal does not say how long to wait.",
                &[],
                &[],
                Fault::Response(|response, _| response.headers.retain(|(name, _)| name != "retry-after")),
            ),
            (
                "tells-the-rate-only-of-refusals",
                "A good answer does not tell the rate.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.status == 200 {
                        response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "tells-the-rate-only-of-successes",
                "A refusal does not tell the rate.",
                &[],
                &[],
                Fault::Response(|response, _| {
                    if response.status != 200 {
                        response.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "closes-without-a-limiter",
                "Requests are refused while the limiter cannot be asked.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.when_buckets_unavailable = WhenUnavailable::Closed),
            ),
            (
                "opens-without-a-limiter",
                "Requests go on while the limiter cannot be asked, though the tenant says otherwise.",
                &[],
                &[],
                Fault::Tenant(|tenant| tenant.delegation.when_buckets_unavailable = WhenUnavailable::Open),
            ),
            (
                "records-limits-as-failures",
                "A request that the limit refused is recorded as any failure.",
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
