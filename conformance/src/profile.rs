//! Profiles say what a case is about; features say which issuers it is for.

use std::fmt;

use locum_abi::manifest::{CredentialForm, IssuerManifest, Revocation};
use locum_host::secret_setting_names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a case is about. A report counts by profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The plugin loads, its manifest is honest, bad settings are refused, and the same input gives the same output.
    Contract,
    /// What of the user's profile a credential holds.
    Scopes,
    /// How long a credential lives, and that the answer tells the truth about it.
    Expiry,
    /// A credential that cannot be revoked says so and keeps its life.
    NonRevocability,
    /// A credential that can be revoked is.
    Revocation,
    /// Bursts, refill, and the headers about them.
    RateLimit,
    /// Every refusal has its status, its code and a description.
    Errors,
    /// A delegated token is exchanged for a fresh one.
    Renewal,
    /// What clients are told when an upstream fails.
    UpstreamFaults,
    /// Requests made to do harm.
    Hostile,
    /// No secret leaves by an answer, a log line or an audit event.
    Secrets,
    /// What only HTTP shows: methods, origins, headers.
    Http,
}

/// Who must pass a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Every issuer.
    Core,
    /// Issuers with the features that its cases need.
    Extended,
}

impl Profile {
    /// All profiles, in the order of a report.
    pub const ALL: [Self; 12] = [
        Self::Contract,
        Self::Scopes,
        Self::Expiry,
        Self::NonRevocability,
        Self::Revocation,
        Self::RateLimit,
        Self::Errors,
        Self::Renewal,
        Self::UpstreamFaults,
        Self::Hostile,
        Self::Secrets,
        Self::Http,
    ];

    /// The name as fixtures and reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Scopes => "scopes",
            Self::Expiry => "expiry",
            Self::NonRevocability => "non-revocability",
            Self::Revocation => "revocation",
            Self::RateLimit => "rate-limit",
            Self::Errors => "errors",
            Self::Renewal => "renewal",
            Self::UpstreamFaults => "upstream-faults",
            Self::Hostile => "hostile",
            Self::Secrets => "secrets",
            Self::Http => "http",
        }
    }

    /// Who must pass it.
    pub const fn level(self) -> Level {
        match self {
            Self::NonRevocability | Self::Revocation | Self::Renewal | Self::UpstreamFaults | Self::Http => {
                Level::Extended
            }
            _ => Level::Core,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that some issuers have and others do not.
///
/// Most follow from the manifest; the others cannot be seen there, and a plugin's sheet declares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// It serves api_type `app`.
    App,
    /// Its credential is a JWT.
    Jwt,
    /// Its credential is a text.
    Text,
    /// Its credential is a JSON object.
    Object,
    /// A setting asks for the lifetime.
    LifetimeSetting,
    /// The shortest life that it gives is longer than two minutes.
    LongMinimum,
    /// It reads attributes of the user whatever the scope.
    ReadsProfile,
    /// Some of its settings are secret.
    SecretSettings,
    /// It calls an upstream.
    Upstream,
    /// An upstream takes its credentials back.
    Revocable,
    /// Nothing takes a single credential back.
    NotRevocable,
    /// Its credential holds the claims that the scope selects.
    ProfileClaims,
    /// Its credential holds attributes of the user whatever the scope.
    TellsAttributes,
    /// Somebody else decides when its credential ends.
    EndSetUpstream,
    /// Its credential can be presented as an id_token again.
    Renewal,
    /// Two credentials for the same input differ, as with ECDSA and RSA-PSS.
    Random,
}

impl Feature {
    /// The name as fixtures and reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Jwt => "jwt",
            Self::Text => "text",
            Self::Object => "object",
            Self::LifetimeSetting => "lifetime-setting",
            Self::LongMinimum => "long-minimum",
            Self::ReadsProfile => "reads-profile",
            Self::SecretSettings => "secret-settings",
            Self::Upstream => "upstream",
            Self::Revocable => "revocable",
            Self::NotRevocable => "not-revocable",
            Self::ProfileClaims => "profile-claims",
            Self::TellsAttributes => "tells-attributes",
            Self::EndSetUpstream => "end-set-upstream",
            Self::Renewal => "renewal",
            Self::Random => "random",
        }
    }

    /// Whether a sheet may declare it; the others are the manifest's to say.
    pub const fn is_declared(self) -> bool {
        matches!(
            self,
            Self::ProfileClaims | Self::TellsAttributes | Self::EndSetUpstream | Self::Renewal | Self::Random
        )
    }

    /// The features that a manifest states.
    pub fn of_manifest(manifest: &IssuerManifest) -> Vec<Self> {
        let form = match manifest.credential {
            CredentialForm::Jwt => Some(Self::Jwt),
            CredentialForm::Text { .. } => Some(Self::Text),
            CredentialForm::Object => Some(Self::Object),
            CredentialForm::Unknown => None,
        };
        let revocation = match manifest.revocation {
            Revocation::Upstream => Self::Revocable,
            Revocation::NotRevocable | Revocation::ByKeyRotation | Revocation::Unknown => Self::NotRevocable,
        };
        let has_secrets = !secret_setting_names(&manifest.settings_schema).is_empty();
        let stated = [
            (manifest.api_type == "app").then_some(Self::App),
            form,
            manifest.lifetime.setting.is_some().then_some(Self::LifetimeSetting),
            (manifest.lifetime.minimum_seconds > 120).then_some(Self::LongMinimum),
            (!manifest.reads.is_empty()).then_some(Self::ReadsProfile),
            has_secrets.then_some(Self::SecretSettings),
            (!manifest.upstreams.is_empty()).then_some(Self::Upstream),
            Some(revocation),
        ];
        stated.into_iter().flatten().collect()
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_named_as_files_spell_them() {
        for profile in Profile::ALL {
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.name());
        }
    }

    #[test]
    fn features_are_named_as_files_spell_them() {
        for feature in [
            Feature::LifetimeSetting,
            Feature::LongMinimum,
            Feature::ReadsProfile,
            Feature::SecretSettings,
            Feature::NotRevocable,
            Feature::ProfileClaims,
            Feature::TellsAttributes,
            Feature::EndSetUpstream,
        ] {
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.name());
        }
    }
}
