//! Signatures with private keys, which the host makes for an issuer: what an issuer knows of a key, and what it asks for.
//!
//! No issuer is given a private key. It answers with a [`SigningRequest`], the host checks what it is asked to sign, and
//! calls the issuer again with the signature.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name of the tenant's key. The name of a key from the settings is that of the setting.
pub const TENANT_KEY: &str = "tenant";

/// The keys that an issuer can ask the host to sign with, by their names.
pub type SigningKeys = BTreeMap<String, SigningKeyInfo>;

/// What an issuer knows of a private key that the host holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKeyInfo {
    /// The `kid` of the public key in the tenant's JWKS. Only the tenant's key has one; the host writes it into headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The names of the JWS algorithms (RFC 7518 section 3.1, RFC 8037) that it signs with, such as `RS256`.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// Whether it signs [bytes](SigningRequest::bytes) too: the manifest asks for that, and the pin allows it.
    #[serde(default)]
    pub signs_bytes: bool,
    /// The certificate of the tenant's key, PEM, if there is one. Only a key that signs bytes has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_pem: Option<String>,
}

/// What the host shall sign. Exactly one of `jwt` and `bytes` is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SigningRequest {
    /// The name of the key in [`Configuration::signing`](crate::configuration::Configuration::signing).
    pub key: String,
    /// A JWT. The signature is the compact JWT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtToSign>,
    /// Anything else. The signature is in base64 (RFC 4648 section 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<BytesToSign>,
}

/// A JWT without its signature. The host writes the header: `typ`, `alg`, and the `kid` of the tenant's key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JwtToSign {
    /// One of the key's [algorithms](SigningKeyInfo::algorithms).
    pub alg: String,
    /// Further members of the header, which may replace `typ`. A JWT under the tenant's key has none.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub header: Map<String, Value>,
    /// The claims.
    pub claims: Map<String, Value>,
}

/// Bytes that are not a JWT, such as the `SignedInfo` of an XML signature. Hosts sign only those that begin with `<`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BytesToSign {
    /// One of the key's [algorithms](SigningKeyInfo::algorithms).
    pub alg: String,
    /// The bytes, which are valid UTF-8.
    pub text: String,
}

impl SigningRequest {
    /// Asks for a JWT.
    pub fn jwt(key: impl Into<String>, jwt: JwtToSign) -> Self {
        Self { key: key.into(), jwt: Some(jwt), bytes: None }
    }

    /// Asks for the signature of bytes.
    pub fn bytes(key: impl Into<String>, bytes: BytesToSign) -> Self {
        Self { key: key.into(), jwt: None, bytes: Some(bytes) }
    }
}
