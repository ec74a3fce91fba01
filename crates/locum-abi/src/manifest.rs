//! The manifest: who a plugin is, what it issues and what it promises.
//!
//! The host enforces each promise, the conformance suite tests each, and a pin fixes all of them.
//!
//! ```
//! use locum_abi::manifest::{CredentialForm, IssuerManifest, Revocation};
//!
//! let issuer = IssuerManifest::new("azure_blob", CredentialForm::Text { member: "azure_blob_sas".to_owned() });
//! assert_eq!(issuer.lifetime.maximum_seconds, 3600);
//! assert_eq!(issuer.revocation, Revocation::NotRevocable);
//! ```

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Generation of the messages in this crate. It grows only when an old host could misread a new plugin.
pub const CONTRACT: u32 = 1;

/// Who a plugin is and what it issues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Manifest {
    /// The [`CONTRACT`] of the SDK that the plugin was built with.
    pub contract: u32,
    /// The plugin's name, unique among the plugins of a host: that of its first api_type, in snake case. Names in kebab
    /// case are accepted too.
    pub name: String,
    /// The plugin's version, such as `1.4.0` (Semantic Versioning).
    pub version: String,
    /// The person or organisation that maintains the plugin.
    pub vendor: String,
    /// One sentence for operators: what the plugin issues.
    pub description: String,
    /// What the plugin issues, one entry for each api_type; at least one.
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
    /// JSON Schema of the settings. Secrets are `writeOnly`, and `additionalProperties` is false.
    pub settings_schema: Value,
    /// JSON Schema of the request parameters that the issuer understands.
    pub parameters_schema: Value,
    /// The request parameters that replace stored settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// The lifetimes that its credentials can have.
    pub lifetime: Lifetime,
    /// Whether and how a credential can be revoked before it expires.
    pub revocation: Revocation,
    /// One sentence for operators: what to do when a credential has leaked.
    pub revocation_advice: String,
    /// The upstreams that it may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Upstream>,
    /// What it needs of the tenant, such as the signing key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// The profile attributes that it reads, even if no scope selects them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Read>,
}

/// The form of a credential, which decides the response to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "form", rename_all = "snake_case")]
pub enum CredentialForm {
    /// A compact JWT. The response is `{"token_type":"Bearer","expires_in":…,"id_token":"…"}`.
    Jwt,
    /// A text. The response is `{"<member>":"…"}`.
    Text {
        /// The member of the response that holds the text, such as `azure_blob_sas`.
        member: String,
    },
    /// A JSON object. The response is that object.
    Object,
    /// A form that this host does not know. The host does not load the plugin.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// A request parameter that replaces a stored setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Override {
    /// The parameter's name. Callers may also send it in snake case.
    pub parameter: String,
    /// The setting that it replaces.
    pub setting: String,
}

/// The lifetimes that credentials of an issuer can have, in seconds: 1 ≤ minimum ≤ default ≤ maximum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Lifetime {
    /// The shortest lifetime.
    pub minimum_seconds: u64,
    /// The lifetime if the settings do not ask for another.
    pub default_seconds: u64,
    /// The longest lifetime.
    pub maximum_seconds: u64,
    /// The setting that asks for a lifetime, if the issuer has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<LifetimeSetting>,
}

/// A setting that asks for a lifetime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LifetimeSetting {
    /// The setting's name, such as `expiration`.
    pub name: String,
    /// Seconds in one unit of the setting: 1 for seconds, 60 for minutes.
    pub unit_seconds: u64,
}

/// Whether and how a credential can be revoked before it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It cannot be revoked.
    NotRevocable,
    /// The upstream revokes it on request.
    Upstream,
    /// It is revoked together with all others by changing the key or policy that they were made with.
    ByKeyRotation,
    /// A class that this host does not know. The host treats it as [`Revocation::NotRevocable`].
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
        /// The host's name. A `*` matches exactly one label, as in `sts.*.amazonaws.com`.
        host: String,
    },
    /// The origin of the URL in a stored setting. No request can change it.
    Setting {
        /// The setting's name.
        setting: String,
    },
    /// A kind that this host does not know. It allows no call.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// Something of the tenant that an issuer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The tenant's RSA signing key and its certificate.
    TenantSigningKey,
    /// A need that this host does not know. The host does not load the plugin.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

/// A profile attribute that an issuer reads, even if no scope selects it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Read {
    /// One attribute.
    Attribute {
        /// Its name in the profile.
        name: String,
    },
    /// The attribute that a setting names. If the setting is an object, each of its values names one.
    NamedBySetting {
        /// The setting's name.
        setting: String,
        /// The attribute that is read if the setting is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    /// A kind that this host does not know. It reads no attribute.
    #[serde(other)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    Unknown,
}

impl Manifest {
    /// A manifest of this generation of messages. Version, vendor and description are empty: set them.
    pub fn new(name: impl Into<String>, issuers: Vec<IssuerManifest>) -> Self {
        Self {
            contract: CONTRACT,
            name: name.into(),
            version: String::new(),
            vendor: String::new(),
            description: String::new(),
            issuers,
        }
    }

    /// What this plugin promises for an api_type; `None` if it does not serve it.
    pub fn issuer(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.issuers.iter().find(|issuer| issuer.api_type == api_type)
    }
}

impl IssuerManifest {
    /// The least that an issuer promises: no settings, no parameters, a lifetime of up to an hour, no revocation, no
    /// upstream calls and no access to the profile.
    pub fn new(api_type: impl Into<String>, credential: CredentialForm) -> Self {
        Self {
            api_type: api_type.into(),
            credential,
            settings_schema: json!({ "type": "object", "additionalProperties": false }),
            parameters_schema: json!({ "type": "object" }),
            overrides: Vec::new(),
            lifetime: Lifetime::up_to_seconds(3600),
            revocation: Revocation::NotRevocable,
            revocation_advice: "It cannot be revoked: it is valid until it expires.".to_owned(),
            upstreams: Vec::new(),
            needs: Vec::new(),
            reads: Vec::new(),
        }
    }
}

impl Lifetime {
    /// From one second up to `maximum`, which is also the default. No setting asks for another.
    pub const fn up_to_seconds(maximum: u64) -> Self {
        Self { minimum_seconds: 1, default_seconds: maximum, maximum_seconds: maximum, setting: None }
    }
}
