//! What an issuer knows of its tenant.

use locum_abi::configuration::Tenant as TenantMessage;

use crate::private_key::PrivateKey;

/// The tenant that an issuer works for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tenant {
    /// The canonical domain, such as `acme.example.com`.
    pub domain: String,
    /// The tenant's RSA key, if the tenant has one and [`ApiType::signs_with_tenant_key`](crate::ApiType::signs_with_tenant_key)
    /// asks for it.
    pub signing_key: Option<PrivateKey>,
}

impl Tenant {
    pub(crate) fn new(message: TenantMessage, signing_key: Option<PrivateKey>) -> Self {
        Self { domain: message.domain, signing_key }
    }

    /// The `iss` claim of every token that this tenant signs: `https://{domain}/`.
    pub fn issuer(&self) -> String {
        TenantMessage::new(self.domain.as_str()).issuer()
    }
}
