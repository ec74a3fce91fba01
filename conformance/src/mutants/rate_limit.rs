//! Mutants of the rate limit: too many requests, too few, and numbers that are not so.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use locum_engine::model::WhenUnavailable;
use locum_engine::ports::BucketSubject;
use locum_engine::{AuditCode, BucketRule};

use super::Mutant;
use crate::profile::Profile;
use crate::weakening::Weakening;

pub(super) fn mutants() -> Vec<Mutant> {
    Mutant::all_of(
        Profile::RateLimit,
        vec![
            (
                "never-limits",
                "Every request passes.",
                &[],
                &[],
                Weakening::Taken(|taken| locum_engine::BucketDecision { conforms: true, ..taken }),
            ),
            (
                "lets-one-more-through",
                "Eleven requests pass.",
                &[],
                &[],
                Weakening::Bucket(|key, rule| {
                    (key, BucketRule { size: rule.size.saturating_add(1), ..rule })
                }),
            ),
            (
                "lets-one-less-through",
                "Nine requests pass.",
                &[],
                &[],
                Weakening::Bucket(|key, rule| (key, BucketRule { size: one_less(rule.size), ..rule })),
            ),
            (
                "refills-twice-as-fast",
                "A minute gives two requests back.",
                &[],
                &[],
                Weakening::Bucket(|key, rule| {
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
                "counts-all-users-together",
                "All users share a bucket.",
                &[],
                &[],
                Weakening::Bucket(|mut key, rule| {
                    key.subject = BucketSubject::User("everybody");
                    (key, rule)
                }),
            ),
            (
                "counts-all-addresses-together",
                "A user has one bucket at all addresses.",
                &[],
                &[],
                Weakening::Bucket(|mut key, rule| {
                    key.ip = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                    (key, rule)
                }),
            ),
            (
                "counts-every-ipv6-address",
                "Every address of an IPv6 network has a bucket.",
                &[],
                &[],
                Weakening::Question(|asked, _| {
                    if let IpAddr::V6(ip) = asked.ip {
                        let [.., high, low] = ip.segments();
                        asked.ip = IpAddr::V4(Ipv4Addr::new(10, 0, high as u8, low as u8));
                    }
                }),
            ),
            (
                "ignores-the-tenants-rate",
                "Every tenant has the rate of the record.",
                &[],
                &[],
                Weakening::Bucket(|key, _| (key, BucketRule::AUTH0_DEFAULT)),
            ),
            (
                "says-that-more-remain",
                "The headers say that one more request remains.",
                &[],
                &[],
                Weakening::Taken(|taken| locum_engine::BucketDecision {
                    remaining: taken.remaining + 1,
                    ..taken
                }),
            ),
            (
                "says-a-later-reset",
                "The headers say that the bucket is full a second later.",
                &[],
                &[],
                Weakening::Taken(|taken| locum_engine::BucketDecision {
                    reset_unix_seconds: taken.reset_unix_seconds + 1,
                    ..taken
                }),
            ),
            (
                "says-reset-in-milliseconds",
                "The headers give the reset in milliseconds.",
                &[],
                &[],
                Weakening::Taken(|taken| locum_engine::BucketDecision {
                    reset_unix_seconds: taken.reset_unix_seconds * 1000,
                    ..taken
                }),
            ),
            (
                "says-nothing-about-waiting",
                "A refusal does not say how long to wait.",
                &[],
                &[],
                Weakening::Answer(|answered, _| answered.headers.retain(|(name, _)| name != "retry-after")),
            ),
            (
                "tells-the-rate-only-of-refusals",
                "A good answer does not tell the rate.",
                &[],
                &[],
                Weakening::Answer(|answered, _| {
                    if answered.status == 200 {
                        answered.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "tells-the-rate-only-of-successes",
                "A refusal does not tell the rate.",
                &[],
                &[],
                Weakening::Answer(|answered, _| {
                    if answered.status != 200 {
                        answered.headers.retain(|(name, _)| !name.starts_with("x-ratelimit"));
                    }
                }),
            ),
            (
                "closes-without-a-limiter",
                "Requests are refused while the limiter cannot be asked.",
                &[],
                &[],
                Weakening::Tenant(|tenant| {
                    tenant.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Closed
                }),
            ),
            (
                "opens-without-a-limiter",
                "Requests go on while the limiter cannot be asked, though the tenant says otherwise.",
                &[],
                &[],
                Weakening::Tenant(|tenant| {
                    tenant.tenant.delegation.when_buckets_unavailable = WhenUnavailable::Open
                }),
            ),
            (
                "records-limits-as-failures",
                "A request that the limit refused is recorded as any failure.",
                &[],
                &[],
                Weakening::Audit(|mut event| {
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
