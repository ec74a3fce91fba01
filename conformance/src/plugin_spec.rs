//! The sheet of a plugin, `plugin.yaml`: what the suite must know to grant its issuers a good day.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::fixture::UpstreamExchange;
use crate::profile::Feature;

/// What stands in `plugin.yaml` beside a plugin's fixtures.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Locum plugin sheet")]
pub struct PluginSpec {
    /// The plugin's name, as its manifest has it.
    pub plugin: String,
    /// How many fixtures stand beside this file. A file that got lost is a mistake, not a pass.
    pub cases: usize,
    /// One entry for each api_type.
    pub issuers: BTreeMap<String, IssuerSpec>,
    /// Cases that are not run for now.
    #[serde(default)]
    pub skip: Vec<Exemption>,
    /// Cases that are known to fail. One that passes is a failure.
    #[serde(default)]
    pub expected_failures: Vec<Exemption>,
}

/// What the suite must know of one api_type.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerSpec {
    /// Settings that work. `${file:PATH}` takes in a file; the path is relative to this one.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Request parameters of a good request.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// Attributes of the stored user that a good credential is made of.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// The upstream's part in a good request.
    #[serde(default)]
    pub upstream: Vec<UpstreamExchange>,
    /// The upstream's part in a good revocation.
    #[serde(default)]
    pub revocation: Vec<UpstreamExchange>,
    /// How the credential is read.
    #[serde(default)]
    pub credential: CredentialReading,
    /// Features that the manifest cannot state.
    #[serde(default)]
    pub features: Vec<Feature>,
}

/// How a credential is read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialReading {
    /// It is not: only what the answer says of it is looked at.
    #[default]
    Opaque,
    /// A compact JWT.
    Jwt(JwtReading),
    /// Query parameters, as in a shared access signature.
    Query(QueryReading),
    /// Members of a JSON object.
    Object(ObjectReading),
}

/// How a JWT is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtReading {
    /// The key that verifies it.
    pub verifies_with: VerifyingKey,
}

/// How a text of query parameters is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryReading {
    /// What stands before the first parameter.
    #[serde(default)]
    pub after: String,
    /// The parameter that says when its life starts; absent if it does not say.
    pub issued_at: Option<String>,
    /// The parameter that says when it ends.
    pub expires_at: Option<String>,
}

/// How an object is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectReading {
    /// The JSON pointer of the member that says when it ends; absent if it does not say.
    pub expires_at: Option<String>,
    /// The JSON pointer of the token that clients present and revoke; absent if the object is not about one.
    pub token: Option<String>,
}

/// A key that verifies a JWT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyingKey {
    /// The target's secret, HS256.
    TargetSecret,
    /// The caller's secret, HS256.
    CallerSecret,
    /// The tenant's RSA key, RS256.
    TenantKey,
    /// The text of a setting, HS256.
    SecretInSetting(String),
    /// These bytes in base64url, HS256: for keys that an issuer derives.
    SecretBytes(String),
    /// This public key, PEM, with this algorithm.
    PublicKey {
        /// The algorithm's name, such as `RS256`.
        alg: String,
        /// The key; `${file:PATH}` takes in a file.
        pem: String,
    },
}

/// A case that is treated apart for a while.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// The id of the case.
    pub case: String,
    /// Why.
    pub reason: String,
    /// The last day, `YYYY-MM-DD`. After it the exemption itself fails.
    pub until: String,
}

impl CredentialReading {
    /// The HMAC key that the sheet tells, where an issuer has it in one of these settings or makes it of them.
    pub(crate) fn hmac_key(&self, settings: &Map<String, Value>) -> Option<Vec<u8>> {
        match self {
            Self::Jwt(JwtReading { verifies_with: VerifyingKey::SecretInSetting(name) }) => {
                Some(settings.get(name)?.as_str()?.as_bytes().to_vec())
            }
            Self::Jwt(JwtReading { verifies_with: VerifyingKey::SecretBytes(bytes) }) => {
                URL_SAFE_NO_PAD.decode(bytes).ok()
            }
            _ => None,
        }
    }
}
