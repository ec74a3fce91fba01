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

mod upstream;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use upstream::{Upstream, UpstreamOrigin};

use crate::signing::TENANT_KEY;

/// The latest generation of the messages in this crate. It grows only when an old host could misread a new plugin.
pub const CONTRACT: u32 = 2;

/// What a manifest of contract 2 can list under [`requires`](Manifest::requires). A plugin that requires nothing of it states
/// contract 1, so that older hosts load it too.
pub const REQUIREMENTS: [&str; 7] =
    [SIGNS_WITH, METHODS, HEADERS, BODY_ENCODING, CLIENT_CERTIFICATE, CA, KEEP];

/// The most of [`expiry_skew_seconds`](IssuerManifest::expiry_skew_seconds).
pub const EXPIRY_SKEW_SECONDS_MAX: u64 = 60;

/// The requirement of [`signs_with`](IssuerManifest::signs_with).
const SIGNS_WITH: &str = "signs_with";

/// The requirement of an upstream's [`methods`](Upstream::methods).
const METHODS: &str = "methods";

/// The requirement of an upstream's [`headers`](Upstream::headers).
const HEADERS: &str = "headers";

/// The requirement of an upstream's [binary bodies](Upstream::binary_bodies).
const BODY_ENCODING: &str = "body_encoding";

/// The requirement of an upstream's [`client_certificate`](Upstream::client_certificate).
const CLIENT_CERTIFICATE: &str = "client_certificate";

/// The requirement of an upstream's [`ca`](Upstream::ca).
const CA: &str = "ca";

/// The requirement of [`keeps`](IssuerManifest::keeps).
const KEEP: &str = "keep";

/// Who a plugin is and what it issues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Manifest {
    /// The lowest generation of the messages whose hosts can load the plugin: 2 if it requires anything, else 1.
    pub contract: u32,
    /// The parts of the contract that the plugin uses and that a host must not skip, from [`REQUIREMENTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
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
    /// How far the upstream's clock may be ahead of the host's, in seconds: 60 at most. A credential may state that much later
    /// times than the grant.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expiry_skew_seconds: u64,
    /// Whether it has the host [keep](crate::kept) values between requests.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps: bool,
    /// Whether a tenant may have a credential reused for an equal grant, as hosts do with objects of upstreams that
    /// cannot be revoked; true if absent.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub reusable: bool,
    /// The private keys that the host signs with when the issuer asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signs_with: Vec<KeySource>,
    /// What it signs with the tenant's key, besides JWTs that the tenant issues about the user of the grant.
    #[serde(default, skip_serializing_if = "Signs::is_least")]
    pub signs: Signs,
    /// What it needs of the tenant. Plugins of contract 1 needed the signing key here; current ones use `signs_with`.
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

/// Where the host takes a private key from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// The tenant's RSA signing key.
    Tenant,
    /// The setting of this name: a text, a private key in PEM. The plugin is not given the setting.
    Setting(String),
}

impl KeySource {
    /// The name by which the issuer asks for the key.
    pub fn name(&self) -> &str {
        match self {
            Self::Tenant => TENANT_KEY,
            Self::Setting(name) => name,
        }
    }
}

/// What an issuer signs with the tenant's key. Without it: JWTs whose `iss` is the tenant's and whose `sub` is the user's id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Signs {
    /// The setting whose value may be the `iss` of JWTs in place of the tenant's issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The attribute whose value may be the `sub` of JWTs in place of the user's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Read>,
    /// Whether it signs bytes other than JWTs, such as XML. The host cannot check those: it is a power over everything that
    /// trusts the tenant's certificate, and only a pin with `--allow-signing-bytes` gives it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bytes: bool,
}

impl Signs {
    fn is_least(&self) -> bool {
        *self == Self::default()
    }
}

/// Something of the tenant that an issuer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The tenant's RSA private key and its certificate. Only plugins of contract 1 need it; hosts give it only to
    /// those whose pin says so.
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
    /// A manifest with the requirements of these issuers. Version, vendor and description are empty: set them.
    pub fn new(name: impl Into<String>, issuers: Vec<IssuerManifest>) -> Self {
        let requires = required_by(&issuers);
        Self {
            contract: if requires.is_empty() { 1 } else { CONTRACT },
            requires,
            name: name.into(),
            version: String::new(),
            vendor: String::new(),
            description: String::new(),
            issuers,
        }
    }

    /// Whether it needs the tenant's private key itself, as plugins of contract 1 could.
    pub fn needs_tenant_key(&self) -> bool {
        self.issuers.iter().any(|issuer| issuer.needs.contains(&Need::TenantSigningKey))
    }

    /// What this plugin promises for an api_type; `None` if it does not serve it.
    pub fn issuer(&self, api_type: &str) -> Option<&IssuerManifest> {
        self.issuers.iter().find(|issuer| issuer.api_type == api_type)
    }
}

/// What a manifest of these issuers must list under [`requires`](Manifest::requires).
pub fn required_by(issuers: &[IssuerManifest]) -> Vec<String> {
    let upstream =
        |uses: fn(&Upstream) -> bool| issuers.iter().flat_map(|issuer| &issuer.upstreams).any(uses);
    let used = [
        (SIGNS_WITH, issuers.iter().any(|issuer| !issuer.signs_with.is_empty())),
        (METHODS, upstream(|upstream| !upstream.methods.is_empty())),
        (HEADERS, upstream(|upstream| !upstream.headers.is_empty())),
        (BODY_ENCODING, upstream(|upstream| upstream.binary_bodies)),
        (CLIENT_CERTIFICATE, upstream(|upstream| upstream.client_certificate.is_some())),
        (CA, upstream(|upstream| upstream.ca.is_some())),
        (KEEP, issuers.iter().any(|issuer| issuer.keeps)),
    ];
    used.into_iter().filter(|(_, is_used)| *is_used).map(|(name, _)| name.to_owned()).collect()
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
            expiry_skew_seconds: 0,
            keeps: false,
            reusable: true,
            signs_with: Vec::new(),
            signs: Signs::default(),
            needs: Vec::new(),
            reads: Vec::new(),
        }
    }

    /// Whether it signs with the tenant's key, or needs the key itself.
    pub fn uses_tenant_key(&self) -> bool {
        self.signs_with.contains(&KeySource::Tenant) || self.needs.contains(&Need::TenantSigningKey)
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Lifetime {
    /// From one second up to `maximum`, which is also the default. No setting asks for another.
    pub const fn up_to_seconds(maximum: u64) -> Self {
        Self { minimum_seconds: 1, default_seconds: maximum, maximum_seconds: maximum, setting: None }
    }
}
