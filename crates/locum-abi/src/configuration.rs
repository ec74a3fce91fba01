//! What an issuer is created from: the settings of an add-on, and the tenant it works for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::secret::Secret;
use crate::signing::SigningKeys;

/// Input of a plugin's `create`: all that is known before the first request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Configuration {
    /// The api_type of the plugin to create an issuer for.
    pub api_type: String,
    /// The stored settings, valid against the manifest's settings schema, without the private keys among them that the host
    /// [signs with](crate::manifest::IssuerManifest::signs_with).
    pub settings: Map<String, Value>,
    /// The tenant that the credentials are issued for.
    pub tenant: Tenant,
    /// The private keys that the host holds for this issuer, as far as tenant and settings have them.
    #[serde(default, skip_serializing_if = "SigningKeys::is_empty")]
    pub signing: SigningKeys,
}

impl Configuration {
    /// A configuration without private keys that the host signs with.
    pub fn new(api_type: impl Into<String>, settings: Map<String, Value>, tenant: Tenant) -> Self {
        Self { api_type: api_type.into(), settings, tenant, signing: SigningKeys::new() }
    }
}

/// What an issuer may know of its tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tenant {
    /// The canonical domain, such as `acme.example.com`.
    pub domain: String,
    /// The tenant's RSA signing key. Engines give it to hosts for issuers that sign with it. A host gives it on only to a
    /// plugin whose manifest [needs](crate::manifest::Need) it and whose pin allows that: plugins of contract 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

impl Tenant {
    /// A tenant without a signing key.
    pub fn new(domain: impl Into<String>) -> Self {
        Self { domain: domain.into(), signing_key: None }
    }

    /// The `iss` claim of every token that this tenant signs: `https://{domain}/`.
    ///
    /// ```
    /// # use locum_abi::configuration::Tenant;
    /// assert_eq!(Tenant::new("acme.example.com").issuer(), "https://acme.example.com/");
    /// ```
    pub fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }
}

/// The tenant's own RSA key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// The `kid` of the public key in the tenant's JWKS.
    pub kid: String,
    /// The private key: PEM, PKCS#8.
    #[serde(serialize_with = "Secret::serialize_exposed")]
    pub private_key_pem: Secret,
    /// The certificate of the public key, PEM, if the tenant has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
}
