//! The policy of delegation: what a tenant allows, and within which limits.

use crate::bucket::BucketRule;

/// Whether and how a tenant delegates.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DelegationPolicy {
    /// Whether the tenant delegates. If not, its endpoint answers as an unknown host's does.
    pub enabled: bool,
    /// Whether `GET` with a JSONP callback is served.
    pub jsonp: bool,
    /// The longest lifetime of a credential, in seconds.
    pub lifetime_ceiling_seconds: Option<u64>,
    /// Whether a credential expires with the subject token at the latest.
    pub cap_to_subject_exp: bool,
    /// Whether a credential that an upstream issued may answer the same grant again while at least half of its
    /// lifetime is left. It spares the upstream's quota. Credentials that can be revoked upstream are never reused.
    pub reuse_upstream_credentials: bool,
    /// How far the clocks of token issuers may be off, in seconds: a subject token is accepted that long past its
    /// `exp`.
    pub leeway_seconds: u64,
    /// The rate limit of each user at each address.
    pub rate: BucketRule,
    /// What happens when the rate limiter cannot be asked, or the audit log cannot be written.
    pub when_buckets_unavailable: WhenUnavailable,
}

impl Default for DelegationPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            jsonp: false,
            lifetime_ceiling_seconds: None,
            cap_to_subject_exp: false,
            reuse_upstream_credentials: false,
            leeway_seconds: 0,
            rate: BucketRule::AUTH0_DEFAULT,
            when_buckets_unavailable: WhenUnavailable::Open,
        }
    }
}

/// What happens when the rate limiter cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// Requests are served: uncounted, as Auth0 did, or without an audit event.
    Open,
    /// Requests are refused.
    Closed,
}
