//! The delegation policy of a tenant.

use crate::bucket::BucketRule;
use crate::model::attribute_pattern::AttributePattern;

/// Whether and how a tenant delegates. The default is Auth0's behaviour.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DelegationPolicy {
    /// Whether delegation is enabled. If not, the tenant's host answers like an unknown host.
    pub enabled: bool,
    /// Whether `GET` with a JSONP callback is served.
    pub jsonp: bool,
    /// The longest lifetime of a credential, in seconds; the issuer's maximum applies as well.
    pub lifetime_ceiling_seconds: Option<u64>,
    /// Whether a credential expires with the subject token at the latest.
    pub cap_to_subject_exp: bool,
    /// Whether a token that Locum issued at the request of one client may be presented by another.
    pub chains: Chains,
    /// Whether a client that can authenticate may use `/delegation`, where it cannot.
    pub confidential_clients: ConfidentialClients,
    /// Whether app tokens of `/delegation` have a claim `scope`, as those of `/oauth/token` do. It bounds what they can be
    /// exchanged for.
    pub carry_scope: bool,
    /// For how many seconds after sign-in tokens can be exchanged, each for the next. Without a limit they can be renewed
    /// for ever.
    pub session_seconds: Option<u64>,
    /// Whether a credential of an upstream may be reused for an equal grant while at least half of its lifetime is left.
    /// This saves calls that count against the upstream's quota. Credentials that can be revoked upstream are never
    /// reused.
    pub reuse_upstream_credentials: bool,
    /// For how many seconds after its `exp` a subject token is accepted.
    pub leeway_seconds: u64,
    /// Attributes of users that no scope selects, besides those that never are: `identities`, `app_metadata`,
    /// `password*`, `*_hash`, `*_token`, `*_secret` and `*_key`.
    pub private_attributes: Vec<AttributePattern>,
    /// The rate limit of each user at each address.
    pub rate: BucketRule,
    /// How many invalid subject tokens an address may present, whichever clients they are for.
    pub invalid_token_rate: BucketRule,
    /// Whether `/tokeninfo` and `/userinfo` tell the profile of a user.
    pub profile_endpoints: bool,
    /// What happens if the rate-limit buckets are unavailable.
    pub when_buckets_unavailable: WhenUnavailable,
}

impl Default for DelegationPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            jsonp: false,
            lifetime_ceiling_seconds: None,
            cap_to_subject_exp: false,
            chains: Chains::Authenticated,
            confidential_clients: ConfidentialClients::Open,
            carry_scope: false,
            session_seconds: None,
            reuse_upstream_credentials: false,
            leeway_seconds: 0,
            private_attributes: Vec::new(),
            rate: BucketRule::AUTH0_DEFAULT,
            invalid_token_rate: BucketRule::INVALID_TOKENS_DEFAULT,
            profile_endpoints: false,
            when_buckets_unavailable: WhenUnavailable::Open,
        }
    }
}

/// Who may exchange a token whose `azp` is another client than the one that presents it.
///
/// Such a token was issued for its presenter at the request of the other client. `/delegation` authenticates nobody, so
/// whoever holds the token can name its audience as `client_id`, and reach the targets of both clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chains {
    /// Only a client that authenticated, which it can at `/oauth/token`.
    Authenticated,
    /// Everybody, as Auth0 did.
    Open,
    /// Nobody.
    Refused,
}

/// Whether `/delegation`, which authenticates nobody, serves a client that can authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfidentialClients {
    /// It does, as Auth0 did.
    Open,
    /// It refuses them; they use `/oauth/token`.
    Refused,
}

/// What happens if the rate-limit buckets, or the audit log, are unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// Requests are served: uncounted, as Auth0 did, or without an audit event.
    Open,
    /// Requests are refused.
    Closed,
}
