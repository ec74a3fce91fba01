//! A tenant: its domain, its policy and its keys.

use locum_abi::configuration::SigningKey;

use crate::model::policy::DelegationPolicy;

/// A tenant as a file or a row describes it. Its clients and users are kept apart: they are looked up one by one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tenant {
    /// The canonical domain, lower case, such as `acme.example.com`.
    pub domain: String,
    /// Whether and how delegation works here.
    pub delegation: DelegationPolicy,
    /// The RSA keys. The first one signs; all are published, and verify the tenant's RS256 id_tokens.
    pub signing_keys: Vec<SigningKey>,
}

impl Tenant {
    /// A tenant without keys, under the default policy.
    pub fn new(domain: impl Into<String>) -> Self {
        Self { domain: domain.into(), delegation: DelegationPolicy::default(), signing_keys: Vec::new() }
    }

    /// The `iss` of the tenant's tokens: `https://{domain}/`.
    pub fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }
}
