//! What makes an issuer ready: settings and the tenant it works for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::Secret;

/// Input of the plugin's `create`: everything that is known before the first request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Configuration {
    /// Which of the plugin's api_types to make ready.
    pub api_type: String,
    /// The stored settings, already valid against the manifest's settings schema.
    pub settings: Map<String, Value>,
    /// The tenant that the credentials are issued for.
    pub tenant: Tenant,
}

/// What an issuer may know of its tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// The canonical domain, such as `acme.example.com`.
    pub domain: String,
    /// The tenant's RSA signing key: present only if the manifest [needs](crate::manifest::Need) it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

impl Tenant {
    /// The `iss` of everything this tenant signs: `https://{domain}/`.
    pub fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }
}

/// The tenant's own RSA key, for issuers that sign in the tenant's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// The `kid` under which the public half stands in the tenant's JWKS.
    pub kid: String,
    /// The private key, PEM, PKCS#8.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub private_key_pem: Secret,
    /// The certificate of the public half, PEM, where the tenant has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
}
