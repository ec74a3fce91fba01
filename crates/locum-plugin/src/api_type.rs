//! What an issuer promises for one api_type, in the words of an author.

use locum_abi::manifest::{
    CredentialForm, IssuerManifest, Lifetime as ManifestLifetime, LifetimeSetting, Need, Override, Read,
    Revocation, Upstream,
};
use serde_json::Value;

/// An api_type and its promises. The SDK adds the schemas of settings and parameters.
///
/// The host holds an issuer to each promise: a credential that outlives its lifetime, a call to an upstream that is
/// not declared or an attribute that is not read never gets through.
///
/// ```
/// use locum_plugin::{ApiType, Lifetime};
///
/// let lifetime = Lifetime::up_to_seconds(86_400).by_default_seconds(300).set_in_minutes_by("expiration");
/// let promised = ApiType::text("azure_blob", "azure_blob_sas")
///     .lives(lifetime)
///     .parameter_overrides("blobName")
///     .revoked_by_key_rotation("Regenerate the account key, which ends every signature made with it.");
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

    /// Issues a text, which the client finds under this member of the answer.
    pub fn text(api_type: &str, member: &str) -> Self {
        Self::of(api_type, CredentialForm::Text { member: member.to_owned() })
    }

    /// Issues a JSON object, which is the whole answer.
    pub fn object(api_type: &str) -> Self {
        Self::of(api_type, CredentialForm::Object)
    }

    fn of(api_type: &str, credential: CredentialForm) -> Self {
        Self {
            manifest: IssuerManifest {
                api_type: api_type.to_owned(),
                credential,
                settings_schema: Value::Null,
                parameters_schema: Value::Null,
                overrides: Vec::new(),
                lifetime: Lifetime::up_to_seconds(3600).0,
                revocation: Revocation::NotRevocable,
                revocation_advice: "It cannot be revoked: it lives until it expires.".to_owned(),
                upstreams: Vec::new(),
                needs: Vec::new(),
                reads: Vec::new(),
            },
        }
    }

    /// How long its credentials live; up to an hour if nothing is said.
    pub fn lives(mut self, lifetime: Lifetime) -> Self {
        self.manifest.lifetime = lifetime.0;
        self
    }

    /// A credential cannot be taken back; `advice` tells operators what to do when one has leaked.
    pub fn not_revocable(self, advice: &str) -> Self {
        self.revocation(Revocation::NotRevocable, advice)
    }

    /// A credential is taken back only by changing what it was made with; `advice` says what that is.
    pub fn revoked_by_key_rotation(self, advice: &str) -> Self {
        self.revocation(Revocation::ByKeyRotation, advice)
    }

    /// [`Issuer::revoke`](crate::Issuer::revoke) takes a credential back at the upstream.
    pub fn revoked_upstream(self, advice: &str) -> Self {
        self.revocation(Revocation::Upstream, advice)
    }

    fn revocation(mut self, class: Revocation, advice: &str) -> Self {
        self.manifest.revocation = class;
        advice.clone_into(&mut self.manifest.revocation_advice);
        self
    }

    /// The request parameter of this name stands in for the setting of the same name.
    pub fn parameter_overrides(self, name: &str) -> Self {
        self.parameter_overrides_setting(name, name)
    }

    /// The request parameter stands in for a setting of another name.
    pub fn parameter_overrides_setting(mut self, parameter: &str, setting: &str) -> Self {
        self.manifest
            .overrides
            .push(Override { parameter: parameter.to_owned(), setting: setting.to_owned() });
        self
    }

    /// It may call this upstream.
    pub fn calls(mut self, upstream: Upstream) -> Self {
        self.manifest.upstreams.push(upstream);
        self
    }

    /// It signs with the tenant's RSA key.
    pub fn needs_tenant_signing_key(mut self) -> Self {
        self.manifest.needs.push(Need::TenantSigningKey);
        self
    }

    /// It reads this profile attribute whatever the scope.
    pub fn reads(mut self, name: &str) -> Self {
        self.manifest.reads.push(Read::Attribute { name: name.to_owned() });
        self
    }

    /// It reads the profile attribute that a setting names; `default` is read when the setting is absent. A setting
    /// that is an object names an attribute with each of its values.
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

/// How long credentials live.
#[derive(Debug, Clone)]
#[must_use]
pub struct Lifetime(ManifestLifetime);

impl Lifetime {
    /// From one second up to this many; this many when the settings do not say.
    pub fn up_to_seconds(maximum: u64) -> Self {
        Self(ManifestLifetime {
            minimum_seconds: 1,
            default_seconds: maximum,
            maximum_seconds: maximum,
            setting: None,
        })
    }

    /// Never shorter than this.
    pub fn at_least_seconds(mut self, minimum: u64) -> Self {
        self.0.minimum_seconds = minimum;
        self
    }

    /// This many when the settings do not say.
    pub fn by_default_seconds(mut self, default: u64) -> Self {
        self.0.default_seconds = default;
        self
    }

    /// This setting asks for a number of seconds.
    pub fn set_in_seconds_by(self, setting: &str) -> Self {
        self.set_by(setting, 1)
    }

    /// This setting asks for a number of minutes.
    pub fn set_in_minutes_by(self, setting: &str) -> Self {
        self.set_by(setting, 60)
    }

    fn set_by(mut self, setting: &str, unit_seconds: u64) -> Self {
        self.0.setting = Some(LifetimeSetting { name: setting.to_owned(), unit_seconds });
        self
    }
}
