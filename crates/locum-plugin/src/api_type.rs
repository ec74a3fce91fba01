//! What an issuer promises for one api_type: a builder of its part of the manifest.

use locum_abi::manifest::{
    CredentialForm, IssuerManifest, KeySource, Lifetime as ManifestLifetime, LifetimeSetting, Override, Read,
    Revocation, Upstream,
};
use serde_json::Value;

/// An api_type and its promises. The SDK adds the schemas of settings and parameters.
///
/// The host enforces each promise. It refuses a credential that is valid for longer than it should be and a call to an
/// upstream that is not declared, and it passes on only the attributes that are declared.
///
/// ```
/// use locum_plugin::{ApiType, Lifetime};
///
/// let lifetime = Lifetime::up_to_seconds(86_400).default_seconds(300).setting_in_minutes("expiration");
/// let promised = ApiType::text("azure_blob", "azure_blob_sas")
///     .lifetime(lifetime)
///     .parameter_overrides("blobName")
///     .revoked_by_key_rotation("Regenerate the account key: all signatures made with it become invalid.");
/// # let _ = promised;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ApiType {
    manifest: IssuerManifest,
}

impl ApiType {
    /// Issues a compact JWT.
    pub fn jwt(api_type: &str) -> Self {
        Self::of(api_type, CredentialForm::Jwt)
    }

    /// Issues a text, which the client finds in this member of the response.
    pub fn text(api_type: &str, member: &str) -> Self {
        Self::of(api_type, CredentialForm::Text { member: member.to_owned() })
    }

    /// Issues a JSON object, which is the whole response.
    pub fn object(api_type: &str) -> Self {
        Self::of(api_type, CredentialForm::Object)
    }

    fn of(api_type: &str, credential: CredentialForm) -> Self {
        Self { manifest: IssuerManifest::new(api_type, credential) }
    }

    /// The lifetimes that its credentials can have. Without this call: up to an hour.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.manifest.lifetime = lifetime.0;
        self
    }

    /// A credential cannot be revoked. `advice` tells operators what to do when one has leaked. This is the default.
    pub fn not_revocable(self, advice: &str) -> Self {
        self.revocation(Revocation::NotRevocable, advice)
    }

    /// A credential can be revoked only together with all others, by changing the key or policy that they were made
    /// with. `advice` tells operators which one.
    pub fn revoked_by_key_rotation(self, advice: &str) -> Self {
        self.revocation(Revocation::ByKeyRotation, advice)
    }

    /// [`Issuer::revoke`](crate::Issuer::revoke) revokes a credential at the upstream. `advice` tells operators what else
    /// they can do when one has leaked.
    pub fn revoked_upstream(self, advice: &str) -> Self {
        self.revocation(Revocation::Upstream, advice)
    }

    fn revocation(mut self, class: Revocation, advice: &str) -> Self {
        self.manifest.revocation = class;
        advice.clone_into(&mut self.manifest.revocation_advice);
        self
    }

    /// The request parameter of this name replaces the setting of the same name, where the issuer permits it.
    pub fn parameter_overrides(self, name: &str) -> Self {
        self.parameter_overrides_setting(name, name)
    }

    /// The request parameter replaces a setting of another name, where the issuer permits it.
    pub fn parameter_overrides_setting(mut self, parameter: &str, setting: &str) -> Self {
        self.manifest
            .overrides
            .push(Override { parameter: parameter.to_owned(), setting: setting.to_owned() });
        self
    }

    /// The issuer may call this upstream. It may have several.
    pub fn calls(mut self, upstream: Upstream) -> Self {
        self.manifest.upstreams.push(upstream);
        self
    }

    /// The upstream's clock may be this many seconds ahead of the host's, 60 at most: a credential may state that much later
    /// times than the grant. Without this call, such a credential is refused.
    pub fn expiry_skew_seconds(mut self, seconds: u64) -> Self {
        self.manifest.expiry_skew_seconds = seconds;
        self
    }

    /// The host keeps values between requests for the issuer: see [`Kept`](crate::Kept).
    pub fn keeps(mut self) -> Self {
        self.manifest.keeps = true;
        self
    }

    /// A credential is never reused for an equal grant, also if the tenant allows that for upstreams.
    pub fn never_reused(mut self) -> Self {
        self.manifest.reusable = false;
        self
    }

    /// The host signs with the tenant's RSA key when the issuer asks for it: [`Grant::sign_jwt`](crate::Grant::sign_jwt) with
    /// [`Tenant::signing_key`](crate::Tenant::signing_key).
    pub fn signs_with_tenant_key(mut self) -> Self {
        self.manifest.signs_with.push(KeySource::Tenant);
        self
    }

    /// The host signs with the private key in this setting when the issuer asks for it. The setting is a field of the type
    /// [`PrivateKey`](crate::PrivateKey).
    pub fn signs_with_setting(mut self, setting: &str) -> Self {
        self.manifest.signs_with.push(KeySource::Setting(setting.to_owned()));
        self
    }

    /// The `iss` of JWTs under the tenant's key may be the value of this setting, in place of the tenant's issuer.
    pub fn signs_as_setting(mut self, setting: &str) -> Self {
        self.manifest.signs.issuer = Some(setting.to_owned());
        self
    }

    /// The `sub` of JWTs under the tenant's key may be the attribute that a setting names, or `default` if the setting is
    /// absent, in place of the user's id.
    pub fn signs_about_attribute_of_setting(mut self, setting: &str, default: Option<&str>) -> Self {
        let default = default.map(str::to_owned);
        self.manifest.signs.subject = Some(Read::NamedBySetting { setting: setting.to_owned(), default });
        self
    }

    /// The issuer signs bytes that are not a JWT with the tenant's key: [`Grant::sign_bytes`](crate::Grant::sign_bytes). The
    /// host cannot check those, so an operator must pin the plugin with `--allow-signing-bytes`.
    pub fn signs_bytes(mut self) -> Self {
        self.manifest.signs.bytes = true;
        self
    }

    /// The issuer reads this profile attribute, even if no scope selects it.
    pub fn reads(mut self, name: &str) -> Self {
        self.manifest.reads.push(Read::Attribute { name: name.to_owned() });
        self
    }

    /// The issuer reads the profile attribute that a setting names, or `default` if the setting is absent. If the setting
    /// is an object, each of its values names an attribute.
    pub fn reads_named_by_setting(mut self, setting: &str, default: Option<&str>) -> Self {
        let default = default.map(str::to_owned);
        self.manifest.reads.push(Read::NamedBySetting { setting: setting.to_owned(), default });
        self
    }

    pub(crate) fn into_manifest(
        mut self,
        settings_schema: Value,
        parameters_schema: Value,
    ) -> IssuerManifest {
        self.manifest.settings_schema = settings_schema;
        self.manifest.parameters_schema = parameters_schema;
        self.manifest
    }

    pub(crate) fn name(&self) -> &str {
        &self.manifest.api_type
    }
}

/// The lifetimes that credentials can have.
///
/// ```
/// use locum_plugin::Lifetime;
///
/// // 15 minutes to 12 hours; an hour unless the setting `lifetime` asks for another number of seconds.
/// let lifetime = Lifetime::up_to_seconds(43_200)
///     .minimum_seconds(900)
///     .default_seconds(3600)
///     .setting_in_seconds("lifetime");
/// # let _ = lifetime;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Lifetime(ManifestLifetime);

impl Lifetime {
    /// From one second up to `maximum` seconds, which is also the default.
    pub fn up_to_seconds(maximum: u64) -> Self {
        Self(ManifestLifetime::up_to_seconds(maximum))
    }

    /// The shortest lifetime. The engine refuses settings that ask for less.
    pub fn minimum_seconds(mut self, minimum: u64) -> Self {
        self.0.minimum_seconds = minimum;
        self
    }

    /// The lifetime if the settings do not ask for another.
    pub fn default_seconds(mut self, default: u64) -> Self {
        self.0.default_seconds = default;
        self
    }

    /// The setting of this name asks for a lifetime, in seconds.
    pub fn setting_in_seconds(self, setting: &str) -> Self {
        self.setting(setting, 1)
    }

    /// The setting of this name asks for a lifetime, in minutes.
    pub fn setting_in_minutes(self, setting: &str) -> Self {
        self.setting(setting, 60)
    }

    fn setting(mut self, setting: &str, unit_seconds: u64) -> Self {
        self.0.setting = Some(LifetimeSetting { name: setting.to_owned(), unit_seconds });
        self
    }
}
