//! The manifest: who a plugin is, what it issues and what it promises.
//!
//! The host holds an issuer to each promise, the conformance suite tests each, and a pin freezes them all.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Generation of the messages in this crate. Grows only when an old host could misread a new plugin.
pub const CONTRACT: u32 = 1;

/// Who a plugin is and what it issues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// [`CONTRACT`] of the SDK that the plugin was built with.
    pub contract: u32,
    /// The plugin's name, unique among the plugins of a host: that of its first api_type, in snake case. Names in kebab
    /// case are accepted too.
    pub name: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// Who answers for it.
    pub vendor: String,
    /// One sentence for operators.
    pub description: String,
    /// The api_types it serves, at least one.
    pub issuers: Vec<IssuerManifest>,
}

/// What one api_type issues and promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct IssuerManifest {
    /// The value of `api_type` and the name of the add-on, such as `azure_blob`.
    pub api_type: String,
    /// The form of the credential.
    pub credential: CredentialForm,
    /// JSON Schema of the settings. Secrets are `writeOnly`; `additionalProperties` is false.
    pub settings_schema: Value,
    /// JSON Schema of the request parameters that the issuer understands.
    pub parameters_schema: Value,
    /// Which parameters stand in for which settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// How long credentials live.
    pub lifetime: Lifetime,
    /// Whether and how a credential can be taken back.
    pub revocation: Revocation,
    /// One sentence for operators: what to do when a credential has leaked.
    pub revocation_advice: String,
    /// The upstreams it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Upstream>,
    /// What it needs of the tenant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The profile attributes it reads whatever the scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Read>,
}

/// The form of a credential, and with it the shape of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum CredentialForm {
    /// A compact JWT, answered as `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`.
    Jwt,
    /// A text, answered as `{"<member>":"…"}`.
    Text {
        /// The member of the answer that holds it, such as `azure_blob_sas`.
        member: String,
    },
    /// A JSON object, answered as it is.
    Object,
    /// A form that this host does not know; such an issuer is not loaded.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// A request parameter that stands in for a stored setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Override {
    /// The parameter's name. Its snake-case spelling is accepted too.
    pub parameter: String,
    /// The setting it stands in for.
    pub setting: String,
}

/// How long credentials of an issuer live, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lifetime {
    /// Shorter ones cannot be had.
    pub minimum_seconds: u64,
    /// What is given when the settings do not say.
    pub default_seconds: u64,
    /// Longer ones are never given.
    pub maximum_seconds: u64,
    /// The setting that asks for a lifetime, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<LifetimeSetting>,
}

/// A setting that asks for a lifetime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LifetimeSetting {
    /// Its name, such as `expiration`.
    pub name: String,
    /// How many seconds one of its units has: 1 or 60.
    pub unit_seconds: u64,
}

/// Whether a credential can be taken back before it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It cannot.
    NotRevocable,
    /// The upstream takes it back on request.
    Upstream,
    /// Only by changing the key or policy it was made with, and with it all others.
    ByKeyRotation,
    /// A class that this host does not know; treated as [`Revocation::NotRevocable`].
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// An upstream that an issuer may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Upstream {
    /// An HTTPS host on port 443.
    Host {
        /// The name, exactly; a `*` stands for exactly one label, as in `sts.*.amazonaws.com`.
        host: String,
    },
    /// The origin of the URL in a stored setting. Requests never change it.
    Setting {
        /// The setting's name.
        setting: String,
    },
    /// A kind that this host does not know; it allows nothing.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// Something of the tenant that an issuer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The tenant's RSA key and certificate.
    TenantSigningKey,
    /// A need that this host does not know; such an issuer is not loaded.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// A profile attribute that an issuer reads whatever the scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Read {
    /// One attribute.
    Attribute {
        /// Its name in the profile.
        name: String,
    },
    /// The attribute whose name stands in a setting; those whose names are its values, if the setting is an object.
    NamedBySetting {
        /// The setting's name.
        setting: String,
        /// The attribute read when the setting is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    /// A kind that this host does not know; it reads nothing.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl Manifest {
    /// What this plugin promises for an api_type, if it serves it.
    pub fn issuer(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.issuers.iter().find(|issuer| issuer.api_type == api_type)
    }
}
