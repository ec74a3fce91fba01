//! A tenant: its domain, its policy and its keys.

use std::collections::BTreeMap;

use locum_abi::configuration::SigningKey;

use crate::model::management_key::ManagementKey;
use crate::model::policy::DelegationPolicy;
use crate::model::trusted_issuer::{FormerIssuer, TrustedIssuer};

/// A tenant, as in a tenant file or a database row. Its clients and users are not in it, because a directory looks them
/// up one by one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tenant {
    /// The canonical domain in lower case, such as `acme.example.com`.
    pub domain: String,
    /// Whether and how the tenant delegates.
    pub delegation: DelegationPolicy,
    /// The RSA keys. The first one signs. All are published in the JWKS, and all verify the tenant's RS256 id_tokens.
    pub signing_keys: Vec<SigningKey>,
    /// The RSA key that is to sign next. It is published and verifies as the others do, and signs nothing.
    pub next_signing_key: Option<SigningKey>,
    /// The keys of management tokens: the first one signs, and all verify. Without one the tenant has no such tokens.
    pub management_keys: Vec<ManagementKey>,
    /// The scopes of management tokens by the ids of clients, for a directory that reads each client alone: it fills
    /// [`Client::management_scopes`](crate::model::Client::management_scopes) with them.
    pub management_grants: BTreeMap<String, Vec<String>>,
    /// Issuers whose tokens count as the tenant's own.
    pub former_issuers: Vec<FormerIssuer>,
    /// Other issuers whose tokens are accepted.
    pub trusted_issuers: Vec<TrustedIssuer>,
}

impl Tenant {
    /// A tenant without keys, under the default policy, which trusts no other issuer.
    pub fn new(domain: impl Into<String>) -> Self {
        Self {
            domain: domain.into(),
            delegation: DelegationPolicy::default(),
            signing_keys: Vec::new(),
            next_signing_key: None,
            management_keys: Vec::new(),
            management_grants: BTreeMap::new(),
            former_issuers: Vec::new(),
            trusted_issuers: Vec::new(),
        }
    }

    /// The `iss` of the tenant's tokens: `https://{domain}/`.
    pub fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }

    /// The `aud` of the tenant's management tokens: `https://{domain}/api/v2/`, as at Auth0. No client has it as its id or
    /// among its resources.
    pub fn management_audience(&self) -> String {
        format!("https://{}/api/v2/", self.domain)
    }
}
